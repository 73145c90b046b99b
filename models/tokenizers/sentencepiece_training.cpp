#include <sentencepiece_trainer.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/aligned_text.h"
#include "models/tokenizers/pipeline/sentencepiece_file.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych {
namespace {

using tokenizers::SentencePieceFile;
using PieceType = SentencePieceFile::PieceType;

constexpr const char* kUnknown = "<unk>";
constexpr const char* kBos = "<s>";
constexpr const char* kEos = "</s>";
/// <unk>, <s>, </s> and one piece per byte.
constexpr std::int64_t kFixedPieces = 3 + 256;

class Lines : public sentencepiece::SentenceIterator {
 public:
  explicit Lines(const std::vector<std::string>& lines) : lines_(lines) {}
  bool done() const override { return next_ >= lines_.size(); }
  void Next() override { ++next_; }
  const std::string& value() const override { return lines_[next_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& lines_;
  std::size_t next_ = 0;
};

/// The trainer reads one sentence a line; empty ones teach nothing.
std::vector<std::string> sentences(const std::vector<std::string>& lines) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t invalid = find_invalid_utf8(lines[i]);
    if (invalid != std::string::npos)
      throw FormatError(
          format("vocabulary: line {}: found bytes that are not UTF-8 at offset {}, expected UTF-8 "
                 "text.",
                 i + 1, invalid));
    for (const auto& sentence : split(lines[i], "\n"))
      if (!trim(sentence).empty()) result.push_back(sentence);
  }
  if (result.empty())
    throw ConfigError("vocabulary: text: found no words, expected at least one line.");
  return result;
}

std::vector<std::string> new_control_tokens(const std::vector<std::string>& wanted) {
  std::vector<std::string> tokens;
  for (const auto& token : wanted) {
    if (token.empty() || token.find(',') != std::string::npos || !is_valid_utf8(token))
      throw ConfigError(format(
          "vocabulary: control token: found '{}', expected UTF-8 text without a comma.", token));
    const bool is_fixed = token == kUnknown || token == kBos || token == kEos;
    if (!is_fixed && std::find(tokens.begin(), tokens.end(), token) == tokens.end())
      tokens.push_back(token);
  }
  return tokens;
}

/// The characters that get a piece of their own: all of them, or as many as take half of the room,
/// the most frequent first. Bytes stand for the others.
std::set<char32_t> kept_characters(const std::vector<std::string>& lines, std::int64_t room) {
  std::map<char32_t, std::int64_t> counts;
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size();) ++counts[next_code_point(line, i)];
  counts.erase(U' ');
  std::vector<std::pair<std::int64_t, char32_t>> order;
  for (const auto& [character, count] : counts) order.emplace_back(-count, character);
  std::sort(order.begin(), order.end());
  std::set<char32_t> kept = {U' '};
  for (const auto& [count, character] : order)
    if (static_cast<std::int64_t>(kept.size()) < std::max<std::int64_t>(2, room / 2))
      kept.insert(character);
  return kept;
}

/// The text cut at the characters that get no piece, because the trainer demands a piece for
/// nearly every character that it sees.
std::vector<std::string> without_rare_characters(const std::vector<std::string>& lines,
                                                 std::int64_t room) {
  const auto kept = kept_characters(lines, room);
  std::vector<std::string> result;
  for (const auto& line : lines) {
    std::string part;
    for (std::size_t i = 0; i < line.size();) {
      const char32_t character = next_code_point(line, i);
      if (kept.count(character)) {
        append_utf8(part, character);
      } else if (!part.empty()) {
        result.push_back(std::move(part));
        part.clear();
      }
    }
    if (!part.empty()) result.push_back(std::move(part));
  }
  return result;
}

std::string train_model(const std::vector<std::string>& lines,
                        const std::vector<std::string>& controls, std::int64_t vocabulary_size) {
  // One thread: the result depends on nothing but text and options.
  const std::int64_t room =
      vocabulary_size - kFixedPieces - static_cast<std::int64_t>(controls.size());
  const std::unordered_map<std::string, std::string> options = {
      {"model_type", "bpe"},
      {"vocab_size", std::to_string(vocabulary_size)},
      {"hard_vocab_limit", "false"},
      {"byte_fallback", "true"},
      {"character_coverage", "1.0"},
      {"normalization_rule_name", "identity"},
      {"remove_extra_whitespaces", "false"},
      {"allow_whitespace_only_pieces", "true"},
      {"split_digits", "true"},
      {"max_sentence_length", "1073741824"},
      {"shuffle_input_sentence", "false"},
      {"num_threads", "1"},
      {"control_symbols", join(controls, ",")},
      {"unk_id", "0"},
      {"bos_id", "1"},
      {"eos_id", "2"},
      {"pad_id", "-1"},
      {"minloglevel", "2"},
  };
  const auto covered = without_rare_characters(lines, room);
  Lines iterator(covered);
  std::string bytes;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &iterator, &bytes);
  if (!status.ok())
    throw FormatError(format(
        "vocabulary: SentencePiece cannot learn {} pieces from this text: {}. Choose another "
        "vocabulary_size or give more text.",
        vocabulary_size, status.ToString()));
  return bytes;
}

/// Every pair of pieces that joins to a piece, by falling score; among the pairs of one piece the
/// one with the larger ids first, as transformers does when it converts such a model.
Json merges_of(const SentencePieceFile& file,
               const std::unordered_map<std::string, std::size_t>& ids) {
  std::vector<std::size_t> order;
  for (std::size_t id = 0; id < file.pieces.size(); ++id)
    if (file.pieces[id].type == PieceType::kNormal) order.push_back(id);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
    return file.pieces[left].score > file.pieces[right].score;
  });
  Json merges = Json::array();
  for (const std::size_t id : order) {
    const std::string& piece = file.pieces[id].text;
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t cut = 1; cut < piece.size(); ++cut) {
      const auto left = ids.find(piece.substr(0, cut));
      const auto right = ids.find(piece.substr(cut));
      if (left != ids.end() && right != ids.end()) pairs.emplace_back(left->second, right->second);
    }
    std::sort(pairs.rbegin(), pairs.rend());
    for (const auto& [left, right] : pairs)
      merges.push_back(Json::array({file.pieces[left].text, file.pieces[right].text}));
  }
  return merges;
}

Json added_token(const std::string& content, bool with_special) {
  Json token = {{"content", content},
                {"single_word", false},
                {"lstrip", false},
                {"rstrip", false},
                {"normalized", false}};
  if (with_special) token["special"] = true;
  return token;
}

bool is_control(PieceType type) {
  return type == PieceType::kControl || type == PieceType::kUnknown;
}

/// The same tokenizer as tokenizer.json, for readers without SentencePiece.
Json tokenizer_json(const SentencePieceFile& file) {
  const std::string mark(tokenizers::kSpaceMark);
  std::unordered_map<std::string, std::size_t> mergeable;
  Json vocabulary = nlohmann::ordered_json::object_t();
  Json added = Json::array();
  for (std::size_t id = 0; id < file.pieces.size(); ++id) {
    const auto& piece = file.pieces[id];
    vocabulary.get_ref<Json::object_t&>().Container::emplace_back(piece.text, id);
    if (piece.type == PieceType::kNormal) mergeable.emplace(piece.text, id);
    if (!is_control(piece.type)) continue;
    Json token = {{"id", id}};
    token.update(added_token(piece.text, true));
    added.push_back(token);
  }
  const Json first = {{"SpecialToken", {{"id", kBos}, {"type_id", 0}}}};
  const auto text = [](const char* id, int type) {
    return Json{{"Sequence", {{"id", id}, {"type_id", type}}}};
  };
  const auto replace = [](const std::string& from, const std::string& to) {
    return Json{{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
  };
  return {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer",
       {{"type", "Sequence"},
        {"normalizers",
         Json::array({{{"type", "Prepend"}, {"prepend", mark}}, replace(" ", mark)})}}},
      {"pre_tokenizer", nullptr},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single", Json::array({first, text("A", 0)})},
        {"pair", Json::array({first, text("A", 0), first, text("B", 1)})},
        {"special_tokens",
         {{kBos, {{"id", kBos}, {"ids", Json::array({1})}, {"tokens", Json::array({kBos})}}}}}}},
      {"decoder",
       {{"type", "Sequence"},
        {"decoders",
         Json::array({replace(mark, " "),
                      {{"type", "ByteFallback"}},
                      {{"type", "Fuse"}},
                      {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}})}}},
      {"model",
       {{"type", "BPE"},
        {"dropout", nullptr},
        {"unk_token", kUnknown},
        {"continuing_subword_prefix", nullptr},
        {"end_of_word_suffix", nullptr},
        {"fuse_unk", true},
        {"byte_fallback", true},
        {"ignore_merges", false},
        {"vocab", vocabulary},
        {"merges", merges_of(file, mergeable)}}}};
}

Json tokenizer_config(const SentencePieceFile& file, const std::vector<std::string>& controls) {
  Json decoder = Json::object();
  for (std::size_t id = 0; id < file.pieces.size(); ++id)
    if (is_control(file.pieces[id].type))
      decoder[std::to_string(id)] = added_token(file.pieces[id].text, true);
  return {{"tokenizer_class", "PreTrainedTokenizerFast"},
          {"bos_token", kBos},
          {"eos_token", kEos},
          {"unk_token", kUnknown},
          {"add_bos_token", true},
          {"add_eos_token", false},
          {"additional_special_tokens", controls},
          {"legacy", true},
          {"clean_up_tokenization_spaces", false},
          {"added_tokens_decoder", decoder}};
}

Json special_tokens_map(const std::vector<std::string>& controls) {
  return {{"bos_token", added_token(kBos, false)},
          {"eos_token", added_token(kEos, false)},
          {"unk_token", added_token(kUnknown, false)},
          {"additional_special_tokens", controls}};
}

}  // namespace

void train_sentencepiece(const std::vector<std::string>& lines, const VocabularyTraining& options,
                         const std::filesystem::path& folder) {
  const auto text = sentences(lines);
  const auto controls = new_control_tokens(options.control_tokens);
  // Below two pieces of room nothing can be learned at all.
  const auto smallest = kFixedPieces + static_cast<std::int64_t>(controls.size()) + 2;
  if (options.vocabulary_size < smallest)
    throw ConfigError(format(
        "vocabulary_size: found {}, expected at least {}: {} byte, control and unknown pieces "
        "come first.",
        options.vocabulary_size, smallest, smallest - 2));
  const std::string bytes = train_model(text, controls, options.vocabulary_size);
  const SentencePieceFile file = tokenizers::parse_sentencepiece_file(bytes, "vocabulary");
  std::filesystem::create_directories(folder);
  write_file_atomic(folder / "tokenizer.model", bytes);
  write_file_atomic(folder / "tokenizer.json", tokenizer_json(file).dump(1) + "\n");
  write_file_atomic(folder / "tokenizer_config.json",
                    tokenizer_config(file, controls).dump(2) + "\n");
  write_file_atomic(folder / "special_tokens_map.json",
                    special_tokens_map(controls).dump(2) + "\n");
}

}  // namespace sqpsych
