#include "models/stored_weights.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "tests/models/layers/small_decoder.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using ::testing::Not;

const Family& family() { return *families().front(); }

NamedTensors tensors_of(Decoder& decoder) {
  std::map<std::string, std::string> names;
  for (const auto& entry : family().tensor_names(decoder.features()))
    names[entry.own] = entry.huggingface;
  NamedTensors tensors;
  for (const auto& [name, parameter] : decoder.parameters())
    tensors.push_back({names.at(name), *parameter});
  return tensors;
}

class Checkpoint : public ::testing::Test {
 protected:
  void save(const DecoderFeatures& features, const NamedTensors& tensors) {
    testing::write_text(folder_ / "config.json", family().config(features).dump());
    write_safetensors(folder_ / "model.safetensors", tensors);
  }
  std::unique_ptr<Decoder> load(const DecoderFeatures& features,
                                at::ScalarType dtype = at::kFloat) {
    const ModelDir model_dir(folder_.path());
    auto decoder = std::make_unique<Decoder>(features, dtype, at::kCPU);
    fill_decoder(*decoder, stored_weights(model_dir, family(), features));
    return decoder;
  }
  std::string error_of(const DecoderFeatures& features) {
    return error_text<FormatError>([&] { load(features); });
  }
  testing::TemporaryFolder folder_;
};

void expect_equal(Decoder& found, Decoder& expected) {
  for (std::size_t i = 0; i < expected.parameters().size(); ++i)
    EXPECT_TRUE(at::equal(*found.parameters()[i].second, *expected.parameters()[i].second))
        << expected.parameters()[i].first;
}

TEST_F(Checkpoint, RoundTripsForEveryFeature) {
  for (const auto& features : testing::all_features()) {
    const auto decoder = testing::random_decoder(features, at::kFloat);
    save(features, tensors_of(*decoder));
    expect_equal(*load(features), *decoder);
    EXPECT_EQ(load(features, at::kBFloat16)->dtype(), at::kBFloat16);
  }
}

TEST_F(Checkpoint, HalfPrecisionBecomesTheDtypeThatIsAskedFor) {
  const auto features = testing::small_features();
  const auto decoder = testing::random_decoder(features, at::kFloat);
  auto tensors = tensors_of(*decoder);
  for (auto& [name, tensor] : tensors) tensor = tensor.to(at::kHalf);
  save(features, tensors);
  for (const auto dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const auto loaded = load(features, dtype);
    const auto parameters = decoder->parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i)
      EXPECT_TRUE(
          at::equal(*loaded->parameters()[i].second, parameters[i].second->to(at::kHalf).to(dtype)))
          << parameters[i].first;
  }
}

/// Bytes of a mapped file that count as this process' memory (proc(5): smaps).
std::int64_t resident_bytes(const std::filesystem::path& file) {
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  bool is_file = false;
  std::int64_t kilobytes = 0;
  while (std::getline(maps, line)) {
    if (line.find('-') < line.find(' ')) is_file = line.ends_with(file.string());
    if (is_file && line.starts_with("Rss:")) kilobytes += std::stoll(line.substr(4));
  }
  return kilobytes * 1024;
}

TEST_F(Checkpoint, OfAnotherDtypeLeavesNothingOfTheFileInMemory) {
  auto features = testing::small_features();
  features.vocabulary_size = 40000;
  save(features, tensors_of(*testing::random_decoder(features, at::kBFloat16)));
  const ModelDir model_dir(folder_.path());
  const auto weights = stored_weights(model_dir, family(), features);
  const auto file = folder_ / "model.safetensors";
  const auto file_bytes = static_cast<std::int64_t>(std::filesystem::file_size(file));
  for (const bool is_converted : {false, true}) {
    Decoder decoder(features, is_converted ? at::kFloat : at::kBFloat16, at::kCPU);
    fill_decoder(decoder, weights);
    if (is_converted)
      EXPECT_LT(resident_bytes(file), file_bytes / 10);
    else
      EXPECT_GT(resident_bytes(file), file_bytes * 9 / 10);
  }
}

TEST_F(Checkpoint, TiedEmbeddingMayHaveEitherName) {
  const auto features = testing::tied_features();
  const auto decoder = testing::random_decoder(features, at::kFloat);
  auto tensors = tensors_of(*decoder);
  ASSERT_EQ(tensors[0].first, "model.embed_tokens.weight");
  tensors[0].first = "lm_head.weight";
  save(features, tensors);
  expect_equal(*load(features), *decoder);
  tensors.push_back({"model.embed_tokens.weight", tensors[0].second});
  save(features, tensors);
  expect_equal(*load(features), *decoder);
}

TEST_F(Checkpoint, HeadThatDiffersFromATiedEmbeddingIsUsed) {
  const auto features = testing::tied_features();
  const auto decoder = testing::random_decoder(features, at::kFloat);
  auto tensors = tensors_of(*decoder);
  tensors.push_back({"lm_head.weight", tensors[0].second.clone()});
  save(features, tensors);
  EXPECT_TRUE(features_of_folder(ModelDir(folder_.path()), family()).tied_embeddings);
  tensors.back().second[3] += 1;
  save(features, tensors);
  const auto untied = features_of_folder(ModelDir(folder_.path()), family());
  EXPECT_FALSE(untied.tied_embeddings);
  EXPECT_TRUE(at::equal(load(untied)->head().weight_OI, tensors.back().second));
  const auto& always_tied = family_by_name("gemma2");
  auto tied = features;
  always_tied.complete(tied);
  testing::write_text(folder_ / "config.json", always_tied.config(tied).dump());
  EXPECT_TRUE(features_of_folder(ModelDir(folder_.path()), always_tied).tied_embeddings);
}

TEST_F(Checkpoint, BlockScaledFp8IsDequantised) {
  const auto features = testing::small_features();
  auto tensors = tensors_of(*testing::random_decoder(features, at::kFloat));
  const std::string name = "model.layers.1.mlp.up_proj.weight";  // [40, 24]
  const auto scale = testing::random_tensor({3, 4}, 5).to(at::kFloat);
  at::Tensor expected;
  for (auto& [stored, tensor] : tensors)
    if (stored == name) {
      tensor = tensor.to(at::kFloat8_e4m3fn);
      expected = tensor.to(at::kFloat);
    }
  for (std::int64_t i = 0; i < 40; ++i)
    for (std::int64_t j = 0; j < 24; ++j) expected[i][j] *= scale[i / 16][j / 7];
  tensors.push_back({name + "_scale_inv", scale});
  auto config = family().config(features);
  config["quantization_config"] = {{"quant_method", "fp8"}, {"weight_block_size", {16, 7}}};
  testing::write_text(folder_ / "config.json", config.dump());
  write_safetensors(folder_ / "model.safetensors", tensors);
  const auto decoder = load(features);
  for (const auto& [own, parameter] : decoder->parameters())
    if (own == "layers.1.mlp.up.weight") {
      EXPECT_LE(testing::max_difference(*parameter, expected), 0);
    }
  tensors.back().second = scale.narrow(0, 0, 2).contiguous();
  write_safetensors(folder_ / "model.safetensors", tensors);
  EXPECT_THAT(error_of(features), HasSubstr("block scales [2, 4]"));
}

TEST_F(Checkpoint, WrapperOfALanguageModelGivesItsTensorsAndModules) {
  const auto& wrapped = family_by_name("gemma3");
  auto features = testing::tied_features();
  wrapped.complete(features);
  const auto decoder = testing::random_decoder(features, at::kFloat);
  std::map<std::string, std::string> names;
  for (const auto& entry : wrapped.tensor_names(features)) names[entry.own] = entry.huggingface;
  NamedTensors tensors = {{"vision_tower.patch.weight", at::zeros({2, 2})}};
  for (const auto& [own, parameter] : decoder->parameters())
    tensors.push_back({"language_model." + names.at(own), *parameter});
  const Json config = {{"model_type", "gemma3"}, {"text_config", wrapped.config(features)}};
  testing::write_text(folder_ / "config.json", config.dump());
  write_safetensors(folder_ / "model.safetensors", tensors);
  const ModelDir model_dir(folder_.path());
  const auto read = features_of_folder(model_dir, wrapped);
  Decoder again(read, at::kFloat, at::kCPU);
  fill_decoder(again, stored_weights(model_dir, wrapped, read));
  expect_equal(again, *decoder);
  AdapterDir adapter;
  adapter.modules["model.language_model.layers.0.mlp.up_proj"] = {at::zeros({2, 24}),
                                                                  at::zeros({40, 2}), 1};
  attach_adapter(again, wrapped, adapter);
  EXPECT_TRUE(again.has_adapter());
}

TEST_F(Checkpoint, OneReportOfMissingExtraAndMisshapenTensors) {
  const auto features = testing::small_features();
  auto tensors = tensors_of(*testing::random_decoder(features, at::kFloat));
  tensors.erase(tensors.begin() + 3);  // a projection of layer 0
  tensors.erase(tensors.end() - 1);    // the head
  tensors.push_back({"model.layers.0.self_attn.rotary_emb.inv_freq", at::zeros({3})});
  tensors.push_back({"score.weight", at::zeros({2, 2})});
  tensors[0].second = at::zeros({7, 24});
  save(features, tensors);
  const auto error = error_of(features);
  for (const char* part :
       {"'lm_head.weight'", "model.layers.0.self_attn.q_proj.weight", "'score.weight'",
        "'model.embed_tokens.weight': found shape [7, 24], expected [50, 24]"})
    EXPECT_THAT(error, HasSubstr(part));
  EXPECT_THAT(error, Not(HasSubstr("inv_freq")));
}

TEST_F(Checkpoint, NamesNanInfinityAndWholeNumbers) {
  const auto features = testing::small_features();
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    auto tensors = tensors_of(*testing::random_decoder(features, at::kFloat));
    tensors[4].second = tensors[4].second.clone();
    tensors[4].second.view({-1})[5] = bad;
    save(features, tensors);
    EXPECT_THAT(error_of(features), HasSubstr(tensors[4].first));
    EXPECT_THAT(error_of(features), HasSubstr("NaN or infinity"));
  }
  auto tensors = tensors_of(*testing::random_decoder(features, at::kFloat));
  tensors[4].second = tensors[4].second.to(at::kInt);
  save(features, tensors);
  EXPECT_THAT(error_of(features), HasSubstr("found I32, expected F32, F16 or BF16"));
  tensors[4].second = tensors[4].second.to(at::kFloat8_e4m3fn);
  save(features, tensors);
  auto config = family().config(features);
  config["quantization_config"] = nullptr;
  testing::write_text(folder_ / "config.json", config.dump());
  EXPECT_THAT(error_of(features), HasSubstr("found F8_E4M3, expected F32, F16 or BF16"));
}

TEST_F(Checkpoint, LargeFiniteWeightsAreNoInfinity) {
  const auto features = testing::small_features();
  auto tensors = tensors_of(*testing::random_decoder(features, at::kFloat));
  tensors[4].second = at::zeros(tensors[4].second.sizes()).fill_(3e38);
  save(features, tensors);
  EXPECT_NO_THROW(load(features));
}

TEST_F(Checkpoint, GgufLayoutIsUndone) {
  for (const auto& features : testing::all_features()) {
    const auto decoder = testing::random_decoder(features, at::kFloat);
    std::map<std::string, at::Tensor> parameters;
    for (const auto& [name, parameter] : decoder->parameters()) parameters[name] = *parameter;
    GgufWriter writer;
    writer.set("general.architecture", family().gguf_architecture());
    family().write_gguf_keys(features, writer);
    for (const auto& names : family().tensor_names(features))
      writer.add(names.gguf, to_gguf_layout(parameters.at(names.own), names.transform, features),
                 GgmlType::kF32);
    writer.write(folder_ / "model.gguf");
    const GgufFile file(folder_ / "model.gguf");
    Decoder again(family().features_from_gguf(file), at::kFloat, at::kCPU);
    fill_decoder(again, stored_weights(file, family(), again.features()));
    expect_equal(again, *decoder);
  }
}

TEST(Adapter, NamesUnknownModulesAndWrongShapesTogether) {
  const auto features = testing::tied_features();
  const auto decoder = testing::random_decoder(features, at::kFloat);
  AdapterDir adapter;
  adapter.folder = "adapter";
  adapter.modules["lm_head"] = {at::zeros({2, 24}), at::zeros({50, 2}), 1};
  adapter.modules["model.layers.9.mlp.up_proj"] = {at::zeros({2, 24}), at::zeros({40, 2}), 1};
  adapter.modules["model.layers.0.mlp.up_proj"] = {at::zeros({2, 23}), at::zeros({40, 2}), 1};
  adapter.modules["model.layers.1.self_attn.q_proj"] = {at::zeros({2, 24}), at::zeros({24, 2}), 1};
  const auto error = error_text<FormatError>([&] { attach_adapter(*decoder, family(), adapter); });
  for (const char* part : {"'lm_head'", "tied", "layers.9.mlp.up_proj",
                           "layers.0.mlp.up_proj.lora_A: found shape [2, 23], expected [2, 24]"})
    EXPECT_THAT(error, HasSubstr(part));
  EXPECT_THAT(error, Not(HasSubstr("layers.1.")));
  EXPECT_FALSE(decoder->has_adapter()) << "nothing is attached after a report";
}

}  // namespace
}  // namespace sqpsych
