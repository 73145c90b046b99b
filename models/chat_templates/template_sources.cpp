#include "models/chat_templates/template_sources.h"

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/json_members.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

using tokenizers::text_or;
using tokenizers::value_or_null;

Json object_in(const fs::path& file) {
  if (!fs::is_regular_file(file)) return Json::object();
  auto document = read_json(file);
  if (document.is_object()) return document;
  throw FormatError(format("{}: found {}, expected a JSON object. The file is damaged.",
                           file.string(), document.type_name()));
}

void add(const std::string& name, std::string text, TemplateSources& sources) {
  (name == "default" ? sources.standard : sources.named[name]) = std::move(text);
}

/// `chat_template` is a text, or a list of {name, template}.
void read_value(const Json& value, const std::string& where, TemplateSources& sources) {
  if (value.is_null()) return;
  if (value.is_string()) return add("default", value.get<std::string>(), sources);
  if (!value.is_array())
    throw FormatError(format("{}: chat_template: found {}, expected a text or a list of them.",
                             where, value.type_name()));
  for (const auto& entry : value) {
    const bool is_pair = entry.is_object();
    const auto name = is_pair ? text_or(entry, "name", "", where) : "";
    const auto text = is_pair ? text_or(entry, "template", "", where) : "";
    if (name.empty() || text.empty())
      throw FormatError(format("{}: chat_template: found {}, expected {{name, template}}.", where,
                               entry.dump().substr(0, 200)));
    add(name, text, sources);
  }
}

void read_jinja_files(const fs::path& folder, TemplateSources& sources) {
  if (const auto file = folder / "chat_template.jinja"; fs::is_regular_file(file))
    sources.standard = read_file(file);
  const auto additional = folder / "additional_chat_templates";
  if (!fs::is_directory(additional)) return;
  for (const auto& entry : fs::directory_iterator(additional))
    if (entry.path().extension() == ".jinja")
      add(entry.path().stem().string(), read_file(entry.path()), sources);
}

}  // namespace

TemplateSources read_template_sources(const fs::path& folder) {
  TemplateSources sources;
  sources.where = folder.string();
  const auto config_path = folder / "tokenizer_config.json";
  const auto config = object_in(config_path);
  sources.recorded = text_or(config, "sqpsych_chat_template", "", config_path.string());
  read_jinja_files(folder, sources);
  if (!sources.standard.empty() || !sources.named.empty()) return sources;
  read_value(value_or_null(config, "chat_template"), config_path.string(), sources);
  if (!sources.standard.empty() || !sources.named.empty()) return sources;
  const auto old_path = folder / "chat_template.json";
  read_value(value_or_null(object_in(old_path), "chat_template"), old_path.string(), sources);
  return sources;
}

}  // namespace sqpsych
