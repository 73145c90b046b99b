#include "core/text.h"
#include "data/datasets/dataset.h"

namespace sqpsych {

namespace {

/// A quoted YAML scalar: unquoted, the language code `no` would be false.
std::string yaml_text(const std::string& text) { return Json(text).dump(); }

std::string size_category(std::int64_t rows) {
  if (rows < 1000) return "n<1K";
  if (rows < 10'000) return "1K<n<10K";
  if (rows < 100'000) return "10K<n<100K";
  return rows < 1'000'000 ? "100K<n<1M" : "1M<n<10M";
}

std::string front_matter(const Dataset& dataset, const DatasetConfig& config) {
  std::string text = "---\n";
  text += format("license: {}\n", yaml_text(config.card.licence));
  text += "language:\n";
  std::vector<std::string> languages = dataset.languages;
  if (languages.empty()) languages.push_back(config.card.language);
  for (const auto& language : languages) text += format("- {}\n", yaml_text(language));
  text += format("pretty_name: {}\n", yaml_text(config.card.name));
  text += "task_categories:\n- text-generation\ntags:\n- counseling\n- sft\n";
  text += format("size_categories:\n- {}\n", size_category(dataset.report.rows()));
  // An empty file has no columns, so the hub's reader would refuse it beside the others.
  text += "configs:\n- config_name: default\n  data_files:\n";
  for (std::size_t i = 0; i < kSplitNames.size(); ++i)
    if (!dataset.splits[i].empty())
      text += format("  - split: {0}\n    path: {0}.jsonl\n", kSplitNames[i]);
  return text + "---\n\n";
}

std::string count_table(const DatasetReport& report) {
  std::string text =
      "| split | clients | sessions | rows | replies trained on | utterances also in train |\n"
      "|---|---|---|---|---|---|\n";
  for (std::size_t i = 0; i < kSplitNames.size(); ++i) {
    const SplitCounts& counts = report.splits[i];
    text += format("| {} | {} | {} | {} | {} | {} |\n", kSplitNames[i], counts.clients,
                   counts.sessions, counts.rows, counts.replies,
                   i == 0 ? std::string("-") : format("{:.1f} %", 100 * counts.seen_in_train));
  }
  return text;
}

std::string row_section(const DatasetConfig& config) {
  if (config.rows == "raw")
    return "One row per counselor turn: `prompt` and `completion` are plain text; their "
           "concatenation is "
           "what is trained on, all of it (a trainer that masks prompts must be told not to).\n";
  if (config.rows == "turn")
    return "One row per counselor turn in OpenAI `messages`; `weight` is 1 for the last reply, 0 "
           "for "
           "everything in front of it. A trainer that knows no weights must train on the last "
           "reply only "
           "(LLaMA-Factory: `mask_history: true`).\n";
  return "One row per session in OpenAI `messages`: counselor -> assistant, client -> user. Every "
         "assistant message is trained on, unless it has `weight` 0.\n";
}

std::string split_section(const SplitConfig& split) {
  if (split.by == "column")
    return format("The splits are those of the source (field `{}`).", split.column);
  if (split.by == "list") return "The splits follow lists of clients.";
  return format(
      "A client's split is a hash of client_id and seed {}: removing one client moves nobody. "
      "Shares: "
      "validation {}, test {}.",
      split.seed, split.validation, split.test);
}

std::string preparation_section(const DatasetReport& report) {
  std::string text =
      format("{} records were read: {} sessions of {} clients, {} unreadable records.\n\n",
             with_thousands(report.records), with_thousands(report.sessions),
             with_thousands(report.clients), with_thousands(std::ssize(report.bad)));
  text += "| what was done | count |\n|---|---|\n";
  for (const auto& [change, count] : report.changes) text += format("| {} | {} |\n", change, count);
  for (const auto& [filter, count] : report.dropped_by_filter)
    text += format("| sessions left out: {} | {} |\n", filter, count);
  text +=
      format("| share of utterances that repeat an earlier one of the same speaker | {:.3f} |\n",
             report.repeated_share);
  return text +
         "\n`dropped.jsonl` names every record and session that was left out, with its reason.\n";
}

std::string sources_section(const DatasetReport& report, const CardConfig& card) {
  std::string text = card.source.empty() ? "" : card.source + "\n\n";
  for (const auto& [file, importer] : report.formats)
    text += format("- {} (format {})\n", std::filesystem::path(file).filename().string(), importer);
  return text + format("\nLicence: {}. The licences of the sources apply.\n", card.licence);
}

constexpr const char* kLimits =
    "For research and education only: not for patients, not for crises, not for diagnosis. "
    "Sessions may be "
    "synthetic, translated, acted or crowd-sourced; they can hold errors, stereotypes and advice "
    "without "
    "evidence. They do not show how a crisis is handled. Keep a professional in the loop, ask your "
    "ethics "
    "board, say that an AI speaks. `client_id` is a pseudonym: it keeps all data of one person "
    "together, so "
    "that they can be removed.\n";

}  // namespace

std::string data_card(const Dataset& dataset, const DatasetConfig& config) {
  const DatasetReport& report = dataset.report;
  std::string text = front_matter(dataset, config);
  text += format("# {}\n\n", config.card.name);
  text += count_table(report) + "\n";
  text += "No client is in two splits. " + split_section(config.split) + "\n\n";
  text += "## Rows\n\n" + row_section(config) +
          "\nEvery row has `id`, `client_id` and `meta` with the same keys and types in every "
          "split.\n\n";
  text += "## Preparation\n\n" + preparation_section(report) + "\n";
  text += "## Sources\n\n" + sources_section(report, config.card) + "\n";
  text += "## Limits\n\n";
  text += kLimits;
  return text;
}

Json dataset_info(const Dataset& dataset, const DatasetConfig& config) {
  Json info = Json::object();
  for (std::size_t i = 0; i < kSplitNames.size(); ++i) {
    if (dataset.splits[i].empty()) continue;
    Json entry = {{"file_name", std::string(kSplitNames[i]) + ".jsonl"}};
    if (config.rows == "raw") {
      entry["columns"] = {{"prompt", "prompt"}, {"response", "completion"}};
    } else {
      entry["formatting"] = "sharegpt";
      entry["columns"] = {{"messages", "messages"}};
      entry["tags"] = {{"role_tag", "role"},
                       {"content_tag", "content"},
                       {"user_tag", "user"},
                       {"assistant_tag", "assistant"},
                       {"system_tag", "system"}};
    }
    info[format("{}_{}", config.card.name, kSplitNames[i])] = std::move(entry);
  }
  return info;
}

}  // namespace sqpsych
