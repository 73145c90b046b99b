#include "models/weights/gguf_file.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

TEST(GgufFile, ReadsBackEveryValueType) {
  TemporaryFolder folder;
  const std::vector<std::pair<std::string, GgufValue>> values = {
      {"u8", std::uint8_t{200}},
      {"i8", std::int8_t{-7}},
      {"u16", std::uint16_t{60000}},
      {"i16", std::int16_t{-30000}},
      {"u32", std::uint32_t{4000000000}},
      {"i32", std::int32_t{-2000000000}},
      {"f32", 1.5F},
      {"yes", true},
      {"no", false},
      {"text", std::string("grüß dich")},
      {"u64", std::uint64_t{1} << 60},
      {"i64", -(std::int64_t{1} << 60)},
      {"f64", 0.1},
      {"texts", std::vector<std::string>{"a", "", "c\n"}},
      {"f32s", std::vector<float>{1, 2}},
      {"i32s", std::vector<std::int32_t>{-1, 2}},
      {"u32s", std::vector<std::uint32_t>{1}},
      {"u8s", std::vector<std::uint8_t>{9}},
      {"flags", std::vector<bool>{true, false}},
      {"i8s", std::vector<std::int8_t>{-9}},
      {"u16s", std::vector<std::uint16_t>{9}},
      {"i16s", std::vector<std::int16_t>{-9}},
      {"u64s", std::vector<std::uint64_t>{9}},
      {"i64s", std::vector<std::int64_t>{-9}},
      {"f64s", std::vector<double>{0.25}},
  };
  GgufWriter writer;
  for (const auto& [key, value] : values) writer.set(key, value);
  writer.write(folder / "values.gguf");
  const GgufFile file(folder / "values.gguf");
  EXPECT_EQ(file.version(), 3U);
  EXPECT_EQ(file.values(), values);
  EXPECT_EQ(file.text("text"), "grüß dich");
  EXPECT_EQ(file.u32("u32"), 4000000000U);
  EXPECT_EQ(file.f32("f32"), 1.5F);
  EXPECT_FALSE(file.optional_u32("absent").has_value());
  EXPECT_THROW(file.u32("absent"), FormatError);
  EXPECT_THAT(error_text<FormatError>([&] { file.u32("u64"); }),
              HasSubstr("'u64': found type u64, expected u32"));
}

TEST(GgufFile, ReadsBackTensorsOfEveryType) {
  TemporaryFolder folder;
  const auto matrix = at::arange(3 * 64).view({3, 64}).to(at::kFloat) / 64;
  GgufWriter writer;
  writer.add("f32", matrix, GgmlType::kF32);
  writer.add("f16", matrix, GgmlType::kF16);
  writer.add("bf16", matrix, GgmlType::kBF16);
  writer.add("q8_0", matrix, GgmlType::kQ8_0);
  writer.add("odd", at::arange(5).to(at::kFloat), GgmlType::kQ8_0);
  writer.add("half", matrix.to(at::kHalf), GgmlType::kF32);
  writer.write(folder / "t.gguf");
  at::Tensor kept;
  {
    const GgufFile file(folder / "t.gguf");
    EXPECT_TRUE(at::equal(file.tensor(*file.find_tensor("f32")), matrix));
    EXPECT_TRUE(at::equal(file.tensor(*file.find_tensor("half")), matrix));
    EXPECT_TRUE(at::equal(file.tensor(*file.find_tensor("f16")), matrix.to(at::kHalf)));
    EXPECT_TRUE(at::equal(file.tensor(*file.find_tensor("bf16")), matrix.to(at::kBFloat16)));
    EXPECT_TRUE(at::allclose(file.tensor(*file.find_tensor("q8_0")), matrix, 0, 0.013));
    EXPECT_EQ(file.find_tensor("odd")->type, static_cast<std::uint32_t>(GgmlType::kF16));
    EXPECT_EQ(file.find_tensor("f32")->shape, (std::vector<std::int64_t>{3, 64}));
    EXPECT_EQ(file.find_tensor("absent"), nullptr);
    for (const auto& tensor : file.tensors()) EXPECT_EQ(tensor.offset % 32, 0U);
    kept = file.tensor(*file.find_tensor("f32"));
  }
  EXPECT_TRUE(at::equal(kept, matrix));
}

TEST(GgufFile, RefusesToWriteValuesThatAreNotNumbers) {
  TemporaryFolder folder;
  const struct {
    double value;
    GgmlType type;
    const char* expected;
  } cases[] = {
      {std::numeric_limits<double>::quiet_NaN(), GgmlType::kF32, "NaN"},
      {std::numeric_limits<double>::infinity(), GgmlType::kBF16, "infinite"},
      {1e5, GgmlType::kF16, "expected at most 65504"},
      {1e7, GgmlType::kQ8_0, "Choose --type BF16"},
  };
  for (const auto& bad : cases) {
    GgufWriter writer;
    writer.add("w", at::full({32}, bad.value, at::kFloat), bad.type);
    const auto error = error_text<FormatError>([&] { writer.write(folder / "bad.gguf"); });
    EXPECT_THAT(error, HasSubstr(bad.expected)) << bad.value;
    EXPECT_THAT(error, HasSubstr("'w'")) << bad.value;
    EXPECT_FALSE(std::filesystem::exists(folder / "bad.gguf"));
  }
}

TEST(GgufFile, ReadsAForeignVocabularyFile) {
  SQPSYCH_NEED_SHARED(path, "data/tok-llama2/ggml-vocab-llama-spm.gguf");
  const GgufFile file(path);
  EXPECT_EQ(file.text("general.architecture"), "llama");
  EXPECT_EQ(file.tensors().size(), 0U);
  const auto* tokens = file.find_as<std::vector<std::string>>("tokenizer.ggml.tokens");
  ASSERT_NE(tokens, nullptr);
  EXPECT_EQ(tokens->size(), 32000U);
  EXPECT_EQ((*tokens)[259], "▁▁");
  EXPECT_THROW(file.tensor({"w", 12, {256}, 0, 144}), FormatError);
}

}  // namespace
}  // namespace sqpsych
