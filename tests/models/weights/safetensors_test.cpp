#include "models/weights/safetensors.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_text;

std::string with_length(const std::string& header, const std::string& data,
                        std::uint64_t announced) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(announced >> (8 * i));
  return bytes + header + data;
}
std::string file_of(const std::string& header, const std::string& data) {
  return with_length(header, data, header.size());
}

/// One faulty file and what its message must name.
struct HostileFile {
  const char* name;
  std::string bytes;
  const char* expected;
};

std::vector<HostileFile> hostile_files() {
  const std::string good = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const std::string eight(8, '\0');
  const auto one = [&](const char* dtype, const char* shape, const char* offsets) {
    return file_of(std::string(R"({"w":{"dtype":")") + dtype + R"(","shape":)" + shape +
                       R"(,"data_offsets":)" + offsets + "}}",
                   eight);
  };
  return {
      {"empty", "", "found 0 bytes"},
      {"no header", "abc", "found 3 bytes"},
      {"oversized header", with_length("", "", 1ULL << 60), "expected at most 100000000"},
      {"header beyond the file", with_length(good, "", 5000), "expected 5008"},
      {"truncated data", file_of(good, "1234"), "expected at most 4 (end of file)"},
      {"data behind the tensors", file_of(good, eight + eight), "found 16 bytes, expected 8"},
      {"no JSON", file_of("{\"w\": oops}", eight), "invalid JSON"},
      {"nested too deep", file_of(std::string(200000, '['), ""), "invalid JSON"},
      {"a list", file_of("[]", ""), "found array"},
      {"bad UTF-8", file_of("{\"w\xff\":1}", eight), "invalid UTF-8 at byte 11"},
      {"duplicate keys", file_of(R"({"w":{},"w":{}})", ""), "'w' twice"},
      {"unknown dtype", one("F33", "[2]", "[0,8]"), "dtype 'F33'"},
      {"size that does not fit", one("F64", "[2]", "[0,8]"), "expected 16 bytes"},
      {"overflowing shape", one("F32", "[4294967296,4294967296]", "[0,8]"), "overflows"},
      {"negative size", one("F32", "[-2]", "[0,8]"), "no usable shape"},
      {"fraction", one("F32", "[2.0]", "[0,8]"), "no usable shape"},
      {"offsets swapped", one("F32", "[2]", "[8,0]"), "[8, 0]"},
      {"offset beyond the file", one("F32", "[2]", "[8,16]"), "found data up to byte 16"},
      {"three offsets", one("F32", "[2]", "[0,8,8]"), "no usable data_offsets"},
      {"text for an entry", file_of(R"({"w":"x"})", eight), "found string"},
      {"metadata of numbers", file_of(R"({"__metadata__":{"a":1}})", ""), "__metadata__.a"},
      {"overlap",
       file_of(R"({"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},)"
               R"("b":{"dtype":"U8","shape":[6],"data_offsets":[2,8]}})",
               eight),
       "expected 6 (overlap)"},
      {"gap",
       file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
               R"("b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
               eight),
       "expected 2 (gap)"},
  };
}

TEST(Safetensors, NamesEveryFaultOfHostileFiles) {
  TemporaryFolder folder;
  for (const auto& hostile : hostile_files()) {
    const auto path = folder / "hostile.safetensors";
    write_text(path, hostile.bytes);
    const auto error = error_text<FormatError>([&] { SafetensorsFile file(path); });
    EXPECT_THAT(error, HasSubstr(hostile.expected)) << hostile.name;
    EXPECT_THAT(error, HasSubstr(path.string())) << hostile.name;
  }
}

TEST(Safetensors, ReportsAllFaultyTensorsTogether) {
  TemporaryFolder folder;
  write_text(folder / "x.safetensors",
             file_of(R"({"a":{"dtype":"F1","shape":[],"data_offsets":[0,4]},"b":7})", ""));
  const auto error =
      error_text<FormatError>([&] { SafetensorsFile file(folder / "x.safetensors"); });
  EXPECT_THAT(error, HasSubstr("tensor 'a'"));
  EXPECT_THAT(error, HasSubstr("tensor 'b'"));
}

TEST(Safetensors, KeepsEveryTypeShapeAndValue) {
  TemporaryFolder folder;
  const auto path = folder / "types.safetensors";
  NamedTensors written = {{"scalar", at::ones({}, at::kFloat)},
                          {"nothing", at::zeros({0, 7}, at::kFloat)}};
  int number = 0;
  for (auto type : {at::kByte, at::kFloat, at::kHalf, at::kBFloat16, at::kDouble, at::kLong,
                    at::kInt, at::kShort, at::kChar, at::kBool})
    written.emplace_back("t" + std::to_string(number++), at::arange(12).view({3, 4}).to(type));
  written.emplace_back("transposed", at::arange(6).view({2, 3}).t());
  write_safetensors(path, written, {{"format", "pt"}, {"note", "ü"}});
  const SafetensorsFile file(path);
  ASSERT_EQ(file.entries().size(), written.size());
  EXPECT_EQ(file.metadata().at("note"), "ü");
  for (const auto& [name, tensor] : written) {
    EXPECT_EQ(file.tensor(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(file.tensor(name), tensor)) << name;
  }
  EXPECT_THROW(file.tensor("absent"), FormatError);
}

TEST(Safetensors, TensorKeepsTheMappingAlive) {
  TemporaryFolder folder;
  write_safetensors(folder / "a.safetensors", NamedTensors{{"w", at::arange(4096).to(at::kFloat)}});
  at::Tensor tensor;
  {
    const SafetensorsFile file(folder / "a.safetensors");
    tensor = file.tensor("w");
  }
  EXPECT_EQ(tensor.sum().item<float>(), 4095 * 4096 / 2);
}

TEST(Safetensors, ReadsTheRealModel) {
  SQPSYCH_NEED_SHARED(path, "data/tinystories-656k/model.safetensors");
  SQPSYCH_NEED_SHARED(bf16_path, "data/tinystories-656k/model.bf16.safetensors");
  const SafetensorsFile file(path), bf16_file(bf16_path);
  std::int64_t parameters = 0;
  for (const auto& [name, entry] : file.entries()) {
    parameters += file.tensor(name).numel();
    const auto other = name == "lm_head.weight" ? "model.embed_tokens.weight" : name;
    EXPECT_TRUE(at::equal(file.tensor(name), bf16_file.tensor(other).to(at::kFloat))) << name;
  }
  EXPECT_EQ(parameters, 656000);
}

}  // namespace
}  // namespace sqpsych
