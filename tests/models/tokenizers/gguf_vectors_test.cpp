#include "core/files.h"
#include "core/text.h"
#include "models/gguf_vocabulary.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/models/tokenizers/vectors.h"
#include "tests/support/shared_data.h"

namespace sqpsych {
namespace {

struct GgufVocabulary {
  const char* folder;
  const char* vectors;
};

class GgufVectors : public ::testing::TestWithParam<GgufVocabulary> {};

TEST_P(GgufVectors, AllPassFromTheFileAlone) {
  SQPSYCH_NEED_SHARED(folder, std::string("data/") + GetParam().folder);
  const auto file = folder / (std::string(GetParam().vectors) + ".gguf");
  auto vocabulary = vocabulary_from_gguf(GgufFile(file));
  ASSERT_TRUE(vocabulary);
  const auto tokenizer = tokenizer_from_vocabulary(std::move(*vocabulary), file.string());
  const auto vectors = testing::read_vectors(folder, GetParam().vectors);
  ASSERT_EQ(vectors.size(), 46U);
  for (const auto& vector : vectors) {
    EXPECT_EQ(tokenizer->encode(vector.text, {false, {{0, vector.text.size()}}, {}}).ids,
              vector.ids)
        << vector.text;
    EXPECT_EQ(tokenizer->decode(vector.ids, true), vector.text);
  }
}

INSTANTIATE_TEST_SUITE_P(All, GgufVectors,
                         ::testing::Values(GgufVocabulary{"tok-llama2", "ggml-vocab-llama-spm"},
                                           GgufVocabulary{"tok-phi3", "ggml-vocab-phi-3"}),
                         [](const auto& test) { return replace_all(test.param.folder, "-", "_"); });

}  // namespace
}  // namespace sqpsych
