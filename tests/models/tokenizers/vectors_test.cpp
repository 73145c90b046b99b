#include <fstream>

#include "core/files.h"
#include "core/text.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::shared_data;

struct Vector {
  std::string text;
  std::vector<TokenId> ids;
};

/// The cases of llama.cpp's test-tokenizer-0: texts separated by a line, one line of ids each.
std::vector<Vector> read_vectors(const std::filesystem::path& folder, const std::string& name) {
  auto texts = split(read_file(folder / (name + ".gguf.inp")), "\n__ggml_vocab_test__\n");
  texts.pop_back();  // behind the last separator
  const auto lines = split(read_file(folder / (name + ".gguf.out")), "\n");
  std::vector<Vector> vectors;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    Vector vector{texts[i], {}};
    for (const auto& id : split(lines.at(i), " "))
      if (!id.empty()) vector.ids.push_back(static_cast<TokenId>(std::stol(id)));
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

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
                         [](const auto& info) { return replace_all(info.param.folder, "-", "_"); });

}  // namespace
}  // namespace sqpsych
