#include "train/training.h"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "core/interrupt.h"
#include "core/json_lines.h"
#include "models/model.h"
#include "models/weights/adapter_dir.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_files.h"
#include "train/ranks.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

using testing::write_text;

TEST(Ranks, OneProcessTrains) {
  for (const char* name : {"WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    setenv(name, "2", 1);
    EXPECT_THROW(join_ranks(), ConfigError) << name;
    setenv(name, "1", 1);
    EXPECT_EQ(join_ranks().size, 1) << name;
    unsetenv(name);
  }
}

/// One model and one dataset for all tests; each trains into a folder of its own.
class Training : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_folder_ = new testing::TemporaryFolder;
    testing::write_tiny_model(*shared_folder_ / "model");
    testing::write_tiny_data(*shared_folder_ / "data");
  }
  static void TearDownTestSuite() {
    delete shared_folder_;
    shared_folder_ = nullptr;
  }

  TrainRequest request(const std::string& method = "lora") const {
    TrainRequest request;
    request.config.method = method;
    request.config.max_steps = 4;
    request.config.per_device_train_batch_size = 4;
    request.config.logging_steps = 1;
    request.config.learning_rate = 1e-2;
    request.config.model.device = "cpu";
    request.model = *shared_folder_ / "model";
    request.data = *shared_folder_ / "data";
    request.output = folder_ / "run";
    return request;
  }

  std::string error_of(const TrainRequest& request) const {
    return testing::error_text([&] { train(request); });
  }

  testing::TemporaryFolder folder_;
  static testing::TemporaryFolder* shared_folder_;
};
testing::TemporaryFolder* Training::shared_folder_ = nullptr;

TEST_F(Training, LeavesARunFolderThatLoads) {
  for (const std::string& method : training_methods()) {
    TrainRequest wanted = request(method);
    wanted.output = folder_ / method;
    const TrainOutcome outcome = train(wanted);
    EXPECT_EQ(outcome.steps, 4);
    for (const char* name : {"config.json", "inputs.json", "metrics.jsonl", "manifest.json",
                             "train_results.json", "tensorboard", "checkpoint-4"})
      EXPECT_TRUE(fs::exists(wanted.output / name)) << method << " " << name;
    EXPECT_TRUE(fs::exists(outcome.result / "README.md"));
    const Json settings = read_json(outcome.result / "tokenizer_config.json");
    EXPECT_EQ(settings["sqpsych_chat_template"], "chatml");
    EXPECT_THAT(settings["chat_template"].get<std::string>(), ::testing::HasSubstr("{%"));
    const bool is_adapter = method == "lora";
    const Model loaded = is_adapter ? load_model(wanted.model, outcome.result, wanted.config.model)
                                    : load_model(outcome.result, std::nullopt, wanted.config.model);
    EXPECT_EQ(loaded.decoder->has_adapter(), is_adapter);
    const Json manifest = read_json(wanted.output / "manifest.json");
    EXPECT_EQ(manifest.dump().find("client-1\""), std::string::npos);
    EXPECT_THAT(manifest.dump(), ::testing::HasSubstr("client_ids_sha256"));
  }
}

TEST_F(Training, AFinishedRunIsNotTrainedAgain) {
  train(request());
  const auto before = fs::last_write_time(folder_ / "run/adapter/adapter_model.safetensors");
  EXPECT_TRUE(train(request()).was_finished);
  EXPECT_EQ(fs::last_write_time(folder_ / "run/adapter/adapter_model.safetensors"), before);
  TrainRequest again = request();
  again.restart = true;
  EXPECT_FALSE(train(again).was_finished);
}

TEST_F(Training, AnInterruptSavesACheckpointAndGoesOn) {
  TrainRequest first = request();
  first.after_step = [](std::int64_t step) { set_interrupt_requested(step == 3); };
  try {
    train(first);
    ADD_FAILURE() << "expected an interruption";
  } catch (const Interrupted& interrupted) {
    EXPECT_EQ(interrupted.exit_code(), ExitCode::kInterrupted);
    EXPECT_THAT(interrupted.what(), ::testing::HasSubstr("step 3 of 4"));
  }
  set_interrupt_requested(false);
  EXPECT_TRUE(fs::exists(folder_ / "run/checkpoint-3/adapter_model.safetensors"));
  EXPECT_EQ(train(request()).steps, 4);
}

TEST_F(Training, WritesSampleRepliesAtEveryEvaluation) {
  TrainRequest wanted = request();
  wanted.config.num_sample_replies = 2;
  wanted.config.sampling.max_tokens = 5;
  wanted.config.eval_strategy = "steps";
  wanted.config.eval_steps = 2;
  train(wanted);
  const auto samples = read_json_lines(folder_ / "run/samples.jsonl");
  ASSERT_EQ(samples.size(), 3u * 2);
  EXPECT_EQ(samples[0]["prompt"].back()["role"], "user");
  EXPECT_THAT(samples[0]["reference"].get<std::string>(), ::testing::HasSubstr("You felt"));
  EXPECT_NE(samples[0]["id"], samples[1]["id"]);
}

TEST_F(Training, CheckWritesNothingAndSaysWhatWouldHappen) {
  const std::string plan = check_training(request());
  EXPECT_FALSE(fs::exists(folder_ / "run"));
  for (const char* fact : {"20 rows", "steps: 4 (5 per epoch)", "supervised", "parameters trained",
                           "memory: about", "chatml"})
    EXPECT_THAT(plan, ::testing::HasSubstr(fact));
}

TEST_F(Training, RefusesAChangedDataFileByName) {
  TrainRequest first = request();
  first.data = folder_ / "data";
  testing::write_tiny_data(folder_ / "data");
  train(first);
  std::ofstream(folder_ / "data/train.jsonl", std::ios::app) << "\n";
  EXPECT_THAT(error_of(first), ::testing::HasSubstr("data file 'train.jsonl'"));
}

TEST_F(Training, RefusesChangedSamplePromptsByName) {
  TrainRequest first = request();
  write_text(folder_ / "prompts.jsonl", R"({"prompt": "I felt", "completion": " sad", "id": "p"})"
                                        "\n");
  first.config.sample_prompts.path = folder_ / "prompts.jsonl";
  first.config.num_sample_replies = 1;
  first.config.sampling.max_tokens = 3;
  train(first);
  write_text(folder_ / "prompts.jsonl", R"({"prompt": "I was", "completion": " sad", "id": "p"})"
                                        "\n");
  EXPECT_THAT(error_of(first), ::testing::HasSubstr("data file 'sample_prompts'"));
}

TEST_F(Training, RawRowsMaySampleConversations) {
  TrainRequest wanted = request();
  wanted.data = folder_ / "raw";
  fs::create_directories(wanted.data);
  for (const char* split : {"train.jsonl", "validation.jsonl"})
    write_text(wanted.data / split, R"({"prompt": "I felt", "completion": " sad", "id": "r"})"
                                    "\n");
  write_text(folder_ / "prompts.jsonl",
             R"({"messages": [{"role": "user", "content": "I felt sad"},)"
             R"( {"role": "assistant", "content": "You felt sad."}], "id": "c"})"
             "\n");
  wanted.config.sample_prompts.path = folder_ / "prompts.jsonl";
  wanted.config.num_sample_replies = 1;
  wanted.config.sampling.max_tokens = 3;
  train(wanted);
  const auto samples = read_json_lines(folder_ / "run/samples.jsonl");
  ASSERT_FALSE(samples.empty());
  EXPECT_EQ(samples[0]["prompt"].back()["role"], "user");
  EXPECT_EQ(samples[0]["reference"], "You felt sad.");
}

TEST_F(Training, AWholeModelEndsItsRepliesAtTheTemplatesTerminator) {
  TrainRequest wanted = request("full");
  wanted.config.eval_strategy = "no";
  wanted.model = folder_ / "model";
  fs::copy(*shared_folder_ / "model", wanted.model);
  write_text(wanted.model / "generation_config.json", R"({"eos_token_id": 2})");
  const Model model = load_model(wanted.model, std::nullopt, wanted.config.model);
  const auto terminator = model.tokenizer->id_of("<|im_end|>");
  ASSERT_TRUE(terminator);
  const TrainOutcome outcome = train(wanted);
  EXPECT_EQ(read_json(outcome.result / "generation_config.json")["eos_token_id"],
            Json::array({2, *terminator}));
}

TEST_F(Training, TrainsOnOneTokenReplies) {
  TrainRequest wanted = request();
  wanted.config.eval_strategy = "no";
  wanted.data = folder_ / "one.jsonl";
  write_text(wanted.data, R"({"prompt": "I", "completion": "a", "id": "x"})"
                          "\n");
  EXPECT_EQ(train(wanted).steps, 4);
}

struct HostileData {
  const char* content;
  const char* message;
};
const HostileData kHostileData[] = {
    {"", "no rows"},
    {"{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}], \"id\": \"lonely\"}\n",
     "'lonely'"},
    {"{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}, {\"role\": \"assistant\", "
     "\"content\": \"no\", \"weight\": 0}], \"id\": \"muted\"}\n",
     "'muted'"},
    {"{\"messages\": \n", "train.jsonl:1"},
    {"{\"messages\": [], \"id\": 3}\n", "train.jsonl:1"},
    {"{\"prompt\": \"\xff\", \"completion\": \"a\"}\n", "train.jsonl:1"},
};

TEST_F(Training, NamesWhatIsWrongWithTheData) {
  for (const auto& [content, message] : kHostileData) {
    TrainRequest wanted = request();
    wanted.data = folder_ / "bad";
    wanted.config.eval_strategy = "no";
    write_text(wanted.data / "train.jsonl", content);
    EXPECT_THAT(error_of(wanted), ::testing::HasSubstr(message)) << content;
    EXPECT_FALSE(fs::exists(wanted.output)) << content;
  }
}

TEST_F(Training, NamesWhatIsWrongWithPathsAndSettings) {
  TrainRequest wanted = request();
  wanted.data = folder_ / "nowhere";
  EXPECT_THAT(error_of(wanted), ::testing::HasSubstr("--data"));
  wanted.data = folder_.path();
  EXPECT_THAT(error_of(wanted), ::testing::HasSubstr("no train.jsonl"));
  wanted = request();
  wanted.config.row_plan.max_length = 4096;
  EXPECT_THAT(error_of(wanted), ::testing::HasSubstr("context of 128"));
  wanted = request();
  wanted.model = folder_ / "nowhere";
  EXPECT_THAT(error_of(wanted), ::testing::HasSubstr("nowhere"));
  wanted = request();
  write_text(folder_ / "file", "text");
  wanted.output = folder_ / "file/run";
  EXPECT_THAT(error_of(wanted), ::testing::HasSubstr("Not a directory"));
}

TEST_F(Training, FullTrainingOfRawTextNeedsNoChatTemplate) {
  TrainRequest wanted = request("full");
  wanted.config.eval_strategy = "no";
  wanted.data = folder_ / "raw.jsonl";
  write_text(wanted.data, R"({"prompt": "I felt sad.", "completion": "You felt sad.", "id": "x"})"
                          "\n");
  EXPECT_EQ(train(wanted).steps, 4);
  EXPECT_FALSE(read_json_lines(folder_ / "run/metrics.jsonl").empty());
}

TEST(RealModel, ThirtyLoraStepsLowerTheValidationLossOnRealSessions) {
  SQPSYCH_NEED_SHARED(model, "data/tinystories-656k");
  SQPSYCH_NEED_SHARED(sessions, "data/magnet/magnet_sessions.jsonl");
  const testing::TemporaryFolder folder;
  std::string train_lines, validation_lines;
  int count = 0;
  for (const Json& session : read_json_lines(sessions)) {
    Json messages = Json::array();
    for (const Json& turn : session.at("dialogue"))
      messages.push_back({{"role", turn["role"] == "counselor" ? "assistant" : "user"},
                          {"content", turn["message"]}});
    const Json row = {{"messages", messages}, {"id", format("s{}", count)}};
    (count < 3 ? train_lines : validation_lines) += row.dump() + "\n";
    if (++count == 4) break;
  }
  write_text(folder / "data/train.jsonl", train_lines);
  write_text(folder / "data/validation.jsonl", validation_lines);
  TrainRequest request;
  request.config.max_steps = 30;
  request.config.per_device_train_batch_size = 4;
  request.config.learning_rate = 5e-3;
  request.config.eval_strategy = "steps";
  request.config.eval_steps = 30;
  request.config.model.chat_template = "chatml";
  request.model = model;
  request.data = folder / "data";
  request.output = folder / "run";
  train(request);
  std::vector<double> losses;
  for (const Json& record : read_json_lines(folder / "run/metrics.jsonl"))
    if (record.contains("eval_loss")) losses.push_back(record["eval_loss"]);
  ASSERT_EQ(losses.size(), 2u);
  EXPECT_LT(losses[1], losses[0] - 0.5);
}

}  // namespace
}  // namespace sqpsych
