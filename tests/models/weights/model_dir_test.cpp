#include "models/weights/model_dir.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/error.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_text;

template <class ErrorType>
void expect_refused(const fs::path& folder, const char* expected) {
  EXPECT_THAT(testing::error_text<ErrorType>([&] { ModelDir model(folder); }), HasSubstr(expected));
}

void write_sharded(const fs::path& folder) {
  write_text(folder / "config.json", "{}");
  write_text(folder / "generation_config.json", R"({"eos_token_id": [1, 2]})");
  write_safetensors(folder / "model-00001-of-00002.safetensors",
                    NamedTensors{{"a", at::arange(6).to(at::kFloat)}});
  write_safetensors(folder / "model-00002-of-00002.safetensors",
                    NamedTensors{{"b", at::zeros({2, 2}, at::kHalf)}});
  write_text(folder / "model.safetensors.index.json",
             R"({"metadata":{"total_size":32},"weight_map":{
             "a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}})");
}

TEST(ModelDir, OpensASingleFile) {
  SQPSYCH_NEED_SHARED(folder, "data/tinystories-656k");
  const ModelDir model(folder);
  EXPECT_EQ(model.config()["model_type"], "llama");
  EXPECT_EQ(model.generation_config()["eos_token_id"], 2);
  EXPECT_TRUE(model.has("lm_head.weight"));
  EXPECT_FALSE(model.has("model.embed_tokens.weight"));
  EXPECT_EQ(model.tensor("lm_head.weight").sizes(), (at::IntArrayRef{2048, 128}));
  EXPECT_EQ(model.total_bytes(), 656000U * 4);
  EXPECT_THROW(model.tensor("absent"), FormatError);
}

TEST(ModelDir, OpensShards) {
  TemporaryFolder folder;
  write_sharded(folder.path());
  const ModelDir model(folder.path());
  EXPECT_EQ(model.tensor_names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(at::equal(model.tensor("a"), at::arange(6).to(at::kFloat)));
  EXPECT_EQ(model.entry("b").dtype, "F16");
  EXPECT_EQ(model.weight_files().size(), 2U);
  EXPECT_EQ(model.total_bytes(), 32U);
}

TEST(ModelDir, NamesMissingShards) {
  TemporaryFolder folder;
  write_sharded(folder.path());
  fs::remove(folder / "model-00002-of-00002.safetensors");
  expect_refused<FormatError>(folder.path(),
                              "found 1 of 2 shards, expected also "
                              "'model-00002-of-00002.safetensors'");
}

TEST(ModelDir, NamesTensorsThatIndexAndShardsDisagreeOn) {
  TemporaryFolder folder;
  write_sharded(folder.path());
  write_safetensors(folder / "model-00002-of-00002.safetensors",
                    NamedTensors{{"c", at::zeros({2, 2}, at::kHalf)}});
  expect_refused<FormatError>(folder.path(), "tensor 'b': found nothing");
  expect_refused<FormatError>(folder.path(), "tensor 'c': found in");
}

TEST(ModelDir, RefusesShardsOutsideTheFolder) {
  TemporaryFolder folder;
  write_sharded(folder.path());
  write_text(folder / "model.safetensors.index.json", R"({"weight_map":{"a":"../../etc/x"}})");
  expect_refused<FormatError>(folder.path(), "expected the name of a file in this folder");
}

TEST(ModelDir, NamesWhatIsMissing) {
  TemporaryFolder folder;
  expect_refused<ResourceError>(folder / "absent", "found no folder");
  expect_refused<ResourceError>(folder.path(), "config.json: found nothing");
  write_text(folder / "config.json", "{}");
  expect_refused<ResourceError>(folder.path(), "found neither 'model.safetensors' nor");
  write_text(folder / "pytorch_model.bin", "x");
  expect_refused<ResourceError>(folder.path(), "pickled weights are not read");
  write_text(folder / "config.json", "[1]");
  expect_refused<FormatError>(folder.path(), "expected a JSON object");
}

TEST(ResolveModelPath, FindsFoldersFilesAndHubSnapshots) {
  TemporaryFolder folder;
  const auto repository = folder / "hub/models--org--name";
  write_text(repository / "snapshots/abc/config.json", "{}");
  write_text(repository / "snapshots/def/config.json", "{}");
  write_text(repository / "refs/main", "abc\n");
  write_text(folder / "m.gguf", "GGUF");
  write_text(folder / "m.bin", "x");
  setenv("HF_HUB_CACHE", (folder / "hub").c_str(), 1);
  EXPECT_EQ(resolve_model_path(folder.path().string()), folder.path());
  EXPECT_EQ(resolve_model_path((folder / "m.gguf").string()), folder / "m.gguf");
  EXPECT_EQ(resolve_model_path("org/name"), repository / "snapshots/abc");
  EXPECT_EQ(hub_id_of(repository / "snapshots/abc"), "org/name");
  EXPECT_EQ(model_name(repository / "snapshots/abc/"), "name");
  EXPECT_EQ(hub_id_of(folder.path()), "");
  EXPECT_EQ(model_name(folder / "hub"), "hub");
  fs::remove(repository / "refs/main");
  fs::last_write_time(repository / "snapshots/def", fs::file_time_type::clock::now());
  fs::last_write_time(repository / "snapshots/abc",
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_EQ(resolve_model_path("org/name"), repository / "snapshots/def");
  for (const char* bad : {"org/other", "../x", "/absent/model", "a/b/c", ""})
    EXPECT_THROW(resolve_model_path(bad), ConfigError) << bad;
  EXPECT_THROW(resolve_model_path((folder / "m.bin").string()), ConfigError);
  unsetenv("HF_HUB_CACHE");
}

}  // namespace
}  // namespace sqpsych
