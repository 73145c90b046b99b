#include "train/trainable.h"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/json_lines.h"
#include "tests/support/error_text.h"
#include "tests/train/tiny_training.h"

namespace sqpsych {
namespace {

using testing::tiny_config;
using testing::tiny_setup;

const std::vector<std::string> kModules = {"model.layers.0.self_attn.q_proj",
                                           "model.layers.0.self_attn.v_proj",
                                           "model.layers.0.mlp.up_proj",
                                           "model.layers.1.self_attn.q_proj",
                                           "model.layers.1.self_attn.v_proj",
                                           "model.layers.1.mlp.up_proj",
                                           "lm_head"};

TEST(LoraTargets, AllLinearLeavesTheHeadOut) {
  const auto chosen = choose_lora_modules("all-linear", kModules);
  EXPECT_EQ(chosen.size(), 6u);
  EXPECT_THAT(chosen, ::testing::Not(::testing::Contains("lm_head")));
}

TEST(LoraTargets, AListNamesPathEndings) {
  EXPECT_EQ(choose_lora_modules({"q_proj", "1.mlp.up_proj"}, kModules),
            (std::vector<std::string>{kModules[0], kModules[3], kModules[5]}));
}

TEST(LoraTargets, ATextIsARegularExpressionForTheWholePath) {
  EXPECT_EQ(choose_lora_modules(R"(.*\.0\.self_attn\.[qv]_proj)", kModules),
            (std::vector<std::string>{kModules[0], kModules[1]}));
  EXPECT_EQ(choose_lora_modules("q_proj", kModules).size(), 2u);
}

TEST(LoraTargets, NamesWhatExistsWhenNothingFits) {
  for (const Json& targets : {Json("query"), Json::array({"q_proj", "query"})}) {
    const auto error =
        testing::error_text<ConfigError>([&] { choose_lora_modules(targets, kModules); });
    EXPECT_THAT(error, ::testing::HasSubstr("'query'")) << targets;
    EXPECT_THAT(error, ::testing::HasSubstr("'up_proj'")) << targets;
  }
  EXPECT_THROW(choose_lora_modules("[q", kModules), ConfigError);
}

TEST(LoraTargets, AdapterNamesReachExactlyTheChosenModules) {
  EXPECT_EQ(adapter_target_names({kModules[0], kModules[3]}, kModules),
            std::vector<std::string>{"q_proj"});
  EXPECT_EQ(adapter_target_names({kModules[0]}, kModules), std::vector<std::string>{kModules[0]});
}

TEST(Trainable, LoraStartsAsPeftDoes) {
  TrainingSetup setup = tiny_setup(tiny_config("lora"));
  const auto& parameters = setup.trainable->parameters();
  ASSERT_EQ(parameters.size(), 2u * 7 * 2);
  for (const auto& parameter : parameters) {
    if (parameter.name.ends_with("lora_B.weight")) {
      EXPECT_EQ(parameter.weight.abs().max().item<double>(), 0) << parameter.name;
      continue;
    }
    const double bound = 1 / std::sqrt(static_cast<double>(parameter.weight.size(1)));
    const double largest = parameter.weight.abs().max().item<double>();
    EXPECT_LE(largest, bound) << parameter.name;
    EXPECT_GT(largest, 0.8 * bound) << parameter.name;
  }
  EXPECT_FALSE(at::equal(parameters[0].weight, parameters[2].weight));
}

TEST(Trainable, InitialWeightsDependOnTheSeedAlone) {
  TrainConfig config = tiny_config("lora");
  const auto first = tiny_setup(config).trainable->parameters();
  const auto again = tiny_setup(config).trainable->parameters();
  config.seed = 43;
  const auto other = tiny_setup(config).trainable->parameters();
  EXPECT_TRUE(at::equal(first[0].weight, again[0].weight));
  EXPECT_FALSE(at::equal(first[0].weight, other[0].weight));
}

TEST(Trainable, ScaleFollowsAlphaAndRank) {
  TrainConfig config = tiny_config("lora");
  const auto scale_of = [](const TrainConfig& with) {
    TrainingSetup setup = tiny_setup(with);
    return setup.model->decoder->linears().front().second->low_rank->scale;
  };
  EXPECT_DOUBLE_EQ(scale_of(config), 8.0 / 4.0);
  config.use_rslora = true;
  EXPECT_DOUBLE_EQ(scale_of(config), 8.0 / 2.0);
}

TEST(Trainable, NormsAndBiasesDoNotDecay) {
  TrainingSetup setup = tiny_setup(tiny_config("full"));
  std::size_t norms = 0;
  for (const auto& parameter : setup.trainable->parameters()) {
    const bool is_norm = parameter.name.find("norm") != std::string::npos;
    norms += is_norm;
    EXPECT_EQ(parameter.decays, !is_norm) << parameter.name;
  }
  EXPECT_EQ(norms, 5u);
}

TEST(Trainable, WhatIsWrittenReadsBackBitForBit) {
  for (const std::string& method : training_methods()) {
    const testing::TemporaryFolder folder;
    TrainConfig config = tiny_config(method);
    TrainingSetup written = tiny_setup(config);
    for (const auto& parameter : written.trainable->parameters())
      parameter.weight.detach().add_(0.123);
    written.trainable->write(folder / "checkpoint");
    TrainingSetup read = tiny_setup(config);
    read.trainable->read(folder / "checkpoint");
    for (std::size_t i = 0; i < read.trainable->parameters().size(); ++i)
      EXPECT_TRUE(at::equal(read.trainable->parameters()[i].weight,
                            written.trainable->parameters()[i].weight))
          << read.trainable->parameters()[i].name;
  }
}

TEST(Trainable, RefusesWeightsOfAnotherShape) {
  const testing::TemporaryFolder folder;
  TrainConfig config = tiny_config("lora");
  tiny_setup(config).trainable->write(folder / "checkpoint");
  config.lora_r = 2;
  EXPECT_THROW(tiny_setup(config).trainable->read(folder / "checkpoint"), FormatError);
}

}  // namespace
}  // namespace sqpsych
