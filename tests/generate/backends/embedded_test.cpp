#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json_lines.h"
#include "data/sessions/session.h"
#include "tests/generate/support.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;

constexpr const char* kProtocol = R"({
  "strategy": "tiny", "workers": 1,
  "graph": {"order": ["counselor", "client"], "min_turns": {"default": 1}, "max_turns": 2,
            "nudge_after_turn": 2, "on_truncated": "keep"},
  "agents": {
    "counselor": {"speaker": "counselor", "backend": "engine", "prompts": {"default": "prompt.md"},
                  "sampling": {"max_tokens": 12, "temperature": 0.8}},
    "client": {"speaker": "client", "backend": "engine", "prompts": {"default": "prompt.md"},
               "sampling": {"max_tokens": 12, "temperature": 0.8}}},
  "backends": {"engine": {"type": "embedded", "model": "", "chat_template": "none"}}})";

std::vector<Session> sessions_of(const std::filesystem::path& folder, const std::string& run,
                                 const std::vector<std::string>& sets,
                                 std::optional<std::int64_t> limit) {
  const auto file = folder / "tiny.json";
  const auto config = load_config<GenerateConfig>(file, sets);
  RunOptions options;
  options.profiles = folder / "profiles.jsonl";
  options.output = folder / run;
  options.limit = limit;
  run_generation(config, {file.string(), folder}, options);
  std::vector<Session> sessions;
  for (const auto& record : read_json_lines(options.output / "sessions.jsonl")) {
    sessions.push_back(session_from_json(record, "line"));
    for (auto& message : sessions.back().messages) message.seconds = 0;
  }
  return sessions;
}

TEST(Embedded, GivesTheSameSessionsForAnyNumberOfWorkersAndAfterAStop) {
  SQPSYCH_NEED_SHARED(model, "data/tinystories-656k");
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "tiny.json", kProtocol);
  testing::write_text(folder / "prompt.md", "[[system]]\nTalk.\n[[opening]]\nOnce upon a time\n");
  testing::write_text(folder / "profiles.jsonl", testing::profile_lines(4));
  const auto set_model = "backends.engine.model=" + model.string();
  const std::vector<std::string> one{set_model, "backends.engine.threads_per_worker=1"};
  auto two = one;
  two.push_back("workers=2");
  const auto whole = sessions_of(folder.path(), "whole", one, std::nullopt);
  sessions_of(folder.path(), "parts", one, 1);
  const auto parts = sessions_of(folder.path(), "parts", two, std::nullopt);
  ASSERT_EQ(whole.size(), 4U);
  ASSERT_EQ(parts.size(), 4U);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(to_json(whole[i]).dump(), to_json(parts[i]).dump());
    EXPECT_EQ(whole[i].messages.size(), 4U);
    EXPECT_GT(whole[i].messages[0].completion_tokens, 0);
    EXPECT_EQ(whole[i].messages[0].model, "embedded:tinystories-656k");
  }
}

TEST(Embedded, DoesNotGoOnWithOtherWeightsOfTheSameName) {
  SQPSYCH_NEED_SHARED(model, "data/tinystories-656k");
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "tiny.json", kProtocol);
  testing::write_text(folder / "prompt.md", "[[system]]\nTalk.\n[[opening]]\nOnce upon a time\n");
  testing::write_text(folder / "profiles.jsonl", testing::profile_lines(2));
  for (const char* name : {"first", "second"})
    for (const auto& file : std::filesystem::directory_iterator(model))
      if (file.is_regular_file())
        testing::write_text(folder / name / "model" / file.path().filename(),
                            read_file(file.path()));
  auto weights = read_file(folder / "second/model/model.safetensors");
  weights[weights.size() - 4] = static_cast<char>(weights[weights.size() - 4] ^ 1);
  testing::write_text(folder / "second/model/model.safetensors", weights);
  const auto set_model = [&](const char* name) {
    return std::vector<std::string>{"backends.engine.model=" + (folder / name / "model").string()};
  };
  sessions_of(folder.path(), "run", set_model("first"), 1);
  EXPECT_THAT(testing::error_text<ConfigError>(
                  [&] { sessions_of(folder.path(), "run", set_model("second"), std::nullopt); }),
              HasSubstr("model/model.safetensors"));
  EXPECT_EQ(sessions_of(folder.path(), "run", set_model("first"), std::nullopt).size(), 2U);
}

TEST(Embedded, SaysWhatToDoAboutAPromptThatDoesNotFit) {
  SQPSYCH_NEED_SHARED(model, "data/tinystories-656k");
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "profiles.jsonl", testing::profile_lines(1));
  const auto loaded = testing::load_protocol(
      "sqpsych_embedded.json",
      {"backends.engine.model=" + model.string(), "backends.engine.chat_template=chatml"});
  RunOptions options;
  options.profiles = folder / "profiles.jsonl";
  options.output = folder / "run";
  const auto summary = run_generation(loaded.config, loaded.origin, options);
  EXPECT_EQ(summary.exit_code(), ExitCode::kTooManyFailures);
  EXPECT_EQ(summary.failed.at("context_full"), 1);
  EXPECT_THAT(summary.text(), HasSubstr("Take a model with a longer one"));
  const auto record = read_json_lines(folder / "run/sessions.jsonl")[0];
  EXPECT_THAT(record["failure"]["reason"].get<std::string>(),
              HasSubstr("tokens, the model's context holds 512"));
}

}  // namespace
}  // namespace sqpsych
