#include "evaluate/reports/report.h"

#include <algorithm>
#include <set>

#include "core/json_lines.h"
#include "core/manifest.h"
#include "core/text.h"

namespace sqpsych {

// One function per kind, each defined in its own file; in the order of the pipeline.
const Report& profiles_report();
const Report& sessions_report();
const Report& dataset_report();
const Report& training_report();
const Report& model_report();

std::vector<const Report*> reports() {
  return {&profiles_report(), &sessions_report(), &dataset_report(), &training_report(),
          &model_report()};
}

namespace {

constexpr const char* kBanner = "For research and education; not for patients, not for crises.";
constexpr const char* kSampleBanner =
    "This page shows session text. It was written by the agents and models named beside it, and "
    "may "
    "follow the answers of real people: treat it as you treat their answers.";

ReportSource open_source(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path))
    throw ConfigError(
        format("report: '{}': found nothing, expected a folder or file of an earlier command.",
               path.string()));
  ReportSource source{path, Json::object()};
  if (source.has("manifest.json")) source.manifest = read_json(path / "manifest.json");
  return source;
}

/// Index of the kind in reports(), which is also the order on the page.
std::size_t kind_of(const ReportSource& source) {
  const auto kinds = reports();
  std::string known;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i]->knows(source)) return i;
    known +=
        format("{}{} ({})", known.empty() ? "" : ", ", kinds[i]->name(), kinds[i]->recognised_by());
  }
  throw ConfigError(
      format("report: '{}': found none of the files a report is made of, expected one of: {}.",
             source.path.string(), known));
}

void write_inputs(const Json& manifest, Page& page) {
  Table table{{"input", "sha256"}, {}};
  for (const auto& input : manifest.value("inputs", Json::array())) {
    const auto path = input.value("path", std::string());
    if (input.contains("files"))
      for (const auto& [name, hash] : input["files"].items())
        table.rows.push_back({path + "/" + name, shown_scalar(hash).substr(0, 16)});
    else
      table.rows.push_back({path, input.value("sha256", std::string()).substr(0, 16)});
  }
  if (!table.rows.empty()) page.table(table);
}

constexpr std::size_t kMaxLeaves = 40;

/// Every scalar below `value` as a row named by its path.
void collect_leaves(const std::string& path, const Json& value, Table& table) {
  if (!value.is_structured()) {
    table.rows.push_back({path, shown_scalar(value)});
    return;
  }
  for (const auto& [key, item] : value.items()) collect_leaves(path + ": " + key, item, table);
}

/// A command's own account: short values as one table, long ones folded.
void write_account(const Json& manifest, Page& page) {
  static const std::set<std::string> kShownElsewhere = {"schema", "version", "created", "command",
                                                        "config", "inputs",  "parents"};
  Table table{{"recorded by the command", "value"}, {}};
  for (const auto& [key, value] : manifest.items()) {
    if (kShownElsewhere.count(key)) continue;
    Table own;
    collect_leaves(key, value, own);
    if (own.rows.size() > kMaxLeaves)
      page.folded_json(key, value);
    else
      table.rows.insert(table.rows.end(), own.rows.begin(), own.rows.end());
  }
  if (!table.rows.empty()) page.table(table);
}

void write_provenance(const ReportSource& source, Page& page) {
  const auto& manifest = source.manifest;
  if (manifest.empty()) return;
  page.heading("What ran");
  page.table({{"", ""},
              {{"command", manifest.value("command", std::string())},
               {"when", manifest.value("created", std::string())},
               {"version", manifest.value("version", std::string())}}});
  write_account(manifest, page);
  write_inputs(manifest, page);
  if (manifest.contains("config")) page.folded_json("Settings, resolved", manifest["config"]);
}

}  // namespace

void write_report(const ReportRequest& request) {
  std::vector<std::pair<std::size_t, ReportSource>> sources;
  for (const auto& path : request.sources) {
    auto source = open_source(path);
    const auto kind = kind_of(source);
    sources.emplace_back(kind, std::move(source));
  }
  std::stable_sort(sources.begin(), sources.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });

  if (request.config.report.samples > 0) create_private_files();
  prepare_output(request.output, request.existing, request.sources, "report");
  if (request.check_only) return;
  Page page;
  page.banner(kBanner);
  if (request.config.report.samples > 0) page.banner(kSampleBanner);
  const auto kinds = reports();
  for (const auto& [kind, source] : sources) {
    page.section(format("{}: {}", kinds[kind]->name(), source.path.string()));
    kinds[kind]->write(source, request.config.report, page);
    write_provenance(source, page);
  }
  write_file_atomic(request.output,
                    page.document(request.config.title, "made by sqpsych " + version()));
}

}  // namespace sqpsych
