#include "train/config.h"
#include "tests/support/error_text.h"
#include "tests/support/source_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

std::string problem_of(const Json& document) {
  return testing::error_text<ConfigError>(
      [&] { config_from_json<TrainConfig>(document, "train.json", "/"); });
}

TEST(TrainConfig, EveryShippedFileIsValid) {
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(testing::source_path("configs/train"))) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    EXPECT_NO_THROW(load_config<TrainConfig>(entry.path(), {})) << entry.path();
  }
  EXPECT_GE(files, 4u);
}

TEST(TrainConfig, ResolvedConfigReadsBackEqual) {
  const auto config =
      load_config<TrainConfig>(testing::source_path("configs/train/debug.json"), {"seed=3"});
  const Json resolved = config_to_json(config);
  EXPECT_EQ(resolved["seed"], 3);
  EXPECT_EQ(config_to_json(config_from_json<TrainConfig>(resolved, "again", "/")), resolved);
}

struct BadConfig {
  const char* document;
  const char* message;
};
const BadConfig kBadConfigs[] = {
    {R"({"learning_rte": 1})", "learning_rate"},
    {R"({"method": "qlora"})", "'lora', 'full'"},
    {R"({"lr_scheduler_type": "polynomial"})", "cosine"},
    {R"({"max_steps": 0})", "max_steps"},
    {R"({"num_train_epochs": 0})", "num_train_epochs"},
    {R"({"lora_dropout": 1})", "lora_dropout"},
    {R"({"lora_r": 0})", "lora_r"},
    {R"({"lora_target_modules": 3})", "lora_target_modules"},
    {R"({"lora_target_modules": []})", "lora_target_modules"},
    {R"({"warmup_steps": 3, "warmup_ratio": 0.1})", "found both"},
    {R"({"eval_strategy": "steps"})", "eval_steps"},
    {R"({"eval_steps": 5})", "eval_strategy 'steps'"},
    {R"({"save_strategy": "steps"})", "save_steps"},
    {R"({"eval_strategy": "no", "load_best_model_at_end": true})", "load_best_model_at_end"},
    {R"({"eval_strategy": "no", "early_stopping_patience": 2})", "early_stopping_patience"},
    {R"({"eval_strategy": "no", "num_sample_replies": 2})", "num_sample_replies"},
    {R"({"eval_strategy": "steps", "eval_steps": 4, "save_strategy": "steps", "save_steps": 6,
         "load_best_model_at_end": true})",
     "multiple of eval_steps"},
    {R"({"eval_strategy": "steps", "save_strategy": "steps", "save_steps": 10,
         "load_best_model_at_end": true})",
     "eval_steps: found 0"},
    {R"({"per_device_train_batch_size": 4294967296, "gradient_accumulation_steps": 4294967296})",
     "found a product above 2^63"},
    {R"({"max_length": 1})", "max_length"},
    {R"({"over_length": "truncate"})", "window"},
    {R"({"per_device_train_batch_size": 1.5})", "whole number"},
    {R"({"adam_beta2": 1})", "adam_beta1, adam_beta2"},
    {R"({"sampling": {"temprature": 0}})", "temperature"},
};

TEST(TrainConfig, NamesEveryBadSetting) {
  for (const auto& [document, message] : kBadConfigs)
    EXPECT_THAT(problem_of(Json::parse(document)), ::testing::HasSubstr(message)) << document;
}

TEST(TrainConfig, ReportsAllProblemsTogether) {
  const std::string problems = problem_of({{"lora_r", 0}, {"max_steps", 0}, {"epochs", 3}});
  for (const char* name : {"lora_r", "max_steps", "epochs"})
    EXPECT_THAT(problems, ::testing::HasSubstr(name));
}

TEST(TrainConfig, SaysWhatHasNoEffect) {
  TrainConfig config;
  EXPECT_TRUE(config.settings_without_effect().empty());
  config.lr_scheduler_type = "constant";
  config.warmup_ratio = 0.03;
  EXPECT_EQ(config.settings_without_effect().size(), 1u);
}

}  // namespace
}  // namespace sqpsych
