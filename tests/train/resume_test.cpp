#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/json_lines.h"
#include "tests/support/error_text.h"
#include "tests/train/tiny_training.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

using testing::error_text;
using testing::metrics_without_clock;
using testing::run_tiny;
using testing::TemporaryFolder;
using testing::tiny_config;

TrainConfig resumable_config(const std::string& method) {
  TrainConfig config = tiny_config(method);
  config.max_steps = 11;  // crosses epochs: 13 rows are 4 steps
  config.logging_steps = 3;
  config.eval_strategy = "steps";
  config.eval_steps = 4;
  config.save_strategy = "steps";
  config.save_steps = 4;
  config.save_total_limit = 2;
  config.lora_dropout = method == "lora" ? 0.1 : 0;
  return config;
}

void expect_same_weights(const std::map<std::string, at::Tensor>& found,
                         const std::map<std::string, at::Tensor>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, tensor] : expected)
    EXPECT_TRUE(at::equal(found.at(name), tensor)) << name;
}

class ResumeIn : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Dtypes, ResumeIn, ::testing::Values("float32", "bfloat16"));

TEST_P(ResumeIn, IsBitForBitTheUninterruptedRunAfterEveryStep) {
  for (const std::string& method : training_methods()) {
    const TemporaryFolder whole;
    TrainConfig config = resumable_config(method);
    config.model.dtype = GetParam();
    const auto expected = run_tiny(config, whole / "run");
    for (const std::int64_t step : {1, 3, 4, 7, 10}) {
      SCOPED_TRACE(format("{} interrupted behind step {}", method, step));
      const TemporaryFolder folder;
      EXPECT_THROW(run_tiny(config, folder / "run", step), Interrupted);
      expect_same_weights(run_tiny(config, folder / "run"), expected);
      EXPECT_EQ(metrics_without_clock(folder / "run"), metrics_without_clock(whole / "run"));
    }
  }
}

/// What kill -9 leaves: the files as they were, with lines behind the last checkpoint.
TEST(Resume, ForgetsWhatCameBehindTheCheckpoint) {
  const TemporaryFolder whole;
  const TrainConfig config = resumable_config("lora");
  const auto expected = run_tiny(config, whole / "run");
  const TemporaryFolder killed;
  EXPECT_THROW(run_tiny(config, killed / "run", 7), Interrupted);
  fs::remove_all(killed / "run/checkpoint-7");
  std::ofstream(killed / "run/metrics.jsonl", std::ios::app) << "{\"loss\": 1.0, \"st";
  fs::create_directories(killed / "run/checkpoint-8");
  fs::create_directories(killed / "run/.checkpoint-8.tmp-1234");
  expect_same_weights(run_tiny(config, killed / "run"), expected);
  EXPECT_EQ(metrics_without_clock(killed / "run"), metrics_without_clock(whole / "run"));
  EXPECT_FALSE(fs::exists(killed / "run/.checkpoint-8.tmp-1234"));
}

TEST(Resume, KeepsTheNewestCheckpoints) {
  const TemporaryFolder folder;
  run_tiny(resumable_config("lora"), folder / "run");
  EXPECT_EQ(CheckpointFolders(folder / "run").steps(), (std::vector<std::int64_t>{8, 11}));
}

TEST(Resume, RefusesAnotherConfigAndNamesTheDifference) {
  const TemporaryFolder folder;
  TrainConfig config = resumable_config("lora");
  EXPECT_THROW(run_tiny(config, folder / "run", 4), Interrupted);
  config.learning_rate = 0.5;
  config.lora_target_modules = Json::array({"q_proj"});
  const auto error = error_text<ConfigError>([&] { run_tiny(config, folder / "run"); });
  EXPECT_THAT(error, ::testing::HasSubstr("'learning_rate': found 0.5, expected 0.01"));
  EXPECT_THAT(error, ::testing::HasSubstr("lora_target_modules"));
  EXPECT_THAT(error, ::testing::HasSubstr("--restart"));
}

TEST(Resume, RefusesOtherDataAndOtherWeights) {
  const TemporaryFolder folder;
  TrainingSetup setup = testing::tiny_setup(tiny_config("lora"));
  const RunFolder run{folder / "run"};
  FileLock lock;
  open_run_folder(run, setup, false, lock);
  setup.inputs["data"]["train.jsonl"] = "2";
  setup.inputs["model"]["model.safetensors"] = "new";
  const auto error = error_text<ConfigError>([&] { check_same_run(run, setup); });
  EXPECT_THAT(error, ::testing::HasSubstr("data file 'train.jsonl'"));
  EXPECT_THAT(error, ::testing::HasSubstr("model file 'model.safetensors'"));
}

TEST(Resume, RefusesAForeignFolder) {
  const TemporaryFolder folder;
  testing::write_text(folder / "notes/thesis.tex", "text");
  for (const char* name : {"config.json", "inputs.json", "run.lock", "sessions.jsonl"})
    testing::write_text(folder / "sessions" / name, "{}");
  TrainRequest request;
  for (const char* foreign : {"notes", "sessions"}) {
    request.output = folder / foreign;
    EXPECT_THROW(claim_run_folder(request), ConfigError) << foreign;
  }
  request.output = folder / "new";
  EXPECT_NO_THROW(claim_run_folder(request));
}

TEST(Resume, RefusesAFolderThatHoldsWhatIsTrained) {
  const TemporaryFolder folder;
  const TrainingSetup setup = testing::tiny_setup(tiny_config("lora"));
  const RunFolder run{folder / "run"};
  FileLock lock;
  open_run_folder(run, setup, false, lock);
  TrainRequest request;
  request.output = run.path;
  request.model = run.path / "model";
  request.restart = true;
  EXPECT_THROW(claim_run_folder(request), ConfigError);
  request.model = folder / "model";
  request.data = run.path / "data";
  EXPECT_THROW(claim_run_folder(request), ConfigError);
}

TEST(Resume, OneProcessTrainsInAFolder) {
  const TemporaryFolder folder;
  const TrainingSetup setup = testing::tiny_setup(tiny_config("lora"));
  const RunFolder run{folder / "run"};
  FileLock first, second;
  open_run_folder(run, setup, false, first);
  EXPECT_THROW(open_run_folder(run, setup, false, second), ConfigError);
  EXPECT_THROW(open_run_folder(run, setup, true, second), ConfigError);
}

TEST(Resume, RefusesDamagedMetrics) {
  const TemporaryFolder folder;
  const TrainConfig config = resumable_config("lora");
  EXPECT_THROW(run_tiny(config, folder / "run", 8), Interrupted);
  fs::resize_file(folder / "run/metrics.jsonl", 3);
  EXPECT_THROW(run_tiny(config, folder / "run"), FormatError);
}

TEST(Trainer, WritesTrainerStateWithTheKeysOfTheHuggingFaceTrainer) {
  const TemporaryFolder folder;
  run_tiny(resumable_config("lora"), folder / "run");
  const Json state = read_json(folder / "run/checkpoint-8/trainer_state.json");
  EXPECT_EQ(state["global_step"], 8);
  EXPECT_EQ(state["epoch"], 2.0);
  ASSERT_FALSE(state["log_history"].empty());
  std::size_t losses = 0;
  for (const Json& record : state["log_history"]) losses += record.contains("loss");
  EXPECT_EQ(losses, 2u);
  for (const char* key : {"best_metric", "max_steps", "num_train_epochs", "train_batch_size"})
    EXPECT_TRUE(state.contains(key)) << key;
}

TEST(Trainer, StopsEarlyAndKeepsTheBestCheckpoint) {
  const TemporaryFolder folder;
  TrainConfig config = resumable_config("full");
  config.max_steps = 60;
  config.learning_rate = 0.05;  // overfits the random rows at once
  config.eval_steps = config.save_steps = 2;
  config.save_total_limit = 1;
  config.early_stopping_patience = 2;
  config.load_best_model_at_end = true;
  const auto weights = run_tiny(config, folder / "run");
  const CheckpointFolders checkpoints(folder / "run");
  const auto steps = checkpoints.steps();
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_LT(steps.back(), 60);
  EXPECT_EQ(steps.back() - steps.front(), 4);
  const SafetensorsFile best(checkpoints.folder(steps.front()) / "model.safetensors");
  for (const auto& [name, tensor] : weights)
    EXPECT_TRUE(at::equal(best.tensor(name), tensor)) << name;
  // A finished run stays as it is.
  expect_same_weights(run_tiny(config, folder / "run"), weights);
}

TEST(Trainer, KeepsTheBestEvaluationWhereNoCheckpointWasDue) {
  const TemporaryFolder folder;
  TrainConfig config = resumable_config("full");
  config.max_steps = 24;
  config.learning_rate = 0.05;  // overfits the random rows at once
  config.eval_steps = 1;
  config.save_steps = 12;
  config.save_total_limit = 1;
  config.load_best_model_at_end = true;
  const auto weights = run_tiny(config, folder / "run");
  const CheckpointFolders checkpoints(folder / "run");
  const Json state = read_json(checkpoints.folder(24) / "trainer_state.json");
  const std::int64_t best_step = state["best_global_step"];
  ASSERT_NE(best_step % config.save_steps, 0) << "the test needs a best step between checkpoints";
  EXPECT_EQ(state["best_model_checkpoint"], format("checkpoint-{}", best_step));
  EXPECT_EQ(checkpoints.steps(), (std::vector<std::int64_t>{best_step, 24}));
  const SafetensorsFile best(checkpoints.folder(best_step) / "model.safetensors");
  for (const auto& [name, tensor] : weights)
    EXPECT_TRUE(at::equal(best.tensor(name), tensor)) << name;
}

TEST(Trainer, LowersTheLoss) {
  const TemporaryFolder folder;
  TrainConfig config = tiny_config("lora");
  config.max_steps = 40;
  run_tiny(config, folder / "run");
  const auto records = read_json_lines(folder / "run/metrics.jsonl");
  EXPECT_LT(records[records.size() - 2]["loss"].get<double>(),
            records[0]["loss"].get<double>() - 0.1);
  EXPECT_GT(records.back()["train_loss"].get<double>(), 0);
}

}  // namespace
}  // namespace sqpsych
