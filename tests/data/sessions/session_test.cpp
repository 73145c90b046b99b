#include "data/sessions/session.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "core/json_lines.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::AllOf;
using testing::error_text;
using ::testing::HasSubstr;

Session example() {
  Session session;
  session.id = "s1";
  session.client_id = "c1";
  session.occasion = "intake";
  session.strategy = "sqpsych";
  session.replicate = 2;
  session.seed = 9223372036854775807ULL;
  session.status = "failed";
  session.stop_reason = "refused";
  SessionMessage message;
  message.speaker = "counselor";
  message.text = "Hello, Zoë.";
  message.agent = "therapist";
  message.sampling = {{"temperature", 0.7}};
  message.seed = 12;
  message.steps = {{{"plan", "greet"}}};
  message.unknown = {{"mood", "calm"}};
  session.messages = {message};
  session.risk = {{"positive", true}};
  session.failure = SessionFailure{"client", "timeout"};
  session.unknown = {{"group", "mdd"}};
  return session;
}

TEST(Session, SurvivesWritingAndReading) {
  const Json record = to_json(example());
  EXPECT_EQ(record["schema"], "sqpsych.session/1");
  EXPECT_EQ(to_json(session_from_json(parse_json(record.dump(), "x"), "x")), record);
}

TEST(Session, KeepsUnknownKeys) {
  const Session session = session_from_json(to_json(example()), "x");
  EXPECT_EQ(session.unknown["group"], "mdd");
  EXPECT_EQ(session.messages[0].unknown["mood"], "calm");
}

struct BadSession {
  const char* path;  // JSON pointer of what is replaced
  Json value;
  const char* message;
};

TEST(Session, NamesWhatIsWrong) {
  const BadSession table[] = {
      {"/schema", "sqpsych.profile/1", "sqpsych.session/1"},
      {"/id", 7, "id: found the number 7, expected a text"},
      {"/client_id", "", "client_id: found an empty text"},
      {"/replicate", "two", "replicate: found a text, expected a whole number"},
      {"/seed", -1, "seed: found the number -1"},
      {"/status", "done", "status: found 'done', expected one of 'complete', 'failed'"},
      {"/stop_reason", "tired", "stop_reason: found 'tired'"},
      {"/messages", "none", "messages: found a text, expected a list"},
      {"/messages/0", 1, "messages[0]: found the number 1, expected an object"},
      {"/messages/0/speaker", "narrator", "messages[0]: speaker: found 'narrator'"},
      {"/messages/0/text", nullptr, "messages[0]: text: found nothing"},
      {"/messages/0/steps", "x", "messages[0]: steps: found a text, expected a list"},
      {"/risk", true, "risk: found true, expected an object"},
      {"/failure/reason", 3, "failure: reason: found the number 3"},
  };
  for (const auto& bad : table) {
    Json record = to_json(example());
    record[Json::json_pointer(bad.path)] = bad.value;
    EXPECT_THAT(error_text<FormatError>([&] { session_from_json(record, "f.jsonl:3"); }),
                AllOf(HasSubstr("f.jsonl:3: "), HasSubstr(bad.message)))
        << bad.path;
  }
}

TEST(Session, FileRefusesAnIdTwice) {
  const testing::TemporaryFolder folder;
  const std::string line = to_json(example()).dump() + "\n";
  testing::write_text(folder / "sessions.jsonl", line + line);
  EXPECT_THAT(error_text<FormatError>([&] { read_sessions(folder / "sessions.jsonl"); }),
              HasSubstr(":2: id: found 's1' a second time"));
}

}  // namespace
}  // namespace sqpsych
