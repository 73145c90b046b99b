#include "models/tokenizers/pipeline/added_tokens.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/code_points.h"
#include "models/tokenizers/pipeline/json_members.h"

namespace sqpsych::tokenizers {
namespace {

bool is_space(char32_t code) { return is_class(code, kSpace); }

std::size_t start_of_last(std::string_view text) {
  std::size_t start = text.size() - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
  return start;
}

char32_t code_point_at(std::string_view text, std::size_t position) {
  return next_code_point(text, position);
}

bool between_words(std::string_view text, ByteSpan match) {
  const bool before =
      match.begin == 0 || !is_word(code_point_at(text, start_of_last(text.substr(0, match.begin))));
  return before && (match.end == text.size() || !is_word(code_point_at(text, match.end)));
}

}  // namespace

AddedToken added_token_from_json(const Json& json, TokenId id, const std::string& where) {
  AddedToken token;
  token.id = id;
  token.content = text_or(json, "content", "", where);
  token.special = flag_or(json, "special", false, where);
  token.normalized = flag_or(json, "normalized", !token.special, where);
  token.single_word = flag_or(json, "single_word", false, where);
  token.lstrip = flag_or(json, "lstrip", false, where);
  token.rstrip = flag_or(json, "rstrip", false, where);
  return token;
}

bool looks_like_control(std::string_view content) {
  constexpr std::array<std::string_view, 10> kNames = {
      "<s>",   "</s>",  "<unk>",   "<pad>",           "<mask>",
      "<bos>", "<eos>", "[@BOS@]", "<start_of_turn>", "<end_of_turn>"};
  if (std::find(kNames.begin(), kNames.end(), content) != kNames.end()) return true;
  if (content.size() > 4 && content.starts_with("<|") && content.ends_with("|>")) return true;
  return content.starts_with("<unused") && content.ends_with(">");
}

AddedTokenFinder::AddedTokenFinder(const std::vector<const AddedToken*>& tokens,
                                   const std::vector<std::string>& patterns) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (patterns[i].empty()) continue;
    std::uint32_t node = 0;
    for (const char c : patterns[i]) {
      const auto byte = static_cast<unsigned char>(c);
      std::uint32_t next = nodes_[node].behind(byte);
      if (next == 0) {
        next = static_cast<std::uint32_t>(nodes_.size());
        nodes_[node].next.emplace_back(byte, next);
        nodes_.emplace_back();
      }
      node = next;
    }
    if (!nodes_[node].token) nodes_[node].token = tokens[i];
    const auto first = static_cast<unsigned char>(patterns[i][0]);
    if (patterns[i].size() == 1) {
      first_bytes_[first] |= kAlone;
    } else {
      first_bytes_[first] |= group_of(first);
      second_bytes_[static_cast<unsigned char>(patterns[i][1])] |= group_of(first);
    }
  }
}

void AddedTokenFinder::add_match(std::string_view text, ByteSpan match, const AddedToken& token,
                                 std::size_t& done, std::vector<Fragment>& fragments) {
  if (token.single_word && !between_words(text, match)) return;
  if (token.lstrip)
    while (match.begin > done) {
      const std::size_t start = start_of_last(text.substr(0, match.begin));
      if (!is_space(code_point_at(text, start))) break;
      match.begin = start;
    }
  if (token.rstrip)
    while (match.end < text.size()) {
      std::size_t next = match.end;
      if (!is_space(next_code_point(text, next))) break;
      match.end = next;
    }
  if (match.end <= done) return;
  match.begin = std::max(match.begin, done);
  if (match.begin > done) fragments.push_back({{done, match.begin}, nullptr});
  fragments.push_back({match, &token});
  done = match.end;
}

}  // namespace sqpsych::tokenizers
