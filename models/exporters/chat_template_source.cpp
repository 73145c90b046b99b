#include "models/exporters/chat_template_source.h"

#include "core/error.h"
#include "core/files.h"
#include "core/json_lines.h"
#include "core/text.h"
#include "models/chat_templates/chat_template.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

constexpr const char* kRecorded = "sqpsych_chat_template";

Json object_of(const fs::path& path) {
  if (!fs::is_regular_file(path)) return Json::object();
  auto document = read_json(path);
  if (document.is_object()) return document;
  throw FormatError(format("{}: found {}, expected a JSON object. The file is damaged.",
                           path.string(), document.type_name()));
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

ChatTemplateSource builtin_source(const std::string& name, const Tokenizer& tokenizer) {
  const auto chat_template = make_chat_template(name, tokenizer);
  ChatTemplateSource source;
  source.builtin = chat_template->name();
  source.jinja = chat_template->jinja_source();
  source.terminator = chat_template->terminator();
  return source;
}

/// `chat_template` is one source, or a list of {name, template}.
ChatTemplateSource source_of(const Json& value, const fs::path& where) {
  ChatTemplateSource source;
  if (value.is_string()) source.jinja = value.get<std::string>();
  if (!value.is_array()) return source;
  for (const auto& entry : value) {
    const auto name = entry.is_object() ? text_of(entry, "name") : "";
    const auto text = entry.is_object() ? text_of(entry, "template") : "";
    if (name.empty() || text.empty())
      throw FormatError(format("{}: chat_template: found {}, expected {{name, template}}.",
                               where.string(), entry.dump()));
    (name == "default" ? source.jinja : source.named[name]) = text;
  }
  return source;
}

/// The first of the places where Hugging Face keeps Jinja sources that has one.
ChatTemplateSource folder_source(const fs::path& folder) {
  ChatTemplateSource source;
  if (const auto file = folder / "chat_template.jinja"; fs::is_regular_file(file)) {
    source.jinja = read_file(file);
    const auto additional = folder / "additional_chat_templates";
    if (fs::is_directory(additional))
      for (const auto& entry : fs::directory_iterator(additional))
        if (entry.path().extension() == ".jinja")
          source.named[entry.path().stem().string()] = read_file(entry.path());
    return source;
  }
  for (const char* name : {"tokenizer_config.json", "chat_template.json"}) {
    const auto document = object_of(folder / name);
    if (document.contains("chat_template"))
      source = source_of(document["chat_template"], folder / name);
    if (!source.jinja.empty() || !source.named.empty()) return source;
  }
  return source;
}

}  // namespace

ChatTemplateSource find_chat_template(const ChatTemplateSearch& search,
                                      const Tokenizer& tokenizer) {
  if (!search.configured.empty()) return builtin_source(search.configured, tokenizer);
  const auto recorded_in = [](const fs::path& folder) {
    return text_of(object_of(folder / "tokenizer_config.json"), kRecorded);
  };
  if (search.adapter)
    if (const auto name = recorded_in(*search.adapter); !name.empty())
      return builtin_source(name, tokenizer);
  const auto recorded = recorded_in(search.model);
  auto source = folder_source(search.model);
  if (recorded.empty()) return source;
  if (source.jinja.empty()) return builtin_source(recorded, tokenizer);
  source.terminator = make_chat_template(recorded, tokenizer)->terminator();
  return source;
}

}  // namespace sqpsych
