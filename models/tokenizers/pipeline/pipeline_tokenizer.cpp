#include "models/tokenizers/pipeline/pipeline_tokenizer.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych::tokenizers {
namespace {

/// The texts under which runtimes look for the end of a turn.
constexpr std::string_view kEndOfTurn[] = {"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>"};

bool touches(const std::vector<ByteSpan>& ranges, ByteSpan range) {
  const auto after = std::partition_point(ranges.begin(), ranges.end(),
                                          [&](ByteSpan other) { return other.end <= range.begin; });
  return after != ranges.end() && after->begin < range.end;
}

class PipelineTokenizer : public Tokenizer {
 public:
  explicit PipelineTokenizer(PipelineParts parts) : parts_(std::move(parts)) {
    for (const auto* around : {&parts_.special.before, &parts_.special.after})
      for (const TokenId id : *around)
        if (id < 0 || id >= size())
          throw FormatError(format(
              "{}: post_processor: found id {}, expected one of the {} tokens of the vocabulary.",
              parts_.where, id, size()));
    std::vector<const AddedToken*> raw;
    std::vector<const AddedToken*> normalised;
    std::vector<std::string> raw_patterns;
    std::vector<std::string> normalised_patterns;
    for (const auto& token : parts_.added) {
      const std::string& content = token.content;
      if (!token.normalized) {
        raw.push_back(&token);
        raw_patterns.push_back(content);
        continue;
      }
      normalised.push_back(&token);
      normalised_patterns.push_back(normalise(content, {0, content.size()}).text);
      if (normalised_patterns.back() != content) decoded_[token.id] = normalised_patterns.back();
    }
    raw_finder_ = AddedTokenFinder(raw, raw_patterns);
    normalised_finder_ = AddedTokenFinder(normalised, normalised_patterns);
  }

  Encoding encode(std::string_view text, const EncodeOptions& options) const override {
    const std::size_t invalid = find_invalid_utf8(text);
    if (invalid != std::string_view::npos)
      throw FormatError(format(
          "tokenizer: text: found bytes that are not UTF-8 at offset {}, expected UTF-8 text.",
          invalid));
    Encoding result = encode_between(text, options, {});
    const auto missed = missed_markers(text, options.markers, result);
    if (!missed.empty()) result = encode_between(text, options, missed);
    if (options.add_special) add_special(text.size(), result);
    return result;
  }

  std::string decode(const std::vector<TokenId>& ids, bool skip_special) const override {
    std::vector<std::string> texts;
    for (const TokenId id : ids) {
      const std::string& token = need_token(id);
      if (skip_special && is_control(id)) continue;
      const auto decoded = decoded_.find(id);
      texts.push_back(decoded == decoded_.end() ? token : decoded->second);
    }
    for (const auto& step : parts_.decoders) step(texts);
    return join(texts, parts_.decoders.empty() ? " " : "");
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(parts_.tokens.size()); }

  std::optional<TokenId> id_of(std::string_view token) const override {
    const TokenId id = parts_.ids.find(token);
    return id == kNoToken ? std::nullopt : std::optional(id);
  }

  std::string token_of(TokenId id) const override { return need_token(id); }

  bool is_control(TokenId id) const override {
    if (id < 0 || id >= size()) return false;
    const TokenType type = parts_.types[static_cast<std::size_t>(id)];
    return type == TokenType::kControl || type == TokenType::kUnknown;
  }

  std::optional<TokenId> bos() const override { return parts_.special.bos; }
  std::optional<TokenId> eos() const override { return parts_.special.eos; }
  std::optional<TokenId> unknown() const override { return parts_.special.unknown; }
  std::optional<TokenId> padding() const override { return parts_.special.padding; }
  bool adds_bos() const override {
    const auto& before = parts_.special.before;
    return bos() && !before.empty() && before.front() == *bos();
  }
  bool adds_eos() const override {
    const auto& after = parts_.special.after;
    return eos() && !after.empty() && after.back() == *eos();
  }

  std::map<std::string, std::string> special_texts() const override { return parts_.named; }

  Vocabulary vocabulary() const override {
    if (parts_.gguf.model.empty())
      throw FormatError(format("{}: found {}, which a GGUF vocabulary cannot express.",
                               parts_.where, parts_.gguf.why_none));
    Vocabulary result;
    result.model = parts_.gguf.model;
    result.pre = parts_.gguf.pre;
    result.tokens = parts_.tokens;
    result.types = parts_.types;
    for (std::size_t id = 0; id < result.tokens.size(); ++id)
      if (result.tokens[id].empty()) result.tokens[id] = format("[PAD{}]", id);
    if (result.model == "gpt2")
      result.merges = parts_.model->merges(result.tokens);
    else
      result.scores = parts_.model->scores(result.tokens.size());
    set_roles(result);
    return result;
  }

 private:
  const std::string& need_token(TokenId id) const {
    if (id < 0 || id >= size() || parts_.tokens[static_cast<std::size_t>(id)].empty())
      throw FormatError(format("{}: found id {}, expected one of the {} tokens of the vocabulary.",
                               parts_.where, id, size()));
    return parts_.tokens[static_cast<std::size_t>(id)];
  }

  void set_roles(Vocabulary& result) const {
    result.bos = bos();
    result.eos = eos();
    result.unknown = unknown();
    result.padding = padding();
    result.add_bos = adds_bos();
    result.add_eos = adds_eos();
    result.add_space_prefix = parts_.gguf.add_space_prefix;
    for (const auto name : kEndOfTurn)
      if (const auto id = id_of(name); id && id != eos() && is_control(*id) && !result.eot)
        result.eot = id;
  }

  AlignedText normalise(std::string_view text, ByteSpan range) const {
    AlignedText result = AlignedText::of(text, range);
    for (const auto& step : parts_.normalizers) result = step(std::move(result));
    result.begin_at(range.begin);
    return result;
  }

  void add_special(std::size_t end, Encoding& result) const {
    const auto& [before, after] = std::pair(parts_.special.before, parts_.special.after);
    result.ids.insert(result.ids.begin(), before.begin(), before.end());
    result.spans.insert(result.spans.begin(), before.size(), ByteSpan{0, 0});
    result.ids.insert(result.ids.end(), after.begin(), after.end());
    result.spans.insert(result.spans.end(), after.size(), ByteSpan{end, end});
  }

  /// Encodes what stands between the `forced` markers, and the markers as their tokens.
  Encoding encode_between(std::string_view text, const EncodeOptions& options,
                          const std::vector<ByteSpan>& forced) const {
    Encoding result;
    result.ids.reserve(text.size() / 4 + 8);
    result.spans.reserve(text.size() / 4 + 8);
    std::size_t done = 0;
    for (const ByteSpan marker : forced) {
      encode_range(text, {done, marker.begin}, options.literal, result);
      push(*id_of(text.substr(marker.begin, marker.end - marker.begin)), marker, result);
      done = marker.end;
    }
    encode_range(text, {done, text.size()}, options.literal, result);
    return result;
  }

  void encode_range(std::string_view text, ByteSpan range, const std::vector<ByteSpan>& literal,
                    Encoding& result) const {
    const auto blocked = [&](ByteSpan match) {
      return touches(literal, {match.begin + range.begin, match.end + range.begin});
    };
    const auto fragments =
        raw_finder_.cut(text.substr(range.begin, range.end - range.begin), blocked);
    for (const Fragment& fragment : fragments) {
      const ByteSpan input{fragment.range.begin + range.begin, fragment.range.end + range.begin};
      if (fragment.token)
        push(fragment.token->id, input, result);
      else
        encode_fragment(normalise(text, input), input.begin == 0, literal, result);
    }
  }

  void encode_fragment(AlignedText normal, bool at_text_start, const std::vector<ByteSpan>& literal,
                       Encoding& result) const {
    if (normalised_finder_.empty()) return encode_plain(std::move(normal), at_text_start, result);
    const auto blocked = [&](ByteSpan match) {
      return touches(literal, {normal.bound(match.begin), normal.bound(match.end)});
    };
    for (const Fragment& fragment : normalised_finder_.cut(normal.text, blocked)) {
      const ByteSpan range = fragment.range;
      if (fragment.token)
        push(fragment.token->id, {normal.bound(range.begin), normal.bound(range.end)}, result);
      else
        encode_plain(normal.part(range), at_text_start && range.begin == 0, result);
    }
  }

  void encode_plain(AlignedText normal, bool at_text_start, Encoding& result) const {
    if (normal.empty()) return;
    Pieces pieces;
    pieces.ranges = {{0, normal.size()}};
    pieces.whole = std::move(normal);
    pieces.at_text_start = at_text_start;
    for (const auto& step : parts_.pre_tokenizers) pieces = step(std::move(pieces));
    const AlignedText& whole = pieces.whole;
    const std::string_view text = whole.text;
    static thread_local std::vector<PieceToken> tokens;
    for (const ByteSpan range : pieces.ranges) {
      tokens.clear();
      parts_.model->encode(text.substr(range.begin, range.end - range.begin),
                           at_text_start && range.begin == 0, tokens);
      for (const PieceToken& token : tokens)
        push(token.id,
             {whole.bound(range.begin + token.range.begin),
              whole.bound(range.begin + token.range.end)},
             result);
    }
  }

  static void push(TokenId id, ByteSpan span, Encoding& result) {
    result.ids.push_back(id);
    result.spans.push_back(span);
  }

  /// Markers that are added tokens but did not come out as such.
  std::vector<ByteSpan> missed_markers(std::string_view text, const std::vector<ByteSpan>& markers,
                                       const Encoding& encoding) const {
    std::vector<ByteSpan> missed;
    std::size_t at = 0;
    for (const ByteSpan marker : markers) {
      const auto id = id_of(text.substr(marker.begin, marker.end - marker.begin));
      if (!id || !is_added(*id)) continue;
      while (at < encoding.ids.size() && encoding.spans[at].end < marker.end) ++at;
      const bool found = at < encoding.ids.size() && encoding.ids[at] == *id &&
                         encoding.spans[at].begin <= marker.begin;
      if (!found) missed.push_back(marker);
    }
    return missed;
  }

  bool is_added(TokenId id) const {
    return std::any_of(parts_.added.begin(), parts_.added.end(),
                       [&](const AddedToken& token) { return token.id == id; });
  }

  PipelineParts parts_;
  AddedTokenFinder raw_finder_;
  AddedTokenFinder normalised_finder_;
  /// Added tokens whose normalised content differs from their content decode to the former.
  std::map<TokenId, std::string> decoded_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_pipeline_tokenizer(PipelineParts parts) {
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

}  // namespace sqpsych::tokenizers
