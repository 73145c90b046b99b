#include "models/tokenizers/pipeline/unicode_normalizers.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/base64.h"
#include "models/tokenizers/pipeline/charsmap.h"
#include "models/tokenizers/pipeline/code_points.h"

namespace sqpsych::tokenizers {
namespace {

bool in(char32_t code, char32_t first, char32_t last) { return code >= first && code <= last; }

utf8proc_category_t category_of(char32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code));
}

/// True for code points that can change when the one before them is composed with them: chunks of
/// a text that begin elsewhere are normalised independently.
bool may_join_previous(char32_t code) {
  const bool hangul_vowel_or_tail = in(code, 0x1160, 0x11FF);
  const bool halfwidth_form = in(code, 0xFF9E, 0xFFDC);
  return hangul_vowel_or_tail || halfwidth_form || is_class(code, kMark);
}

/// True for code points that no form changes and that join nothing before them.
bool is_stable(char32_t code) {
  if (code < 0x80) return true;
  if (in(code, 0x1100, 0x11FF) || in(code, 0xAC00, 0xD7A3) || may_join_previous(code)) return false;
  const auto* property = utf8proc_get_property(static_cast<utf8proc_int32_t>(code));
  return property->decomp_seqindex == UINT16_MAX && property->combining_class == 0;
}

std::string normal_form(std::string_view text, UnicodeForm form) {
  const bool composed = form == UnicodeForm::kNfc || form == UnicodeForm::kNfkc;
  const bool compatible = form == UnicodeForm::kNfkc || form == UnicodeForm::kNfkd;
  const auto options = static_cast<utf8proc_option_t>(
      UTF8PROC_STABLE | (composed ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) |
      (compatible ? UTF8PROC_COMPAT : 0));
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  SQPSYCH_CHECK(length >= 0);
  return {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length)};
}

bool is_stable(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80)
      ++at;
    else if (!is_stable(next_code_point(text, at)))
      return false;
  }
  return true;
}

/// End of the chunk that begins at `begin`: a character and what may join it.
std::size_t chunk_end(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  next_code_point(text, end);
  for (std::size_t next = end; next < text.size(); end = next)
    if (!may_join_previous(next_code_point(text, next))) break;
  return end;
}

bool is_cjk_ideograph(char32_t code) {
  return in(code, 0x4E00, 0x9FFF) || in(code, 0x3400, 0x4DBF) || in(code, 0xF900, 0xFAFF) ||
         in(code, 0x20000, 0x2A6DF) || in(code, 0x2A700, 0x2B81F) || in(code, 0x2B920, 0x2CEAF) ||
         in(code, 0x2F800, 0x2FA1F);
}

bool is_control(char32_t code) {
  const auto category = category_of(code);
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
         category == UTF8PROC_CATEGORY_CO;
}

/// True when `code` goes or becomes the space in `bytes`.
bool clean_for_bert(char32_t code, std::string& bytes) {
  if (code == ' ') return false;
  const bool is_line_space = code == '\t' || code == '\n' || code == '\r';
  if (!is_line_space && (code == 0 || code == 0xFFFD || is_control(code))) return true;
  if (!is_line_space && !is_class(code, kSpace)) return false;
  bytes = " ";
  return true;
}

bool is_nmt_control(char32_t code) {
  return in(code, 0x01, 0x08) || code == 0x0B || in(code, 0x0E, 0x1F) || code == 0x7F ||
         code == 0x8F || code == 0x9F;
}

bool is_nmt_space(char32_t code) {
  return code == 0x09 || code == 0x0A || code == 0x0C || code == 0x0D || code == 0x1680 ||
         in(code, 0x200B, 0x200F) || code == 0x2028 || code == 0x2029 || code == 0x2581 ||
         code == 0xFEFF || code == 0xFFFD;
}

template <class Rewrite>
Normalizer character_step(Rewrite rewrite) {
  return [rewrite](AlignedText source) { return rewrite_characters(std::move(source), rewrite); };
}

/// End of the grapheme cluster that begins at `begin`.
std::size_t cluster_end(std::string_view text, std::size_t begin) {
  utf8proc_int32_t state = 0;
  std::size_t end = begin;
  auto last = static_cast<utf8proc_int32_t>(next_code_point(text, end));
  for (std::size_t next = end; next < text.size(); end = next) {
    const auto code = static_cast<utf8proc_int32_t>(next_code_point(text, next));
    if (utf8proc_grapheme_break_stateful(last, code, &state)) break;
    last = code;
  }
  return end;
}

void write_mapped(const Charsmap& map, std::string_view text, std::size_t begin, std::size_t end,
                  AlignedWriter& writer) {
  if (const auto bytes = map.replacement(text.substr(begin, end - begin)))
    writer.replace(*bytes, begin);
  else
    writer.copy(begin, end);
}

}  // namespace

Normalizer unicode_form_step(UnicodeForm form) {
  return [form](AlignedText source) {
    const std::string_view text = source.text;
    if (is_stable(text)) return source;
    AlignedWriter writer(source);
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = chunk_end(text, begin);
      const std::string_view chunk = text.substr(begin, end - begin);
      if (is_stable(chunk)) {
        writer.copy(begin, end);
      } else if (const std::string normal = normal_form(chunk, form); normal == chunk) {
        writer.copy(begin, end);
      } else {
        writer.replace(normal, begin);
      }
      begin = end;
    }
    return writer.finish(text.size());
  };
}

namespace {

struct CasePairs {
  char32_t first;
  char32_t last;
  char32_t lower;  ///< of `first`
};
/// Capitals of Unicode 16 and 17; utf8proc 2.8 knows 15.0.
constexpr CasePairs kNewerCapitals[] = {{0x1C89, 0x1C89, 0x1C8A},    {0xA7CB, 0xA7CB, 0x264},
                                        {0xA7CC, 0xA7CC, 0xA7CD},    {0xA7CE, 0xA7CE, 0xA7CF},
                                        {0xA7D2, 0xA7D2, 0xA7D3},    {0xA7D4, 0xA7D4, 0xA7D5},
                                        {0xA7DA, 0xA7DA, 0xA7DB},    {0xA7DC, 0xA7DC, 0x19B},
                                        {0x10D50, 0x10D65, 0x10D70}, {0x16EA0, 0x16EB8, 0x16EBB}};

char32_t lower_of(char32_t code) {
  for (const CasePairs& pairs : kNewerCapitals)
    if (code >= pairs.first && code <= pairs.last) return pairs.lower + (code - pairs.first);
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)));
}

}  // namespace

Normalizer lowercase_step() {
  return character_step([](char32_t code, std::string& bytes) {
    constexpr char32_t kCapitalIWithDot = 0x130;
    if (code == kCapitalIWithDot) {
      bytes = "i\xCC\x87";
      return true;
    }
    const auto lower = lower_of(code);
    if (lower != code) append_utf8(bytes, lower);
    return lower != code;
  });
}

Normalizer strip_accents_step() {
  return character_step([](char32_t code, std::string&) { return is_class(code, kMark); });
}

Normalizer strip_step(bool left, bool right) {
  return [left, right](AlignedText source) {
    const std::string_view text = source.text;
    std::size_t begin = 0;
    for (std::size_t next = 0; left && next < text.size(); begin = next)
      if (!is_class(next_code_point(text, next), kSpace)) break;
    std::size_t end = right ? begin : text.size();
    for (std::size_t next = begin; right && next < text.size();)
      if (!is_class(next_code_point(text, next), kSpace)) end = next;
    return source.part({begin, end});
  };
}

Normalizer nmt_step() {
  return character_step([](char32_t code, std::string& bytes) {
    if (is_nmt_space(code)) bytes = " ";
    return is_nmt_space(code) || is_nmt_control(code);
  });
}

Normalizer charsmap_step(const std::string& base64, const std::string& where) {
  const auto bytes = bytes_of_base64(base64);
  if (!bytes) throw FormatError(format("{}: precompiled_charsmap: found no base64 text.", where));
  return [map = std::make_shared<Charsmap>(*bytes, where)](AlignedText source) {
    constexpr std::size_t kLongestCluster = 5;
    const std::string_view text = source.text;
    AlignedWriter writer(source);
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = cluster_end(text, begin);
      const std::string_view cluster = text.substr(begin, end - begin);
      if (cluster.size() <= kLongestCluster && map->replacement(cluster)) {
        write_mapped(*map, text, begin, end, writer);
        begin = end;
        continue;
      }
      for (std::size_t next = begin; begin < end; begin = next) {
        next_code_point(text, next);
        write_mapped(*map, text, begin, next, writer);
      }
    }
    return writer.finish(text.size());
  };
}

std::vector<Normalizer> bert_steps(const BertCleaning& options) {
  std::vector<Normalizer> steps;
  if (options.clean_text) steps.push_back(character_step(clean_for_bert));
  if (options.handle_chinese_chars)
    steps.push_back(character_step([](char32_t code, std::string& bytes) {
      if (!is_cjk_ideograph(code)) return false;
      bytes = " ";
      append_utf8(bytes, code);
      bytes += " ";
      return true;
    }));
  if (options.strip_accents) {
    steps.push_back(unicode_form_step(UnicodeForm::kNfd));
    steps.push_back(character_step(
        [](char32_t code, std::string&) { return category_of(code) == UTF8PROC_CATEGORY_MN; }));
  }
  if (options.lowercase) steps.push_back(lowercase_step());
  return steps;
}

}  // namespace sqpsych::tokenizers
