#include "models/exporters/exporter.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/json_lines.h"
#include "core/text.h"
#include "models/exporters/chat_template_source.h"
#include "models/exporters/verify.h"
#include "models/weights/adapter_dir.h"
#include "models/weights/gguf_file.h"
#include "models/weights/model_dir.h"
#include "models/weights/sharded_safetensors.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_text;

ExportRequest request_of(const fs::path& model, const char* format, const char* type,
                         const fs::path& output) {
  ExportRequest request;
  request.model = model;
  request.format = format;
  request.type = type;
  request.output = output;
  return request;
}

at::Tensor logits_of(const fs::path& model, const std::optional<fs::path>& adapter) {
  const auto loaded = load_model(model, adapter, {});
  const auto packed = pack_ids({{1, 147, 201, 282, 215, 286, 598}});
  return loaded.decoder->logits(loaded.decoder->hidden(packed));
}

/// Factors on query, value and down projections of the real model; scales differ.
fs::path write_adapter(const fs::path& folder) {
  std::map<std::string, AdapterFactors> modules = {
      {"model.layers.0.self_attn.q_proj", {at::randn({4, 128}), at::randn({128, 4}), 0.05}},
      {"model.layers.0.self_attn.k_proj", {at::randn({4, 128}), at::randn({64, 4}), 0.05}},
      {"model.layers.1.mlp.down_proj", {at::randn({2, 384}), at::randn({128, 2}), 0.02}}};
  AdapterSettings settings;
  settings.r = 4;
  settings.alpha = 0.2;
  write_adapter_dir(folder, settings, modules);
  return folder;
}

template <class ErrorType>
void expect_refused(const ExportRequest& request, const char* expected) {
  EXPECT_THAT(testing::error_text<ErrorType>([&] { export_model(request); }), HasSubstr(expected));
}

TEST(Exporter, EveryFormatAndTypePassesVerifyAndGivesTheModelBack) {
  SQPSYCH_NEED_SHARED(model, "data/tinystories-656k");
  TemporaryFolder folder;
  const auto expected = logits_of(model, std::nullopt);
  for (const auto* exporter : exporters()) {
    if (exporter->name() == "gguf-adapter") continue;
    for (const auto& type : exporter->types()) {
      auto output = folder / (exporter->name() + type + (exporter->writes_folder() ? "" : ".gguf"));
      const auto lower = to_lower_ascii(type);
      const auto summary =
          export_model(request_of(model, exporter->name().c_str(), lower.c_str(), output));
      EXPECT_EQ(summary.tensors, 20U);
      const double bound = type == "F32" ? 1e-4 : type == "F16" ? 0.05 : 0.6;
      EXPECT_TRUE(at::allclose(logits_of(output, std::nullopt), expected, 0, bound))
          << exporter->name() << " " << type;
      if (!exporter->writes_folder()) {
        EXPECT_TRUE(verify_gguf(output).empty());
      }
    }
  }
}

TEST(Exporter, MergesTheAdapterOnTheWay) {
  SQPSYCH_NEED_SHARED(model, "data/tinystories-656k");
  TemporaryFolder folder;
  const auto adapter = write_adapter(folder / "adapter");
  const auto expected = logits_of(model, adapter);
  EXPECT_FALSE(at::allclose(logits_of(model, std::nullopt), expected, 0, 0.01));
  for (const auto& [format, name] : {std::pair("gguf", "m.gguf"), {"huggingface", "merged"}}) {
    auto request = request_of(model, format, "F32", folder / name);
    request.adapter = adapter;
    export_model(request);
    EXPECT_TRUE(at::allclose(logits_of(request.output, std::nullopt), expected, 0, 1e-4)) << format;
  }
  EXPECT_TRUE(fs::exists(folder / "merged/manifest.json"));
}

TEST(Exporter, WritesAdaptersWithOneAlphaAndPermutedRows) {
  SQPSYCH_NEED_SHARED(model, "data/tinystories-656k");
  TemporaryFolder folder;
  auto request = request_of(model, "gguf-adapter", "", folder / "a.gguf");
  expect_refused<ConfigError>(request, "--adapter: found nothing");
  request.adapter = write_adapter(folder / "adapter");
  export_model(request);
  const auto adapter = read_adapter_dir(*request.adapter);
  const GgufFile file(request.output);
  EXPECT_TRUE(verify_gguf(request.output).empty());
  const double alpha = file.f32("adapter.lora.alpha");
  EXPECT_NEAR(alpha, 0.05 * 4, 1e-7);
  const auto tensor = [&](const char* name) { return file.tensor(*file.find_tensor(name)); };
  const auto& down = adapter.modules.at("model.layers.1.mlp.down_proj");
  EXPECT_TRUE(at::equal(tensor("blk.1.ffn_down.weight.lora_a"), down.a_RI));
  EXPECT_TRUE(at::allclose(tensor("blk.1.ffn_down.weight.lora_b") * (alpha / 2), down.b_OR * 0.02));
  const auto& query = adapter.modules.at("model.layers.0.self_attn.q_proj");
  const auto b = tensor("blk.0.attn_q.weight.lora_b");
  EXPECT_TRUE(at::equal(b[0], query.b_OR[0]));
  EXPECT_TRUE(at::equal(b[1], query.b_OR[8]))
      << "heads of 16 rows: row 1 comes from the second half";
  EXPECT_TRUE(at::equal(b[2], query.b_OR[1]));
}

TEST(Exporter, WritesKeysAndTheConfiguredChatTemplate) {
  SQPSYCH_NEED_SHARED(model, "data/tinystories-656k");
  TemporaryFolder folder;
  auto request = request_of(model, "gguf", "Q8_0", folder / "m.gguf");
  request.model_options.chat_template = "chatml";
  export_model(request);
  const GgufFile file(request.output);
  EXPECT_EQ(file.text("general.name"), "tinystories-656k");
  EXPECT_EQ(file.text("general.size_label"), "656K");
  EXPECT_EQ(file.u32("general.file_type"), 7U);
  EXPECT_EQ(file.u32("tokenizer.ggml.bos_token_id"), 1U);
  EXPECT_EQ(file.u32("tokenizer.ggml.eos_token_id"), 2U);
  EXPECT_THAT(file.text("tokenizer.chat_template"), HasSubstr("im_end"));
  EXPECT_EQ(file.find_tensor("output.weight"), nullptr) << "tied";
  EXPECT_EQ(file.find_tensor("output_norm.weight")->type, 0U);
}

TEST(Exporter, EveryEndTokenReachesTheFileAndComesBack) {
  SQPSYCH_NEED_SHARED(model, "data/tinystories-656k");
  TemporaryFolder folder;
  fs::copy(model, folder / "model");
  write_text(folder / "model/generation_config.json", R"({"eos_token_id": [2, 7, 9]})");
  auto request = request_of(folder / "model", "gguf", "F32", folder / "m.gguf");
  request.model_options.chat_template = "none";
  export_model(request);
  for (const auto& path : {request.model, request.output})
    EXPECT_THAT(load_model(path, std::nullopt, {}).end_tokens,
                ::testing::UnorderedElementsAre(2, 7, 9))
        << path;
}

TEST(Exporter, ANameForWhichLoadersLookUpTokensIsWrittenOtherwise) {
  SQPSYCH_NEED_SHARED(model, "data/tinystories-656k");
  TemporaryFolder folder;
  const auto named = folder / "My-Phi-3-phi3";
  fs::copy(model, named, fs::copy_options::recursive);
  ::testing::internal::CaptureStderr();
  export_model(request_of(named, "gguf", "F16", folder / "m.gguf"));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("'My-Phi-3-phi3' is written as 'My-Phi 3-phi 3'"));
  EXPECT_EQ(GgufFile(folder / "m.gguf").text("general.name"), "My-Phi 3-phi 3");
  EXPECT_TRUE(verify_gguf(folder / "m.gguf").empty());
}

TEST(Exporter, RefusesWhatItMustNotReplaceOrCannotDo) {
  SQPSYCH_NEED_SHARED(model, "data/tinystories-656k");
  TemporaryFolder folder;
  fs::copy(model, folder / "model");
  expect_refused<ConfigError>(request_of(model, "onnx", "", folder / "x"), "'gguf-adapter'");
  expect_refused<ConfigError>(request_of(model, "gguf", "Q3", folder / "x"), "'Q8_0'");
  expect_refused<ConfigError>(request_of(model, "gguf", "", folder.path()), "expected a file path");
  auto request = request_of(folder / "model", "huggingface", "", folder.path());
  request.existing = Existing::kOverwrite;
  expect_refused<ConfigError>(request, "which holds the input");
  write_text(folder / "old.gguf", "old");
  expect_refused<ConfigError>(request_of(model, "gguf", "", folder / "old.gguf"), "--overwrite");
  expect_refused<ConfigError>(request_of(folder / "old.gguf", "gguf", "", folder / "x"),
                              "expected a Hugging Face folder");
  auto planned = request_of(model, "gguf", "", folder / "planned.gguf");
  planned.check_only = true;
  EXPECT_GT(export_model(planned).size_bytes, 656000U * 2);
  EXPECT_FALSE(fs::exists(planned.output));
}

TEST(Exporter, ReportsAllFaultyTensorsAndModulesTogether) {
  SQPSYCH_NEED_SHARED(model, "data/tinystories-656k");
  TemporaryFolder folder;
  fs::copy(model, folder / "model");
  NamedTensors tensors = {{"model.norm.weight", at::full({64}, 1.0)},
                          {"stray", at::full({2}, 1.0)}};
  fs::remove(folder / "model/model.safetensors");
  write_safetensors(folder / "model/model.safetensors", tensors);
  const auto request = request_of(folder / "model", "gguf", "", folder / "x.gguf");
  for (const char* expected : {"'model.norm.weight': found shape [64], expected [128]", "'stray'",
                               "model.layers.1.mlp.up_proj.weight"})
    expect_refused<FormatError>(request, expected);
  auto adapted = request_of(model, "gguf", "", folder / "x.gguf");
  write_adapter_dir(folder / "bad", {}, {{"lm_head", {at::randn({8, 128}), at::randn({9, 8}), 1}}});
  adapted.adapter = folder / "bad";
  expect_refused<FormatError>(adapted, "module 'lm_head'");
}

TEST(ShardedSafetensors, SplitIntoShardsThatReadBack) {
  TemporaryFolder folder;
  std::vector<DeferredTensor> tensors;
  for (int i = 0; i < 5; ++i)
    tensors.push_back({format("t{}", i), at::kFloat, {10}, [i] { return at::full({10}, i); }});
  write_model_safetensors(folder.path(), tensors, 80);
  write_text(folder / "config.json", "{}");
  const ModelDir model(folder.path());
  EXPECT_EQ(model.weight_files().size(), 3U);
  EXPECT_EQ(read_json(folder / "model.safetensors.index.json")["metadata"]["total_size"], 200);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(model.tensor(format("t{}", i))[9].item<float>(), static_cast<float>(i));
}

}  // namespace
}  // namespace sqpsych
