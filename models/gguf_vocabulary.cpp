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
  const auto size = tokens->size();
  const bool is_sentencepiece = *model == kSentencePieceModel;
  if (const auto* pre = optional_value<std::string>(file, "tokenizer.ggml.pre", "a string"))
    vocabulary.pre = *pre;
  if (const auto* scores =
          optional_value<std::vector<float>>(file, "tokenizer.ggml.scores", "a list of f32"))
    vocabulary.scores = *scores;
  if (is_sentencepiece || !vocabulary.scores.empty())
    check_length(file, "tokenizer.ggml.scores", vocabulary.scores.size(), size);
  vocabulary.types.assign(size, TokenType::kNormal);
  if (const auto* types = optional_value<std::vector<std::int32_t>>(
          file, "tokenizer.ggml.token_type", "a list of i32")) {
    check_length(file, "tokenizer.ggml.token_type", types->size(), size);
    for (std::size_t i = 0; i < size; ++i)
      vocabulary.types[i] = static_cast<TokenType>((*types)[i]);
  }
  if (const auto* merges = optional_value<std::vector<std::string>>(file, "tokenizer.ggml.merges",
                                                                    "a list of strings"))
    vocabulary.merges = *merges;
  const auto absent = [&](TokenId id) {
    return is_sentencepiece ? std::optional(id) : std::nullopt;
  };
  vocabulary.bos = token_id(file, "tokenizer.ggml.bos_token_id", size, absent(1));
  vocabulary.eos = token_id(file, "tokenizer.ggml.eos_token_id", size, absent(2));
  vocabulary.unknown = token_id(file, "tokenizer.ggml.unknown_token_id", size, absent(0));
  vocabulary.eot = token_id(file, "tokenizer.ggml.eot_token_id", size, std::nullopt);
  vocabulary.eom = token_id(file, "tokenizer.ggml.eom_token_id", size, std::nullopt);
  vocabulary.padding = token_id(file, "tokenizer.ggml.padding_token_id", size, std::nullopt);
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
