#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json_lines.h"
#include "core/text.h"
#include "models/chat_templates/chat_template.h"
#include "tests/models/chat_templates/tiny_tokenizer.h"
#include "tests/support/shared_data.h"
#include "tests/support/source_path.h"

/// Goldens are what transformers prints (scripts/make_template_goldens.py). Templates of published
/// models are read from the folder of real inputs.
namespace sqpsych {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

fs::path here() { return testing::source_path("tests/models/chat_templates"); }

std::vector<std::string> golden_names(bool own) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(here() / "goldens")) {
    const auto name = entry.path().stem().string();
    if (name != "language" && name.starts_with("own_") == own) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Conversation conversation_of(const Json& json) {
  Conversation messages;
  for (const auto& message : json)
    messages.push_back({message[0].get<std::string>(), message[1].get<std::string>(), {}});
  return messages;
}

std::unique_ptr<ChatTemplate> template_of(const Json& golden, const std::string& source) {
  const auto tokenizer = testing::tiny_tokenizer(golden["special_tokens"]);
  ChatTemplateOptions options;
  options.chat_template_kwargs = golden["variables"];
  TemplateSources sources;
  sources.standard = source;
  return choose_chat_template(options, sources, *tokenizer);
}

void expect_golden(const Json& golden, const std::string& source) {
  const auto chat_template = template_of(golden, source);
  int rendered = 0;
  for (const auto& entry : golden["cases"]) {
    const auto messages = conversation_of(entry["conversation"]);
    const bool prompt = entry["prompt"].get<bool>();
    SCOPED_TRACE(entry["conversation"].dump() + (prompt ? " with prompt" : ""));
    try {
      const auto rendering = chat_template->render(messages, prompt);
      ASSERT_TRUE(entry.contains("text")) << "transformers refuses: " << entry["refused"];
      EXPECT_EQ(rendering.text, entry["text"].get<std::string>());
      ++rendered;
    } catch (const ConfigError& error) {
      ASSERT_TRUE(entry.contains("refused")) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(entry["refused"].get<std::string>()));
      EXPECT_THAT(error.what(), HasSubstr(": message "));
    }
  }
  EXPECT_GE(rendered, 12);
}

TEST(TemplateGoldens, OwnTemplatesPrintWhatTransformersPrints) {
  const auto names = golden_names(true);
  ASSERT_GE(names.size(), 7U);
  for (const auto& name : names) {
    SCOPED_TRACE(name);
    const auto golden = read_json(here() / "goldens" / (name + ".json"));
    const auto file = here() / "templates" / (golden["template"].get<std::string>() + ".jinja");
    expect_golden(golden, read_file(file));
  }
}

TEST(TemplateGoldens, PublishedTemplatesPrintWhatTransformersPrints) {
  SQPSYCH_NEED_SHARED(data, "data");
  const auto names = golden_names(false);
  ASSERT_GE(names.size(), 7U);
  for (const auto& name : names) {
    SCOPED_TRACE(name);
    const auto golden = read_json(here() / "goldens" / (name + ".json"));
    const auto config = read_json(data / golden["source"].get<std::string>());
    expect_golden(golden, config["chat_template"].get<std::string>());
  }
}

}  // namespace
}  // namespace sqpsych
