#include "models/weights/tokenizer_files.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "core/json_lines.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;
using testing::write_text;

TEST(TokenizerFiles, AreCopiedByteForByteAndNothingElse) {
  const TemporaryFolder folder;
  for (const char* name : {"tokenizer.json", "merges.txt", "chat_template.jinja",
                           "additional_chat_templates/tool_use.jinja", "model.safetensors"})
    write_text(folder / "from" / name, std::string(name) + "\r\n\n");
  fs::permissions(folder / "from/tokenizer.json", fs::perms::owner_read);
  fs::create_directories(folder / "to");
  copy_tokenizer_files(folder / "from", folder / "to");
  for (const char* name : {"tokenizer.json", "merges.txt", "chat_template.jinja",
                           "additional_chat_templates/tool_use.jinja"})
    EXPECT_EQ(read_file(folder / "to" / name), std::string(name) + "\r\n\n");
  EXPECT_FALSE(fs::exists(folder / "to/model.safetensors"));
  EXPECT_NE(fs::status(folder / "to/tokenizer.json").permissions() & fs::perms::owner_write,
            fs::perms::none);
}

TEST(TokenizerFiles, ARecordedTemplateIsTheOnlyOne) {
  const TemporaryFolder folder;
  write_text(folder / "tokenizer_config.json",
             R"({"add_bos_token": true, "chat_template": "old"})");
  for (const char* name :
       {"chat_template.jinja", "chat_template.json", "additional_chat_templates/tool_use.jinja"})
    write_text(folder / name, "old");
  record_chat_template(folder.path(), "chatml", "{{ new }}");
  const Json config = read_json(folder / "tokenizer_config.json");
  EXPECT_EQ(config["add_bos_token"], true);
  EXPECT_EQ(config["chat_template"], "{{ new }}");
  EXPECT_EQ(config["sqpsych_chat_template"], "chatml");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace sqpsych
