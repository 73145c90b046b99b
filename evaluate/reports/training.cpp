#include <cmath>
#include <functional>
#include <map>

#include "core/json_lines.h"
#include "core/text.h"
#include "evaluate/reports/chart.h"
#include "evaluate/reports/report.h"

namespace sqpsych {
namespace {

using Points = std::vector<std::pair<double, double>>;

/// Visits the lines of a log that may still be written: a last one without line break is left out.
void for_each_logged(const std::filesystem::path& file,
                     const std::function<void(const Json&, const std::string& where)>& visit) {
  const std::string text = read_file(file);
  const auto lines = split(text.substr(0, text.rfind('\n') + 1), "\n");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto where = format("{}:{}", file.string(), i + 1);
    if (!lines[i].empty()) visit(parse_json(lines[i], where), where);
  }
}

/// One series per numeric key of metrics.jsonl, over optimizer steps.
std::map<std::string, Points> read_series(const std::filesystem::path& file) {
  std::map<std::string, Points> series;
  for_each_logged(file, [&](const Json& record, const std::string& where) {
    const auto step = static_cast<double>(need_integer(record, "step", where));
    for (const auto& [key, value] : record.items())
      if (value.is_number()) series[key].emplace_back(step, value.get<double>());
  });
  return series;
}

Points points_of(const std::map<std::string, Points>& series, const std::string& key) {
  const auto found = series.find(key);
  return found == series.end() ? Points{} : found->second;
}

void show_figures(const std::map<std::string, Points>& series, Page& page) {
  std::vector<std::pair<std::string, std::string>> figures;
  const auto loss = points_of(series, "loss");
  const auto validation = points_of(series, "eval_loss");
  if (!loss.empty()) figures.emplace_back("optimizer steps", shown_number(loss.back().first));
  if (!loss.empty()) figures.emplace_back("last training loss", shown_number(loss.back().second));
  if (!validation.empty()) {
    auto best = validation.front();
    for (const auto& point : validation)
      if (point.second < best.second) best = point;
    const bool before = validation.front().first == 0;
    figures.emplace_back(before ? "validation loss before" : "first validation loss",
                         shown_number(validation.front().second));
    figures.emplace_back(format("best validation loss, step {}", shown_number(best.first)),
                         shown_number(best.second));
  }
  const auto tokens = points_of(series, "num_tokens");
  if (!tokens.empty()) figures.emplace_back("tokens seen", shown_number(tokens.back().second));
  page.figures(figures);
}

void show_curves(const std::map<std::string, Points>& series, Page& page) {
  page.chart(line_chart({"Loss per supervised token",
                         "optimizer step",
                         "loss (nats)",
                         {{"training", points_of(series, "loss"), false},
                          {"validation", points_of(series, "eval_loss"), true}}}));
  page.chart(line_chart({"Learning rate",
                         "optimizer step",
                         "learning rate",
                         {{"learning rate", points_of(series, "learning_rate"), false}}}));
  page.chart(line_chart({"Gradient norm before clipping",
                         "optimizer step",
                         "norm",
                         {{"gradient norm", points_of(series, "grad_norm"), false}}}));
}

void show_evaluations(const std::map<std::string, Points>& series, Page& page) {
  const auto validation = points_of(series, "eval_loss");
  if (validation.empty()) return;
  Table table{{"step", "validation loss", "perplexity"}, {}};
  for (const auto& [step, loss] : validation)
    table.rows.push_back({shown_number(step), shown_number(loss), shown_number(std::exp(loss))});
  page.table(table);
}

/// The replies to one prompt at the first and the last evaluation.
struct SampleReplies {
  Json prompt;
  Json first, last;
  std::string reference;
};

std::vector<SampleReplies> read_samples(const std::filesystem::path& file, std::int64_t wanted) {
  std::vector<std::string> order;
  std::map<std::string, SampleReplies> samples;
  for_each_logged(file, [&](const Json& record, const std::string& where) {
    const auto id = need_string(record, "id", where);
    auto [entry, is_new] = samples.try_emplace(id);
    if (is_new) order.push_back(id);
    auto& sample = entry->second;
    if (is_new) {
      sample.prompt = record.value("prompt", Json());
      sample.reference = record.value("reference", std::string());
      sample.first = record;
    }
    sample.last = record;
  });
  std::vector<SampleReplies> chosen;
  for (const auto& id : order)
    if (static_cast<std::int64_t>(chosen.size()) < wanted) chosen.push_back(samples[id]);
  return chosen;
}

void show_reply(const Json& record, const char* when, Page& page) {
  page.utterance(format("reply {} (step {})", when, shown_scalar(record.value("step", Json(0)))),
                 record.value("reply", std::string()), true);
}

void show_training_samples(const ReportSource& source, std::int64_t wanted, Page& page) {
  if (wanted == 0 || !source.has("samples.jsonl")) return;
  std::size_t number = 0;
  for (const auto& sample : read_samples(source.path / "samples.jsonl", wanted)) {
    page.heading(format("Sample replies {}", ++number));
    if (sample.prompt.is_string())
      page.utterance("prompt", sample.prompt.get<std::string>(), false);
    if (sample.prompt.is_array())
      for (const auto& message : sample.prompt)
        page.utterance(message.value("role", std::string()),
                       message.value("content", std::string()),
                       message.value("role", std::string()) == "assistant");
    show_reply(sample.first, "before", page);
    show_reply(sample.last, "after", page);
    if (!sample.reference.empty()) page.utterance("reply in the data", sample.reference, true);
  }
}

class TrainingReport : public Report {
 public:
  std::string name() const override { return "Training"; }
  std::string recognised_by() const override { return "metrics.jsonl"; }
  bool knows(const ReportSource& source) const override { return source.has("metrics.jsonl"); }

  void write(const ReportSource& source, const ReportSettings& settings,
             Page& page) const override {
    const auto series = read_series(source.path / "metrics.jsonl");
    if (series.empty()) page.paragraph("No step has been logged yet.");
    show_figures(series, page);
    show_curves(series, page);
    show_evaluations(series, page);
    if (source.manifest.empty() && source.has("config.json"))
      page.folded_json("Settings, resolved", read_json(source.path / "config.json"));
    show_training_samples(source, settings.samples, page);
  }
};

}  // namespace

const Report& training_report() {
  static const TrainingReport report;
  return report;
}

}  // namespace sqpsych
