#include "models/families/family.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/json_lines.h"
#include "models/layers/decoder.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;

const char* const kConfig =
    R"({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 100,
  "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
  "intermediate_size": 48, "max_position_embeddings": 128, "rms_norm_eps": 1e-5})";

Json config_with(const char* changes) {
  auto config = parse_json(kConfig, "test");
  config.update(parse_json(changes, "test"));
  return config;
}

std::string problems_of(const Json& config) {
  ProblemList problems;
  family_of(config, "config.json").features(config, problems);
  return problems.text("config.json");
}

DecoderFeatures features_of(const Json& config) {
  ProblemList problems;
  auto features = family_of(config, "config.json").features(config, problems);
  EXPECT_TRUE(problems.empty()) << problems.text("config.json");
  return features;
}

TEST(Family, ReadsOldAndNewSpellings) {
  const auto old = features_of(
      config_with(R"({"rope_theta": 500000.0, "rope_scaling": {"type": "llama3", "factor": 32.0,
    "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}})"));
  const auto current =
      features_of(config_with(R"({"rope_parameters": {"rope_theta": 500000.0, "rope_type": "llama3",
    "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}})"));
  for (const auto& features : {old, current}) {
    EXPECT_EQ(features.rope.base, 500000);
    ASSERT_TRUE(features.rope.wavelength_scaling.has_value());
    EXPECT_EQ(features.rope.wavelength_scaling->factor, 32);
  }
  EXPECT_EQ(features_of(config_with("{}")).head_dim, 8) << "derived";
  const auto wide =
      features_of(config_with(R"({"head_dim": 16, "attention_bias": true, "mlp_bias": true})"));
  EXPECT_EQ(wide.head_dim, 16);
  EXPECT_EQ(wide.rope.dims, 16);
  EXPECT_TRUE(wide.qkv_bias && wide.attention_output_bias && wide.mlp_bias);
  EXPECT_FALSE(
      features_of(config_with(R"({"rope_scaling": null})")).rope.wavelength_scaling.has_value());
}

TEST(Family, ReportsAllConfigProblemsTogether) {
  const auto text =
      problems_of(config_with(R"({"hidden_act": "gelu", "num_key_value_heads": 3, "hidden_size": 30,
    "rope_scaling": {"rope_type": "yarn", "factor": 2.0}, "vocab_size": "many", "intermediate_size": -1})"));
  for (const char* part :
       {"'gelu'", "num_key_value_heads (3)", "multiple of num_attention_heads (4)", "'yarn'",
        "vocab_size: found \"many\"", "intermediate_size: found -1"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(Family, HostileConfigsAreProblemsNotCrashes) {
  struct Case {
    const char *changes, *expected;
  };
  const Case cases[] = {
      {R"({"num_attention_heads": 0})", "num_attention_heads: found 0"},
      {R"({"num_hidden_layers": 99999999})", "num_hidden_layers"},
      {R"({"hidden_size": 18446744073709551615})", "hidden_size"},
      {R"({"rms_norm_eps": 0})", "rms_norm_eps"},
      {R"({"rope_theta": "ten"})", "rope_theta"},
      {R"({"rope_scaling": 3})", "rope_scaling"},
      {R"({"rope_scaling": {"type": "llama3"}})", "rope_scaling.factor: found nothing"},
      {R"({"head_dim": 7})", "head_dim: found 7"},
      {R"({"tie_word_embeddings": "yes"})", "tie_word_embeddings"},
      {R"({"quantization_config": {"bits": 4}})", "quantization_config"}};
  for (const auto& [changes, expected] : cases)
    EXPECT_THAT(problems_of(config_with(changes)), HasSubstr(expected));
}

TEST(Family, UnknownArchitectureListsTheSupportedOnes) {
  for (const char* changes : {R"({"model_type": "mamba"})",
                              R"({"model_type": 5, "architectures": ["MambaForCausalLM"]})"}) {
    try {
      family_of(config_with(changes), "config.json");
      FAIL() << changes;
    } catch (const FormatError& error) {
      EXPECT_THAT(error.what(), HasSubstr("'llama'"));
      EXPECT_THAT(error.what(), HasSubstr("amba"));
    }
  }
  auto by_class = config_with("{}");
  by_class.erase("model_type");
  EXPECT_EQ(family_of(by_class, "config.json").name(), "llama");
  EXPECT_THROW(family_by_name("mamba"), ConfigError);
}

TEST(Family, EveryFamilyNamesEveryParameterOnceInEachWorld) {
  ASSERT_FALSE(families().empty());
  for (const auto* family : families())
    for (const bool flag : {false, true}) {
      auto features = features_of(config_with("{}"));
      features.tied_embeddings = features.qkv_bias = features.attention_output_bias =
          features.mlp_bias = flag;
      std::set<std::string> own, huggingface, gguf;
      for (const auto& names : family->tensor_names(features)) {
        own.insert(names.own);
        huggingface.insert(names.huggingface);
        gguf.insert(names.gguf);
        EXPECT_LT(names.gguf.size(), 64u) << "the limit of ggml";
      }
      const auto shapes = parameter_shapes(features);
      EXPECT_EQ(own.size(), shapes.size());
      EXPECT_EQ(huggingface.size(), shapes.size());
      EXPECT_EQ(gguf.size(), shapes.size());
      for (const auto& [name, shape] : shapes)
        EXPECT_TRUE(own.count(name)) << family->name() << " " << name;
    }
}

TEST(Family, EveryFamilyReadsTheConfigItWrites) {
  for (const auto* family : families()) {
    auto features = features_of(
        config_with(R"({"head_dim": 16, "attention_bias": true, "tie_word_embeddings": true})"));
    features.rope.wavelength_scaling = WavelengthRopeScaling{8, 1, 4, 64};
    ProblemList problems;
    const auto again = family->features(family->config(features), problems);
    EXPECT_TRUE(problems.empty()) << problems.text(family->name());
    EXPECT_EQ(parameter_shapes(again), parameter_shapes(features));
    EXPECT_EQ(again.context_length, features.context_length);
    EXPECT_EQ(again.rms_norm_eps, features.rms_norm_eps);
    ASSERT_TRUE(again.rope.wavelength_scaling.has_value());
    EXPECT_EQ(again.rope.wavelength_scaling->factor, 8);
  }
}

TEST(GgufLayout, InterleavesHalvesPerHead) {
  DecoderFeatures features;
  features.num_heads = 2;
  features.num_kv_heads = 1;
  features.head_dim = 8;
  const auto query = to_gguf_layout(at::arange(16, at::kLong).unsqueeze(1),
                                    GgufTransform::kInterleaveQueryRows, features);
  const std::int64_t expected[] = {0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15};
  for (int i = 0; i < 16; ++i) EXPECT_EQ(query[i][0].item<std::int64_t>(), expected[i]);
  const auto key = at::arange(24, at::kLong).view({8, 3});
  const auto there = to_gguf_layout(key, GgufTransform::kInterleaveKeyRows, features);
  EXPECT_FALSE(at::equal(there, key));
  EXPECT_TRUE(at::equal(from_gguf_layout(there, GgufTransform::kInterleaveKeyRows, features), key));
  const auto bias = at::arange(8, at::kLong);
  EXPECT_EQ(
      to_gguf_layout(bias, GgufTransform::kInterleaveKeyRows, features)[1].item<std::int64_t>(), 4);
}

TEST(Family, EveryFamilyReadsTheGgufKeysItWrites) {
  for (const auto* family : families()) {
    const testing::TemporaryFolder folder;
    auto features = features_of(config_with(R"({"head_dim": 16})"));
    features.rope.base = 500000;
    features.rope.wavelength_scaling = WavelengthRopeScaling{8, 1, 4, 64};
    GgufWriter writer;
    writer.set("general.architecture", family->gguf_architecture());
    family->write_gguf_keys(features, writer);
    for (const auto& names : family->tensor_names(features))
      for (const auto& [own, shape] : parameter_shapes(features))
        if (own == names.own) writer.add(names.gguf, at::empty(shape).zero_(), GgmlType::kF32);
    writer.write(folder / "model.gguf");
    const GgufFile file(folder / "model.gguf");
    const auto again = family_of_gguf(file).features_from_gguf(file);
    EXPECT_EQ(parameter_shapes(again), parameter_shapes(features));
    EXPECT_EQ(again.rope.base, 500000);
    EXPECT_EQ(again.context_length, features.context_length);
    EXPECT_FLOAT_EQ(static_cast<float>(again.rms_norm_eps), 1e-5f);
    ASSERT_EQ(again.rope.frequency_divisors.size(), 8u);
    EXPECT_EQ(again.rope.frequency_divisors.back(), 8);
  }
}

}  // namespace
}  // namespace sqpsych
