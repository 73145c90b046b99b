#include "models/chat_templates/template_sources.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "core/json.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_text;

TEST(TemplateSources, StandInTheOrderOfTransformers) {
  TemporaryFolder folder;
  const auto read = [&] { return read_template_sources(folder.path()); };
  EXPECT_FALSE(read().has_default());
  EXPECT_TRUE(read().named.empty());
  write_text(folder / "chat_template.json", R"({"chat_template": "old"})");
  EXPECT_EQ(read().standard, "old");
  write_text(folder / "tokenizer_config.json",
             R"({"chat_template": [{"name": "default", "template": "listed"},
                                   {"name": "rag", "template": "r"}]})");
  EXPECT_EQ(read().standard, "listed");
  EXPECT_EQ(read().named.at("rag"), "r");
  write_text(folder / "tokenizer_config.json",
             R"({"chat_template": "single", "sqpsych_chat_template": "chatml"})");
  EXPECT_EQ(read().standard, "single");
  EXPECT_EQ(read().recorded, "chatml");
  write_text(folder / "chat_template.jinja", "file");
  EXPECT_EQ(read().standard, "file");
  EXPECT_TRUE(read().named.empty());
  write_text(folder / "additional_chat_templates" / "tool_use.jinja", "tools");
  write_text(folder / "additional_chat_templates" / "notes.txt", "no template");
  EXPECT_EQ(read().standard, "file");
  EXPECT_EQ(read().named, (std::map<std::string, std::string>{{"tool_use", "tools"}}));
}

TEST(TemplateSources, RefuseWhatIsNoTemplate) {
  const std::pair<const char*, const char*> broken[] = {
      {R"({"chat_template": 7})", "chat_template: found number"},
      {R"({"chat_template": [7]})", "chat_template: found 7, expected {name, template}"},
      {R"({"chat_template": [{"name": "a"}]})", R"(found {"name":"a"}, expected)"},
      {R"({"chat_template": {"name": "a", "template": "b"}})", "chat_template: found object"},
      {R"({"sqpsych_chat_template": 1})", "sqpsych_chat_template: found number"},
      {"[]", "found array"},
      {"{", "not valid JSON"}};
  for (const auto& [text, expected] : broken) {
    TemporaryFolder folder;
    write_text(folder / "tokenizer_config.json", text);
    const auto error =
        testing::error_text<FormatError>([&] { read_template_sources(folder.path()); });
    EXPECT_THAT(error, HasSubstr("tokenizer_config.json: "));
    EXPECT_THAT(error, HasSubstr(expected));
  }
}

}  // namespace
}  // namespace sqpsych
