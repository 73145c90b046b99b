#include "models/families/family.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/stack.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "core/json_lines.h"
#include "models/layers/rope_table.h"
#include "models/stored_weights.h"
#include "tests/models/families/formula_weights.h"
#include "tests/models/layers/small_decoder.h"
#include "tests/support/error_text.h"
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
    const auto* scaling = features.rope.scaled_by<WavelengthRopeScaling>();
    ASSERT_NE(scaling, nullptr);
    EXPECT_EQ(scaling->factor, 32);
  }
  EXPECT_EQ(features_of(config_with("{}")).head_dim, 8) << "derived";
  const auto wide =
      features_of(config_with(R"({"head_dim": 16, "attention_bias": true, "mlp_bias": true})"));
  EXPECT_EQ(wide.head_dim, 16);
  EXPECT_EQ(wide.rope.dims, 16);
  EXPECT_TRUE(wide.qkv_bias && wide.attention_output_bias && wide.mlp_bias);
  EXPECT_FALSE(features_of(config_with(R"({"rope_scaling": null})"))
                   .rope.scaled_by<WavelengthRopeScaling>());
}

TEST(Family, ReportsAllConfigProblemsTogether) {
  const auto text =
      problems_of(config_with(R"({"hidden_act": "gelu", "num_key_value_heads": 3, "hidden_size": 30,
    "rope_scaling": {"rope_type": "dynamic", "factor": 2.0}, "vocab_size": "many", "intermediate_size": -1})"));
  for (const char* part :
       {"'gelu'", "num_key_value_heads (3)", "multiple of num_attention_heads (4)", "'dynamic'",
        "vocab_size: found \"many\"", "intermediate_size: found -1"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(Family, HostileConfigsAreProblemsNotCrashes) {
  struct Case {
    const char *changes, *expected;
  };
  const Case cases[] = {
      {R"({"num_attention_heads": 0})", "num_attention_heads: found 0"},
      {R"({"model_type": "mixtral", "num_local_experts": 1})",
       "num_experts_per_tok: found nothing, which means 2, expected a whole number from 1 to 1"},
      {R"({"model_type": "mixtral", "num_local_experts": 16777216})",
       "num_local_experts: found 16777216"},
      {R"({"model_type": "phi3", "partial_rotary_factor": 1e300})",
       "partial_rotary_factor: found 1e+300"},
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
    const auto error =
        testing::error_text<FormatError>([&] { family_of(config_with(changes), "config.json"); });
    EXPECT_THAT(error, HasSubstr("'llama'")) << changes;
    EXPECT_THAT(error, HasSubstr("amba")) << changes;
  }
  auto by_class = config_with("{}");
  by_class.erase("model_type");
  EXPECT_EQ(family_of(by_class, "config.json").name(), "llama");
  EXPECT_THROW(family_by_name("mamba"), ConfigError);
}

/// A tiny model of the family with everything that its models have.
DecoderFeatures complete_features(const Family& family) {
  auto features = features_of(config_with(R"({"num_hidden_layers": 6})"));
  features.tied_embeddings = true;
  family.complete(features);
  return features;
}

TEST(Family, EveryFamilyNamesEveryParameterOnceInEachWorld) {
  ASSERT_GE(families().size(), 12u);
  for (const auto* family : families())
    for (const bool flag : {false, true}) {
      auto features = complete_features(*family);
      features.tied_embeddings = features.qkv_bias = features.attention_output_bias =
          features.mlp_bias = flag;
      std::set<std::string> own, huggingface;
      std::set<std::pair<std::string, std::int64_t>> gguf;
      for (const auto& names : family->tensor_names(features)) {
        own.insert(names.own);
        huggingface.insert(names.huggingface);
        gguf.insert({names.gguf, names.gguf_slice});
        EXPECT_LT(names.gguf.size(), 64u) << "the limit of ggml";
        EXPECT_EQ(family->canonical_name(names.huggingface), names.huggingface);
      }
      const auto shapes = parameter_shapes(features);
      EXPECT_EQ(own.size(), shapes.size()) << family->name();
      EXPECT_EQ(huggingface.size(), shapes.size()) << family->name();
      EXPECT_EQ(gguf.size(), shapes.size()) << family->name();
      for (const auto& [name, shape] : shapes)
        EXPECT_TRUE(own.count(name)) << family->name() << " " << name;
    }
}

TEST(Family, EveryFamilyReadsTheConfigItWrites) {
  const RopeScaling scalings[] = {std::monostate{}, LinearRopeScaling{4},
                                  WavelengthRopeScaling{8, 1, 4, 64},
                                  YarnRopeScaling{2, 16, 2, 64, 1.5, false},
                                  LongRopeScaling{{1, 1, 1, 1}, {1, 2, 3, 4}, 64, 1.25}};
  for (const auto* family : families())
    for (const auto& scaling : scalings) {
      auto features = complete_features(*family);
      features.rope.scaling = scaling;
      const auto config = family->config(features);
      ProblemList problems;
      EXPECT_EQ(&family_of(config, "test"), family);
      const auto again = family->features(config, problems);
      EXPECT_TRUE(problems.empty()) << problems.text(family->name());
      EXPECT_EQ(parameter_shapes(again), parameter_shapes(features));
      EXPECT_EQ(family->config(again), config);
      EXPECT_TRUE(
          at::equal(rope_frequencies(again.rope, 100), rope_frequencies(features.rope, 100)));
      EXPECT_NEAR(again.embedding_scale, features.embedding_scale, 1e-12);
    }
}

TEST(Family, WindowsComeFromEitherSpelling) {
  const auto windows_of = [](const char* changes) {
    std::vector<std::int64_t> windows;
    const auto features = features_of(config_with(changes));
    for (std::int64_t i = 0; i < features.num_layers; ++i)
      windows.push_back(features.layer(i).window);
    return windows;
  };
  using Windows = std::vector<std::int64_t>;
  EXPECT_EQ(windows_of(R"({"model_type": "mistral"})"), (Windows{4096, 4096}));
  EXPECT_EQ(windows_of(R"({"model_type": "mistral", "sliding_window": null})"), (Windows{0, 0}));
  EXPECT_EQ(windows_of(R"({"model_type": "qwen2", "sliding_window": 16})"), (Windows{0, 0}));
  EXPECT_EQ(windows_of(R"({"model_type": "qwen2", "sliding_window": 16, "use_sliding_window": true,
    "max_window_layers": 1})"),
            (Windows{0, 16}));
  EXPECT_EQ(windows_of(R"({"model_type": "qwen2", "sliding_window": 16, "use_sliding_window": true,
    "layer_types": ["sliding_attention", "full_attention"]})"),
            (Windows{16, 0}));
  EXPECT_EQ(windows_of(R"({"model_type": "gemma2", "sliding_window": 8})"), (Windows{8, 0}));
  EXPECT_THAT(
      problems_of(config_with(R"({"model_type": "gemma2", "layer_types": ["chunked_attention"]})")),
      HasSubstr("chunked_attention"));
}

TEST(Family, RopeParametersMayBeGivenPerKindOfLayer) {
  const auto features = features_of(config_with(R"({"model_type": "gemma3_text",
    "rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 5e5},
                        "sliding_attention": {"rope_type": "default", "rope_theta": 2e4}}})"));
  EXPECT_EQ(features.rope.base, 5e5);
  ASSERT_NE(features.rope.scaled_by<LinearRopeScaling>(), nullptr);
  ASSERT_TRUE(features.local_rope.has_value());
  EXPECT_EQ(features.local_rope->base, 2e4);
  EXPECT_EQ(features.layer(0).rope, RopeChoice::kLocal);
}

TEST(Family, WrapperOfALanguageModelIsReadAsThatModel) {
  const auto wrapper = parse_json(R"({"model_type": "gemma3", "eos_token_id": [1, 106],
    "architectures": ["Gemma3ForConditionalGeneration"], "vision_config": {"hidden_size": 7},
    "text_config": {"model_type": "gemma3_text", "vocab_size": 100, "hidden_size": 32,
      "num_hidden_layers": 2, "intermediate_size": 48}})",
                                  "test");
  const auto& family = family_of(wrapper, "test");
  const auto config = family.text_config(wrapper);
  EXPECT_EQ(config["eos_token_id"].size(), 2u);
  EXPECT_EQ(&family_of(config, "test"), &family);
  EXPECT_EQ(features_of(config).head_dim, 256) << "the family's own default";
  EXPECT_EQ(features_of(config).num_kv_heads, 4) << "the family's own default";
  for (const char* stored : {"language_model.model.layers.0.mlp.up_proj.weight",
                             "model.language_model.layers.0.mlp.up_proj.weight"})
    EXPECT_EQ(family.canonical_name(stored), "model.layers.0.mlp.up_proj.weight");
  EXPECT_EQ(family.canonical_name("vision_tower.vision_model.head.weight"), "");
}

TEST(Family, FourBitWeightsAreRefusedByNameAndBlockScaledOnesNot) {
  EXPECT_THAT(
      problems_of(config_with(
          R"({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": true}})")),
      HasSubstr("bitsandbytes"));
  EXPECT_EQ(problems_of(config_with(R"({"quantization_config": {"quant_method": "fp8",
    "weight_block_size": [128, 128]}})")),
            ProblemList().text("config.json"));
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

/// Writes the decoder as a GGUF file, tensors in its layout, experts stacked.
void write_gguf(const Family& family, Decoder& decoder, const std::filesystem::path& path) {
  std::map<std::string, at::Tensor> parameters;
  for (const auto& [name, parameter] : decoder.parameters()) parameters[name] = *parameter;
  GgufWriter writer;
  writer.set("general.architecture", family.gguf_architecture());
  family.write_gguf_keys(decoder.features(), writer);
  std::map<std::string, std::vector<at::Tensor>> stacks;
  for (const auto& names : family.tensor_names(decoder.features())) {
    const auto tensor =
        to_gguf_layout(parameters.at(names.own), names.transform, decoder.features());
    if (names.gguf_slice < 0)
      writer.add(names.gguf, tensor, GgmlType::kF32);
    else
      stacks[names.gguf].push_back(tensor);
  }
  for (const auto& [name, parts] : stacks) writer.add(name, at::stack(parts), GgmlType::kF32);
  writer.write(path);
}

TEST(Family, EveryFamilyComputesTheSameFromItsGgufFile) {
  const at::NoGradGuard guard;
  for (const auto* family : families()) {
    SCOPED_TRACE(family->name());
    const testing::TemporaryFolder folder;
    auto features = complete_features(*family);
    features.context_length = 40;  // windows of 10 tokens
    features.norm_eps = 1e-5;
    features.layers.clear();
    family->complete(features);
    const auto decoder = testing::formula_decoder(*family, features, at::kFloat);
    write_gguf(*family, *decoder, folder / "model.gguf");
    const GgufFile file(folder / "model.gguf");
    const auto& reader = family_of_gguf(file);
    Decoder again(reader.features_from_gguf(file), at::kFloat, at::kCPU);
    fill_decoder(again, stored_weights(file, reader, again.features()));
    EXPECT_EQ(again.features().context_length, 40);
    // Architectures without windows are compared within the window.
    const std::int64_t length = reader.name() == family->name() ? 24 : 9;
    std::vector<std::int32_t> ids;
    for (std::int32_t i = 0; i < length; ++i) ids.push_back(i * 13 % 100);
    EXPECT_LE(testing::relative_difference(again.logits(again.hidden(pack_ids({ids}))),
                                           decoder->logits(decoder->hidden(pack_ids({ids})))),
              1e-5);
  }
}

TEST(Family, GgufKeepsScaledRotations) {
  for (const RopeScaling& scaling :
       {RopeScaling(WavelengthRopeScaling{8, 1, 4, 64}), RopeScaling(LinearRopeScaling{4}),
        RopeScaling(YarnRopeScaling{4, 16, 2, 64, std::nullopt, true}),
        RopeScaling(LongRopeScaling{{1, 1, 1, 1}, {1, 2, 3, 4}, 64, 1.25})}) {
    const auto& family = *families().front();
    const testing::TemporaryFolder folder;
    auto features = complete_features(family);
    features.rope.scaling = scaling;
    write_gguf(family, *testing::formula_decoder(family, features, at::kFloat),
               folder / "model.gguf");
    const GgufFile file(folder / "model.gguf");
    const auto again = family.features_from_gguf(file);
    EXPECT_TRUE(
        at::allclose(rope_frequencies(again.rope, 100), rope_frequencies(features.rope, 100)));
    EXPECT_FLOAT_EQ(static_cast<float>(rope_attention_factor(again.rope)),
                    static_cast<float>(rope_attention_factor(features.rope)));
  }
}

TEST(Family, YarnReachesItsFactorTimesTheOriginalContext) {
  const auto& family = family_by_name("qwen2");
  auto config = family.config(complete_features(family));
  config["max_position_embeddings"] = 32768;
  config["rope_scaling"] = {
      {"type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 32768}};
  ProblemList problems;
  EXPECT_EQ(family.features(config, problems).context_length, 131072);
  EXPECT_TRUE(problems.empty());
}

TEST(Family, ASettingThatItsTransformersIgnoresChangesNothing) {
  const auto& family = family_by_name("gemma3");
  auto config = family.config(complete_features(family));
  config["attn_logit_softcapping"] = 50.0;
  ProblemList problems;
  EXPECT_EQ(family.features(config, problems).attention_soft_cap, 0);
}

TEST(Family, WhatRuntimesDoOtherwiseWithLongRopeIsSaid) {
  const auto& family = family_by_name("phi3");
  auto features = complete_features(family);
  features.rope.scaling = LongRopeScaling{{1, 1, 1, 1}, {1, 2, 3, 4}, 77, 1.25};
  GgufWriter writer;
  ::testing::internal::CaptureStderr();
  family.write_gguf_keys(features, writer);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("long factors for every token once its context is larger than 77 tokens"));
}

TEST(Family, WhatGgufCannotExpressIsRefused) {
  const auto refused = [](const char* name, const std::function<void(DecoderFeatures&)>& change) {
    const auto& family = family_by_name(name);
    auto features = complete_features(family);
    change(features);
    GgufWriter writer;
    EXPECT_THROW(family.write_gguf_keys(features, writer), FormatError) << name;
  };
  refused("gemma2", [](auto& f) { f.attention_scale *= 2; });
  refused("qwen2", [](auto& f) { f.rope.scaling = YarnRopeScaling{4, 32, 1, 64, 1.4, true}; });
  refused("qwen2",
          [](auto& f) { f.rope.scaling = YarnRopeScaling{4, 32, 1, 64, std::nullopt, false}; });
  refused("gemma3", [](auto& f) { f.layers[5] = f.layers[0]; });
  refused("qwen3_moe", [](auto& f) { f.experts.normalised = false; });
  refused("qwen2", [](auto& f) { f.head_dim = 16; });
  refused("smollm3", [](auto& f) { f.layers.clear(); });
  refused("cohere2", [](auto& f) { f.layers[3].window = 8; });
  refused("cohere", [](auto& f) { f.head_norm = HeadNorm::kPerHead; });
  refused("cohere", [](auto& f) { f.num_layers = 64; });
}

}  // namespace
}  // namespace sqpsych
