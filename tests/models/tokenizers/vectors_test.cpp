#include "tests/models/tokenizers/vectors.h"
#include "core/text.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/shared_data.h"

namespace sqpsych {
namespace {

using testing::read_vectors;

struct Source {
  const char* folder;
  const char* vectors;
  const char* split;
};

class LlamaCppVectors : public ::testing::TestWithParam<Source> {};

/// Added tokens off and control tokens literal, as the vectors were made.
std::vector<TokenId> plain_ids(const Tokenizer& tokenizer, const std::string& text) {
  return tokenizer.encode(text, {false, {{0, text.size()}}, {}}).ids;
}

TEST_P(LlamaCppVectors, AllPass) {
  SQPSYCH_NEED_SHARED(folder, std::string("data/") + GetParam().folder);
  const auto tokenizer = load_tokenizer(folder, {GetParam().split});
  const auto from_gguf = tokenizer_from_vocabulary(tokenizer->vocabulary(), GetParam().folder);
  const auto vectors = read_vectors(folder, GetParam().vectors);
  ASSERT_EQ(vectors.size(), 46U);
  for (const auto& vector : vectors) {
    EXPECT_EQ(plain_ids(*tokenizer, vector.text), vector.ids) << vector.text;
    EXPECT_EQ(plain_ids(*from_gguf, vector.text), vector.ids) << "through GGUF: " << vector.text;
    EXPECT_EQ(tokenizer->decode(vector.ids, true), vector.text);
    EXPECT_EQ(from_gguf->decode(vector.ids, true), vector.text);
  }
}

INSTANTIATE_TEST_SUITE_P(All, LlamaCppVectors,
                         ::testing::Values(Source{"tok-llama2", "ggml-vocab-llama-spm", ""},
                                           Source{"tok-llama3", "ggml-vocab-llama-bpe", "llama3"},
                                           Source{"tok-qwen2", "ggml-vocab-qwen2", "qwen2"},
                                           Source{"tok-phi3", "ggml-vocab-phi-3", ""}),
                         [](const auto& test) { return replace_all(test.param.folder, "-", "_"); });

}  // namespace
}  // namespace sqpsych
