#include "models/exporters/gguf_metadata.h"

#include <cmath>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/manifest.h"
#include "core/text.h"
#include "models/codecs/codec.h"
#include "models/exporters/rules/architecture.h"
#include "models/generation_config.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

constexpr std::uint32_t kQuantizationVersion = 2;  // GGML_QNT_VERSION
constexpr float kPaddingScore = -10000.0F;         // what llama.cpp's converter gives padding

/// general.file_type of a file whose matrices all have one type (llama.h, llama_ftype).
std::uint32_t file_type(GgmlType type) {
  switch (type) {
    case GgmlType::kF32:
      return 0;
    case GgmlType::kF16:
      return 1;
    case GgmlType::kQ8_0:
      return 7;
    case GgmlType::kBF16:
      return 32;
  }
  throw BugError("gguf: a type without file_type");
}

/// `key: value` of the front matter that opens a hub model card; empty when there is none.
std::string front_matter(const fs::path& card, std::string_view key) {
  if (!fs::is_regular_file(card)) return "";
  const auto lines = split(read_file(card), "\n");
  if (trim(lines.front()) != "---") return "";
  for (std::size_t i = 1; i < lines.size() && trim(lines[i]) != "---"; ++i)
    if (lines[i].starts_with(std::string(key) + ":"))
      return std::string(trim(std::string_view(lines[i]).substr(key.size() + 1)));
  return "";
}

std::string license_of(const ExportSource& source) {
  const auto& config = source.folder().config();
  if (const auto found = config.find("license"); found != config.end() && found->is_string())
    return found->get<std::string>();
  return front_matter(source.folder().folder() / "README.md", "license");
}

void pad_to_rows(Vocabulary& vocabulary, std::int64_t rows, const std::string& where) {
  const auto count = static_cast<std::int64_t>(vocabulary.tokens.size());
  if (count > rows)
    throw FormatError(
        format("{}: vocabulary: found {} tokens, expected at most the {} rows of the "
               "embedding. Resize the embedding or remove the added tokens.",
               where, count, rows));
  const std::set<std::string> known(vocabulary.tokens.begin(), vocabulary.tokens.end());
  for (auto id = count; id < rows; ++id) {
    auto name = format("[PAD{}]", id);
    while (known.count(name)) name += "_";
    vocabulary.tokens.push_back(name);
    vocabulary.types.push_back(TokenType::kUnused);
    if (!vocabulary.scores.empty()) vocabulary.scores.push_back(kPaddingScore);
  }
}

/// Every id that must end a reply finds a place among eos, eot and eom: runtimes stop at these
/// three and at well-known texts only.
struct EndIds {
  std::optional<TokenId> eos, eot, eom;
};

EndIds end_ids_of(const ExportSource& source, const Vocabulary& vocabulary,
                  const ChatTemplateSource& chat_template, const Tokenizer& tokenizer) {
  EndIds ids{vocabulary.eos, vocabulary.eot, std::nullopt};
  const auto rows = static_cast<std::int64_t>(vocabulary.tokens.size());
  const auto path = source.folder().folder().string();
  auto wanted =
      end_token_ids(source.folder().generation_config(), rows, path + ": generation_config.json");
  for (auto id : end_token_ids(source.config(), rows, path + ": config.json")) wanted.push_back(id);
  if (!chat_template.terminator.empty()) {
    const auto id = tokenizer.id_of(chat_template.terminator);
    if (id && tokenizer.is_control(*id))
      ids.eot = id;
    else
      log_warning(
          format("export: chat template: its turn terminator '{}' is no control token of "
                 "this vocabulary, so runtimes cannot stop there by id.",
                 chat_template.terminator));
  }
  for (auto id : wanted) {
    if (id == ids.eos || id == ids.eot || id == ids.eom) continue;
    if (!ids.eos)
      ids.eos = id;
    else if (!ids.eot || ids.eot == ids.eos)
      ids.eot = id;
    else if (!ids.eom)
      ids.eom = id;
    else
      log_warning(format("export: end token {} has no place left in the file.", id));
  }
  return ids;
}

void write_chat_template(const ChatTemplateSource& source, GgufWriter& writer) {
  if (!source.jinja.empty()) writer.set("tokenizer.chat_template", source.jinja);
  std::vector<std::string> names;
  for (const auto& [name, text] : source.named) {
    names.push_back(name);
    writer.set("tokenizer.chat_template." + name, text);
  }
  if (!names.empty()) writer.set("tokenizer.chat_templates", names);
}

}  // namespace

GgmlType ggml_type_of(const std::string& name) {
  const auto* codec = codec_by_name(name);
  SQPSYCH_CHECK(codec != nullptr);
  return static_cast<GgmlType>(codec->ggml_type());
}

std::string harmless_name(const std::string& name, const Tokenizer& tokenizer) {
  auto harmless = name;
  if (find_quirky_name(name) == std::string::npos) return name;
  const auto missing = tokens_missing_for_quirks(tokenizer.vocabulary().tokens);
  if (missing.empty()) return name;
  for (auto at = find_quirky_name(harmless); at != std::string::npos;
       at = find_quirky_name(harmless)) {
    const auto digit = harmless.find('3', at);
    harmless = harmless.substr(0, at + 3) + " " + harmless.substr(digit);
  }
  log_warning(
      format("export: general.name: '{}' is written as '{}': llama.cpp looks up {} for that name, "
             "and the vocabulary has not all of them.",
             name, harmless, quoted_list(missing)));
  return harmless;
}

std::string size_label(std::int64_t parameters) {
  static constexpr std::pair<double, char> kUnits[] = {
      {1e12, 'T'}, {1e9, 'B'}, {1e6, 'M'}, {1e3, 'K'}};
  for (const auto& [unit, letter] : kUnits) {
    const auto scaled = static_cast<double>(parameters) / unit;
    if (scaled < 1 && unit > 1e3) continue;
    return scaled < 9.95 ? format("{:.1f}{}", scaled, letter) : format("{:.0f}{}", scaled, letter);
  }
  return "";
}

void write_general_keys(const ExportSource& source, const Tokenizer& tokenizer, GgmlType type,
                        GgufWriter& writer) {
  writer.set("general.architecture", source.family().gguf_architecture());
  writer.set("general.type", std::string("model"));
  writer.set("general.name", harmless_name(source.name(), tokenizer));
  writer.set("general.size_label", size_label(source.parameter_count()));
  if (const auto license = license_of(source); !license.empty())
    writer.set("general.license", license);
  std::string description = format("Exported by sqpsych {}", version());
  if (const auto& adapter = source.adapter()) {
    const auto name = fs::weakly_canonical(adapter->folder).filename().string();
    description += format(" with the LoRA adapter '{}' merged in", name);
    writer.set("general.finetune", name);
    writer.set("general.base_model.count", std::uint32_t{1});
    writer.set("general.base_model.0.name", source.name());
  }
  writer.set("general.description", description);
  writer.set("general.file_type", file_type(type));
  writer.set("general.quantization_version", kQuantizationVersion);
}

void write_vocabulary_keys(const ExportSource& source, const ChatTemplateSource& chat_template,
                           const Tokenizer& tokenizer, GgufWriter& writer) {
  auto vocabulary = tokenizer.vocabulary();
  pad_to_rows(vocabulary, source.features().vocabulary_size, source.folder().folder().string());
  std::vector<std::int32_t> types;
  for (auto type : vocabulary.types) types.push_back(static_cast<std::int32_t>(type));
  writer.set("tokenizer.ggml.model", vocabulary.model);
  if (!vocabulary.pre.empty()) writer.set("tokenizer.ggml.pre", vocabulary.pre);
  writer.set("tokenizer.ggml.tokens", vocabulary.tokens);
  if (!vocabulary.scores.empty()) writer.set("tokenizer.ggml.scores", vocabulary.scores);
  writer.set("tokenizer.ggml.token_type", types);
  if (!vocabulary.merges.empty()) {
    writer.set("tokenizer.ggml.merges", vocabulary.merges);
  } else {
    writer.set("tokenizer.ggml.add_space_prefix", vocabulary.add_space_prefix);
  }
  const auto ends = end_ids_of(source, vocabulary, chat_template, tokenizer);
  const auto set_id = [&](const char* name, std::optional<TokenId> id) {
    if (id) writer.set(format("tokenizer.ggml.{}_token_id", name), static_cast<std::uint32_t>(*id));
  };
  set_id("bos", vocabulary.bos);
  set_id("eos", ends.eos);
  set_id("eot", ends.eot);
  set_id("eom", ends.eom);
  set_id("unknown", vocabulary.unknown);
  set_id("padding", vocabulary.padding);
  writer.set("tokenizer.ggml.add_bos_token", vocabulary.add_bos);
  writer.set("tokenizer.ggml.add_eos_token", vocabulary.add_eos);
  write_chat_template(chat_template, writer);
}

}  // namespace sqpsych
