#include "evaluate/reports/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "core/manifest.h"
#include "data/datasets/dataset_row.h"
#include "data/profiles/profile.h"
#include "data/sessions/session.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHostile =
    "</p><script>alert(1)</script>\"'&<img src=http://example.org/x onerror=1>";

Session make_session(const std::string& id, const std::string& stop_reason,
                     const std::string& text) {
  Session session;
  session.id = id;
  session.client_id = "c-" + id;
  session.strategy = "two_agents";
  session.status = stop_reason == "failed" ? "failed" : "complete";
  session.stop_reason = stop_reason;
  for (const char* speaker : {"counselor", "client"}) {
    SessionMessage message;
    message.speaker = speaker;
    message.agent = speaker;
    message.text = text;
    message.model = "scripted";
    session.messages.push_back(message);
  }
  if (session.status == "failed")
    session.failure = SessionFailure{"backend", "timeout " + std::string(kHostile)};
  return session;
}

std::string line(const Json& record) { return record.dump() + "\n"; }

/// Output folders of all commands with text that wants to be markup.
class ReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Profile profile;
    profile.client_id = "c-1";
    profile.occasion = "1";
    profile.language = "en";
    profile.questionnaires = {{"phq9", "1", "self", {}, {{"total", 12.0, "moderate", 0, false}}}};
    testing::write_text(folder_ / "profiles" / "profiles.jsonl", line(to_json(profile)));
    testing::write_text(
        folder_ / "sessions" / "sessions.jsonl",
        line(to_json(make_session("s1", "end_token", std::string("quince ") + kHostile))) +
            line(to_json(make_session("s2", "failed", "half a session"))));
    DatasetRow row;
    row.id = "r1";
    row.client_id = "c-1";
    row.messages = {{"user", "hello", {}}, {"assistant", "good day", {}}};
    testing::write_text(folder_ / "dataset" / "train.jsonl",
                        line(to_json(row)) + line(to_json(row)));
    testing::write_text(folder_ / "dataset" / "validation.jsonl", line(to_json(row)));
    testing::write_text(
        folder_ / "run" / "metrics.jsonl",
        "{\"eval_loss\":4.25,\"step\":0}\n{\"loss\":3.5,\"learning_rate\":0.001,\"step\":1}\n"
        "{\"loss\":2.5,\"learning_rate\":0.0005,\"step\":2}\n{\"eval_loss\":2.125,\"step\":2}\n");
    testing::write_text(folder_ / "run" / "samples.jsonl",
                        sample(0, "zebra zebra") + sample(2, kHostile));
    Manifest manifest;
    manifest.command = std::string("sqpsych generate ") + kHostile;
    manifest.config = {{"key", kHostile}};
    manifest.extra = {{"counts", {{"skipped", 7}}}, {"nested", {{"a", {1, 2}}}}};
    write_manifest(folder_ / "sessions", manifest);
  }

  static std::string sample(int step, const std::string& reply) {
    return line({{"schema", "sqpsych.sample/1"},
                 {"step", step},
                 {"id", "r1"},
                 {"prompt", {{{"role", "user"}, {"content", "I sleep badly."}}}},
                 {"reply", reply},
                 {"reference", "Tell me more."}});
  }

  std::string written(const std::vector<std::string>& names, std::int64_t samples) {
    ReportRequest request;
    for (const auto& name : names) request.sources.push_back(folder_ / name);
    request.config.report.samples = samples;
    request.output = folder_ / "report.html";
    request.existing = Existing::kOverwrite;
    write_report(request);
    return read_file(request.output);
  }

  testing::TemporaryFolder folder_;
};

TEST_F(ReportTest, ShowsCountsOfEveryKindInPipelineOrder) {
  const auto page = written({"run", "dataset", "sessions", "profiles"}, 0);
  const auto profiles = page.find("<h2>Profiles"), sessions = page.find("<h2>Sessions"),
             dataset = page.find("<h2>Dataset"), training = page.find("<h2>Training");
  ASSERT_NE(profiles, std::string::npos);
  EXPECT_LT(profiles, sessions);
  EXPECT_LT(sessions, dataset);
  EXPECT_LT(dataset, training);
  EXPECT_NE(training, std::string::npos);
  for (const char* part :
       {"moderate", "end_token", "timeout", "4.25", "2.125", "counts: skipped", "step 2"})
    EXPECT_THAT(page, HasSubstr(part));
}

TEST_F(ReportTest, BandsStandInTheOrderOfSeverity) {
  std::string lines;
  const std::vector<std::pair<double, const char*>> scores = {
      {22, "severe"},   {21, "severe"},   {23, "severe"}, {2, "minimal"},
      {11, "moderate"}, {12, "moderate"}, {6, "mild"}};
  for (const auto& [value, band] : scores) {
    Profile profile;
    profile.client_id = format("c-{}", value);
    profile.occasion = "1";
    profile.language = "en";
    profile.questionnaires = {{"phq9", "1", "self", {}, {{"total", value, band, 0, false}}}};
    lines += line(to_json(profile));
  }
  testing::write_text(folder_ / "profiles" / "profiles.jsonl", lines);
  const auto page = written({"profiles"}, 0);
  std::size_t before = 0;
  for (const char* band : {">minimal<", ">mild<", ">moderate<", ">severe<"}) {
    const auto place = page.find(band);
    ASSERT_NE(place, std::string::npos) << band;
    EXPECT_GT(place, before) << band;
    before = place;
  }
}

TEST_F(ReportTest, ShowsWhatARunningOrKilledTrainingHasLogged) {
  testing::write_text(folder_ / "run" / "metrics.jsonl",
                      "{\"loss\":3.5,\"step\":1}\n{\"loss\":2.5,\"step\":2}\n{\"loss\":2.25,\"st");
  const auto page = written({"run"}, 0);
  EXPECT_THAT(page, HasSubstr("2.5"));
  EXPECT_THAT(page, Not(HasSubstr("2.25")));
}

TEST_F(ReportTest, ShowsSessionTextOnlyWhenAsked) {
  const std::vector<std::string> all = {"sessions", "run"};
  const auto without = written(all, 0);
  for (const char* secret :
       {"alert(1)&lt;/script&gt;&quot;&#39;&amp;&lt;img "
        "src=http://example.org/x onerror=1&gt;</div>",
        "quince", "zebra", "I sleep badly", "half a session", "shows session text"})
    EXPECT_THAT(without, Not(HasSubstr(secret)));
  const auto with = written(all, 3);
  for (const char* part : {"shows session text", "quince", "zebra zebra", "I sleep badly",
                           "Tell me more.", "reply before (step 0)", "reply after (step 2)"})
    EXPECT_THAT(with, HasSubstr(part));
  EXPECT_THAT(with, Not(HasSubstr("half a session")));
}

TEST_F(ReportTest, APageWithSessionTextIsPrivate) {
  const mode_t before = umask(022);
  written({"sessions"}, 1);
  umask(before);
  struct stat status = {};
  ASSERT_EQ(stat((folder_ / "report.html").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(ReportTest, EscapesEverything) {
  const auto page = written({"sessions", "run"}, 3);
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
}

TEST_F(ReportTest, RefersToNothingOutside) {
  const auto page = written({"profiles", "sessions", "dataset", "run"}, 0);
  EXPECT_THAT(page, Not(ContainsRegex("<[^>]*(src|href)|url[(]|@import")));
}

TEST_F(ReportTest, NamesASourceThatIsNone) {
  std::filesystem::create_directories(folder_ / "empty");
  const auto error = [&](const char* source) {
    return testing::error_text<ConfigError>([&] { written({source}, 0); });
  };
  EXPECT_THAT(error("absent"), HasSubstr("absent': found nothing"));
  EXPECT_THAT(error("empty"), HasSubstr("empty': found none of the files a report is made of"));
}

TEST_F(ReportTest, DoesNotReplaceAPageSilently) {
  written({"run"}, 0);
  ReportRequest request;
  request.sources = {folder_ / "run"};
  request.output = folder_ / "report.html";
  EXPECT_THROW(write_report(request), ConfigError);
}

TEST(Reports, HaveDistinctNames) {
  std::set<std::string> names;
  for (const auto* report : reports()) {
    EXPECT_TRUE(names.insert(report->name()).second) << report->name();
    EXPECT_FALSE(report->recognised_by().empty());
  }
  EXPECT_GE(names.size(), 5u);
}

}  // namespace
}  // namespace sqpsych
