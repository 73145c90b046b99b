#include <gmock/gmock.h>

#include <random>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_text;
using Ids = std::vector<TokenId>;

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = (group << 8) | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k > bytes.size() ? '=' : kAlphabet[(group >> (18 - 6 * k)) & 63];
  }
  return text;
}

/// All bytes, then a few tokens.
std::vector<std::string> ranked_tokens() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(std::string(1, static_cast<char>(byte)));
  for (const char* token : {"he", "ll", "hell", "hello", " w", "or", "\xF0\x9F", "\xF0\x9F\xA6"})
    tokens.emplace_back(token);
  return tokens;
}

std::string rank_lines() {
  std::string lines;
  const auto tokens = ranked_tokens();
  for (std::size_t rank = 0; rank < tokens.size(); ++rank)
    lines += base64(tokens[rank]) + " " + std::to_string(rank) + "\n";
  return lines;
}

Json tekken() {
  Json file;
  file["config"] = {
      {"pattern",
       R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
      {"num_vocab_tokens", 264},
      {"default_vocab_size", 284},
      {"default_num_special_tokens", 22},
      {"version", "v3"}};
  const auto tokens = ranked_tokens();
  for (std::size_t rank = 0; rank < tokens.size(); ++rank)
    file["vocab"].push_back({{"rank", rank}, {"token_bytes", base64(tokens[rank])}});
  return file;
}

std::string rank_file_refusal(const std::string& name, const std::string& content,
                              const char* split) {
  const TemporaryFolder folder;
  write_text(folder / name, content);
  return testing::error_text([&] { load_tokenizer(folder.path(), {split}); });
}

TEST(Tiktoken, MergesByRankAndTakesWholePieces) {
  for (const char* name : {"tokenizer.model", "some.tiktoken"}) {
    const TemporaryFolder folder;
    write_text(folder / name, rank_lines());
    write_text(folder / "tokenizer_config.json",
               R"({"eos_token": "<|end|>", "added_tokens_decoder":
                  {"300": {"content": "<|end|>", "special": true}}})");
    const auto tokenizer = load_tokenizer(folder.path(), {"llama3"});
    EXPECT_EQ(tokenizer->encode_ids("hello wor", true), (Ids{259, 260, 261}));
    EXPECT_EQ(tokenizer->encode_ids("hellhe<|end|>", true), (Ids{258, 256, 300}));
    EXPECT_EQ(tokenizer->encode_ids("\xF0\x9F\xA6\x99", true), (Ids{263, 0x99}));
    EXPECT_EQ(tokenizer->decode({263, 0x99}, true), "\xF0\x9F\xA6\x99");
    EXPECT_EQ(tokenizer->eos(), 300);
    const Vocabulary vocabulary = tokenizer->vocabulary();
    EXPECT_EQ(vocabulary.pre, "llama-bpe");
    EXPECT_THAT(vocabulary.merges, ::testing::Contains("hell o"));
    const auto from_gguf = tokenizer_from_vocabulary(vocabulary, "gguf");
    EXPECT_EQ(from_gguf->encode_ids("hello wor", true), (Ids{259, 260, 261}));
  }
}

TEST(Tiktoken, RefusesOtherLines) {
  EXPECT_THAT(rank_file_refusal("x.tiktoken", rank_lines(), ""), HasSubstr("tokenizer_split"));
  EXPECT_THAT(rank_file_refusal("x.tiktoken", "IQ== 0\nIg== 2\n", "gpt2"),
              HasSubstr("x.tiktoken:2: found rank 2"));
  EXPECT_THAT(rank_file_refusal("x.tiktoken", "IQ== 0\nI?== 1\n", "gpt2"),
              HasSubstr("x.tiktoken:2"));
  EXPECT_THAT(rank_file_refusal("x.tiktoken", "IQ== 0\nIg== -1\n", "gpt2"),
              HasSubstr("x.tiktoken:2"));
  EXPECT_THAT(rank_file_refusal("x.tiktoken", "IQ==\n", "gpt2"), HasSubstr("x.tiktoken:1"));
  EXPECT_THAT(rank_file_refusal("x.tiktoken", "IQ== 0\nIQ== 1\n", "gpt2"),
              HasSubstr("found ids 0 and 1"));
  EXPECT_THAT(rank_file_refusal("x.tiktoken", "", "gpt2"), HasSubstr("empty vocabulary"));
}

TEST(Tekken, ShiftsRanksBehindItsSpecialTokens) {
  const TemporaryFolder folder;
  write_text(folder / "tekken.json", tekken().dump());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode_ids("hello wor", true), (Ids{1, 281, 282, 283}));
  EXPECT_EQ(tokenizer->encode_ids("hell[INST]he", false), (Ids{280, 3, 278}));
  EXPECT_EQ(tokenizer->encode("[INST]", {false, {{0, 6}}, {}}).ids.size(), 6U);
  EXPECT_EQ(tokenizer->decode({1, 281, 282, 283}, true), "hello wor");
  EXPECT_EQ(tokenizer->bos(), 1);
  EXPECT_EQ(tokenizer->eos(), 2);
  EXPECT_EQ(tokenizer->token_of(3), "[INST]");
  EXPECT_EQ(tokenizer->token_of(21), "<SPECIAL_21>");
  EXPECT_EQ(tokenizer->size(), 284);
  EXPECT_EQ(tokenizer->vocabulary().pre, "tekken");
}

TEST(Tekken, ReadsItsListOfSpecialTokensAndAnyPattern) {
  Json file = tekken();
  file["special_tokens"] = Json::array();
  for (const char* name : {"<unk>", "<s>", "</s>", "<pad>", "[THINK]"})
    file["special_tokens"].push_back(
        {{"rank", file["special_tokens"].size()}, {"token_str", name}, {"is_control", true}});
  file["config"]["pattern"] = R"(\p{L}+|[^\p{L}]+)";
  const TemporaryFolder folder;
  write_text(folder / "tekken.json", file.dump());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode_ids("[THINK]hello", true), (Ids{1, 4, 281}));
  EXPECT_EQ(tokenizer->token_of(5), "<SPECIAL_5>");
  EXPECT_THROW(tokenizer->vocabulary(), FormatError);
}

TEST(Tekken, RefusesWhatIsNone) {
  const auto with = [](const auto& change) {
    Json file = tekken();
    change(file);
    return rank_file_refusal("tekken.json", file.dump(), "");
  };
  EXPECT_THAT(with([](Json& file) { file["config"]["default_vocab_size"] = 1000; }),
              HasSubstr("found default_vocab_size 1000"));
  EXPECT_THAT(with([](Json& file) { file["config"]["default_num_special_tokens"] = 0; }),
              HasSubstr("default_num_special_tokens 0"));
  EXPECT_THAT(with([](Json& file) { file["config"].erase("pattern"); }),
              HasSubstr("config.pattern"));
  EXPECT_THAT(with([](Json& file) { file["vocab"][3]["rank"] = 4; }), HasSubstr("vocab[3]"));
  EXPECT_THAT(with([](Json& file) { file["vocab"][3]["token_bytes"] = "!"; }),
              HasSubstr("vocab[3]"));
  EXPECT_THAT(with([](Json& file) { file["vocab"] = 3; }), HasSubstr("vocab: found number"));
  EXPECT_THAT(with([](Json& file) {
                file["special_tokens"] = Json::array({{{"rank", 22}, {"token_str", "x"}}});
              }),
              HasSubstr("special_tokens"));
}

/// decode(encode(x)) is x for every text that a byte-level vocabulary does not normalise.
TEST(ByteLevel, RoundTripsTextsOfAllPlanes) {
  const TemporaryFolder ranks;
  write_text(ranks / "x.tiktoken", rank_lines());
  std::vector<std::unique_ptr<Tokenizer>> tokenizers;
  for (const char* split : {"gpt2", "llama3", "cl100k", "qwen2", "qwen35", "tekken", "gpt4o",
                            "smollm", "deepseek-llm", "deepseek-coder", "deepseek-v3"})
    tokenizers.push_back(load_tokenizer(ranks.path(), {split}));
  for (const auto& [name, split] :
       {std::pair("tok-qwen2", "qwen2"), std::pair("tok-llama3", "llama3")})
    if (const auto folder = testing::shared_data(std::string("data/") + name); !folder.empty())
      tokenizers.push_back(load_tokenizer(folder, {split}));
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (std::size_t k = random() % 20; k > 0; --k) {
      const char32_t limits[] = {0x80, 0x80, 0x3000, 0x110000};
      const char32_t code = static_cast<char32_t>(random()) % limits[random() % 4];
      if (code < 0xD800 || code > 0xDFFF) append_utf8(text, code);
    }
    for (const auto& tokenizer : tokenizers)
      ASSERT_EQ(tokenizer->decode(tokenizer->encode_ids(text, false), false), text);
  }
}

}  // namespace
}  // namespace sqpsych
