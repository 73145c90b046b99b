#include "models/weights/tokenizer_files.h"

#include "core/files.h"
#include "core/json_lines.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

constexpr const char* kFiles[] = {
    "tokenizer.json",     "tokenizer.model",    "tokenizer_config.json",
    "added_tokens.json",  "vocab.json",         "special_tokens_map.json",
    "merges.txt",         "encoder.json",       "vocab.bpe",
    "chat_template.json", "chat_template.jinja"};
constexpr const char* kFurtherTemplates = "additional_chat_templates";

}  // namespace

void copy_tokenizer_files(const fs::path& from, const fs::path& to) {
  for (const char* name : kFiles)
    if (fs::is_regular_file(from / name)) write_file_atomic(to / name, read_file(from / name));
  if (!fs::is_directory(from / kFurtherTemplates)) return;
  fs::create_directories(to / kFurtherTemplates);
  for (const auto& entry : fs::directory_iterator(from / kFurtherTemplates))
    if (entry.is_regular_file())
      write_file_atomic(to / kFurtherTemplates / entry.path().filename(), read_file(entry.path()));
}

void record_chat_template(const fs::path& folder, const std::string& built_in_name,
                          const std::string& jinja_source) {
  for (const char* outranking : {"chat_template.jinja", "chat_template.json", kFurtherTemplates})
    fs::remove_all(folder / outranking);
  const auto path = folder / "tokenizer_config.json";
  Json config = fs::exists(path) ? read_json(path) : Json::object();
  config.erase("chat_template");
  if (!jinja_source.empty()) config["chat_template"] = jinja_source;
  config.erase("sqpsych_chat_template");
  if (!built_in_name.empty()) config["sqpsych_chat_template"] = built_in_name;
  write_file_atomic(path, config.dump(2) + "\n");
}

}  // namespace sqpsych
