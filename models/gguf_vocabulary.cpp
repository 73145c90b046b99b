#include "models/gguf_vocabulary.h"

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace sqpsych {
namespace {

/// Value of tokenizer.ggml.model for SentencePiece BPE.
constexpr std::string_view kSentencePieceModel = "llama";
/// Byte-level splits (tokenizer.ggml.pre) for which llama.cpp adds BOS unless told otherwise.
constexpr std::array<std::string_view, 2> kSplitsWithBos = {"llama-bpe", "tekken"};

template <class T>
const T* optional_value(const GgufFile& file, const char* key, const char* expected) {
  const auto* value = file.find(key);
  if (!value) return nullptr;
  if (const auto* typed = std::get_if<T>(value)) return typed;
  throw FormatError(
      format("{}: {}: found another type, expected {}.", file.path().string(), key, expected));
}

std::optional<TokenId> token_id(const GgufFile& file, const char* key, std::size_t size,
                                std::optional<TokenId> absent) {
  const auto id = file.optional_u32(key);
  if (!id) return absent && static_cast<std::size_t>(*absent) < size ? absent : std::nullopt;
  if (*id < size) return static_cast<TokenId>(*id);
  log_warning(format("{}: {}: found {}, expected less than {}; the key is ignored.",
                     file.path().string(), key, *id, size));
  return std::nullopt;
}

bool flag(const GgufFile& file, const char* key, bool absent) {
  const auto* value = optional_value<bool>(file, key, "a bool");
  return value ? *value : absent;
}

void check_length(const GgufFile& file, const char* key, std::size_t found, std::size_t expected) {
  if (found != expected)
    throw FormatError(format("{}: {}: found {} entries, expected {} as in tokenizer.ggml.tokens.",
                             file.path().string(), key, found, expected));
}

/// One entry per token, where the file has them.
void read_scores(const GgufFile& file, Vocabulary& vocabulary) {
  constexpr const char* kKey = "tokenizer.ggml.scores";
  if (const auto* scores = optional_value<std::vector<float>>(file, kKey, "a list of f32"))
    vocabulary.scores = *scores;
  if (vocabulary.model == kSentencePieceModel || !vocabulary.scores.empty())
    check_length(file, kKey, vocabulary.scores.size(), vocabulary.tokens.size());
}

void read_types(const GgufFile& file, Vocabulary& vocabulary) {
  constexpr const char* kKey = "tokenizer.ggml.token_type";
  const auto size = vocabulary.tokens.size();
  vocabulary.types.assign(size, TokenType::kNormal);
  const auto* types = optional_value<std::vector<std::int32_t>>(file, kKey, "a list of i32");
  if (!types) return;
  check_length(file, kKey, types->size(), size);
  for (std::size_t i = 0; i < size; ++i) vocabulary.types[i] = static_cast<TokenType>((*types)[i]);
}

void read_special_ids(const GgufFile& file, Vocabulary& vocabulary) {
  const auto id = [&](const char* key, TokenId of_sentencepiece) {
    const bool is_known = vocabulary.model == kSentencePieceModel && of_sentencepiece >= 0;
    return token_id(file, key, vocabulary.tokens.size(),
                    is_known ? std::optional(of_sentencepiece) : std::nullopt);
  };
  vocabulary.bos = id("tokenizer.ggml.bos_token_id", 1);
  vocabulary.eos = id("tokenizer.ggml.eos_token_id", 2);
  vocabulary.unknown = id("tokenizer.ggml.unknown_token_id", 0);
  vocabulary.eot = id("tokenizer.ggml.eot_token_id", -1);
  vocabulary.eom = id("tokenizer.ggml.eom_token_id", -1);
  vocabulary.padding = id("tokenizer.ggml.padding_token_id", -1);
}

}  // namespace

std::optional<Vocabulary> vocabulary_from_gguf(const GgufFile& file) {
  const auto* model = optional_value<std::string>(file, "tokenizer.ggml.model", "a string");
  if (!model || *model == "none") return std::nullopt;
  const auto* tokens =
      optional_value<std::vector<std::string>>(file, "tokenizer.ggml.tokens", "a list of strings");
  if (!tokens)
    throw FormatError(file.path().string() +
                      ": tokenizer.ggml.tokens: found nothing, expected the vocabulary.");
  Vocabulary vocabulary;
  vocabulary.model = *model;
  vocabulary.tokens = *tokens;
  if (const auto* pre = optional_value<std::string>(file, "tokenizer.ggml.pre", "a string"))
    vocabulary.pre = *pre;
  if (const auto* merges = optional_value<std::vector<std::string>>(file, "tokenizer.ggml.merges",
                                                                    "a list of strings"))
    vocabulary.merges = *merges;
  read_scores(file, vocabulary);
  read_types(file, vocabulary);
  read_special_ids(file, vocabulary);
  const bool is_sentencepiece = vocabulary.model == kSentencePieceModel;
  const bool adds_bos =
      is_sentencepiece || std::ranges::find(kSplitsWithBos, vocabulary.pre) != kSplitsWithBos.end();
  vocabulary.add_bos = flag(file, "tokenizer.ggml.add_bos_token", adds_bos);
  vocabulary.add_eos = flag(file, "tokenizer.ggml.add_eos_token", false);
  vocabulary.add_space_prefix = flag(file, "tokenizer.ggml.add_space_prefix", is_sentencepiece);
  return vocabulary;
}

TemplateSources template_sources_from_gguf(const GgufFile& file) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  TemplateSources sources;
  sources.where = file.path().string();
  for (const auto& [key, value] : file.values()) {
    const auto* text = std::get_if<std::string>(&value);
    if (!text || !key.starts_with(kKey)) continue;
    if (key == kKey)
      sources.standard = *text;
    else if (key[kKey.size()] == '.')
      sources.named[key.substr(kKey.size() + 1)] = *text;
  }
  return sources;
}

}  // namespace sqpsych
