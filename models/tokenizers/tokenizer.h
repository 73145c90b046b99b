#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/tokenized_row.h"

namespace sqpsych {

/// Half-open byte range [begin, end) of a text.
struct ByteSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Token types with the numbers GGUF gives them (tokenizer.ggml.token_type).
enum class TokenType : std::int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

/// A vocabulary in the form GGUF files keep it: what exporters write and GGUF loading reads.
struct Vocabulary {
  std::string model;  ///< "llama" (SentencePiece BPE) or "gpt2" (byte-level BPE)
  std::string pre;    ///< tokenizer.ggml.pre: "default", "llama-bpe", "qwen2", ...
  std::vector<std::string> tokens;
  std::vector<float> scores;  ///< empty for gpt2
  std::vector<TokenType> types;
  std::vector<std::string> merges;  ///< "left right"; gpt2 only
  std::optional<TokenId> bos, eos, eot, eom, unknown, padding;
  bool add_bos = false;
  bool add_eos = false;
  bool add_space_prefix = true;  ///< llama only
};

/// How a text becomes ids.
struct EncodeOptions {
  /// Adds BOS / EOS as the tokenizer's own settings say.
  bool add_special = true;
  /// Ranges of the text whose content is data: no special (control) token is recognised there.
  /// Everything outside is parsed for special tokens. Sorted, disjoint.
  std::vector<ByteSpan> literal;
  /// Ranges that are exactly the text of one token each, written by a chat template: they become
  /// that token even where the tokenizer's own matching rules miss it. Ranges whose text is no
  /// added token of the vocabulary are ordinary text. Sorted, disjoint.
  std::vector<ByteSpan> markers;
};

/// ids and, for each, the bytes of the input it stands for (empty range for an added BOS/EOS or
/// a prefixed space). Ranges are in order and cover the text.
struct Encoding {
  std::vector<TokenId> ids;
  std::vector<ByteSpan> spans;
};

/// The text <-> ids of a checkpoint. Immutable after loading; safe to use from many threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Text must be valid UTF-8 (FormatError otherwise, with the byte offset).
  virtual Encoding encode(std::string_view text, const EncodeOptions& options) const = 0;
  std::vector<TokenId> encode_ids(std::string_view text, bool add_special) const {
    return encode(text, {add_special, {}, {}}).ids;
  }

  /// Bytes of the ids joined; control tokens are left out when `skip_special`. Unknown ids are a
  /// FormatError. May end in the middle of a character; StreamDecoder holds those bytes back.
  virtual std::string decode(const std::vector<TokenId>& ids, bool skip_special) const = 0;

  /// Number of ids, added tokens included (may be below the embedding's rows).
  virtual std::int64_t size() const = 0;
  virtual std::optional<TokenId> id_of(std::string_view token) const = 0;
  /// The token as it stands in the vocabulary (with U+2581 or byte-level letters).
  virtual std::string token_of(TokenId id) const = 0;
  virtual bool is_control(TokenId id) const = 0;

  virtual std::optional<TokenId> bos() const = 0;
  virtual std::optional<TokenId> eos() const = 0;
  virtual std::optional<TokenId> unknown() const = 0;
  virtual std::optional<TokenId> padding() const = 0;
  virtual bool adds_bos() const = 0;
  virtual bool adds_eos() const = 0;
  /// Texts of special tokens by the names that templates know them by ("bos_token", "mask_token",
  /// "image_token" ...); a file may name one that the vocabulary has not.
  virtual std::map<std::string, std::string> special_texts() const = 0;

  /// The form that goes into a GGUF file (facts: llama.cpp's loader). FormatError when this
  /// tokenizer has none.
  virtual Vocabulary vocabulary() const = 0;
};

/// Decodes token by token and never emits half a character.
class StreamDecoder {
 public:
  StreamDecoder(const Tokenizer& tokenizer, bool skip_special)
      : tokenizer_(tokenizer), skip_special_(skip_special) {}
  /// The text that became complete with this token.
  std::string push(TokenId id);
  /// What is left at the end; ill-formed bytes become U+FFFD.
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  bool skip_special_;
  std::vector<TokenId> ids_;
  std::size_t emitted_bytes_ = 0;
};

struct TokenizerOptions {
  /// Split regex by name (gpt2, llama3, cl100k, qwen2, qwen35, tekken, gpt4o, smollm, deepseek-llm,
  /// deepseek-coder, deepseek-v3) for folders with vocabulary and merges files or tiktoken ranks
  /// but no tokenizer.json; empty: must be known from the files.
  std::string split;
};

/// Loads what the folder holds: tokenizer.json, else tekken.json, else tokenizer.model
/// (SentencePiece), else vocab.json/encoder.json + merges.txt/vocab.bpe with `options.split`, else
/// tiktoken ranks (tokenizer.model or one *.tiktoken) with `options.split`. tokenizer_config.json,
/// special_tokens_map.json and added_tokens.json are honoured. Needs no config.json and no weights.
/// FormatError names what is missing or not supported.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder,
                                          const TokenizerOptions& options = {});

/// The same tokenizer from a GGUF file's keys.
std::unique_ptr<Tokenizer> tokenizer_from_vocabulary(Vocabulary vocabulary,
                                                     const std::string& where);

/// Trains a SentencePiece BPE model with byte fallback on UTF-8 lines and writes tokenizer.model +
/// tokenizer_config.json (+ special_tokens_map.json) into `folder`. `control_tokens` become control
/// pieces.
struct VocabularyTraining {
  std::int64_t vocabulary_size = 2000;
  std::vector<std::string> control_tokens;
};
void train_sentencepiece(const std::vector<std::string>& lines, const VocabularyTraining& options,
                         const std::filesystem::path& folder);

}  // namespace sqpsych
