#include "data/profiles/profile.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "core/json_lines.h"
#include "core/text.h"
#include "evaluate/reports/report.h"
#include "evaluate/reports/tally.h"

namespace sqpsych {
namespace {

/// Profiles in one band, and the smallest score value seen there.
struct BandCount {
  std::int64_t count = 0;
  double lowest = std::numeric_limits<double>::infinity();
};

struct ScoreAccount {
  std::map<std::string, BandCount> bands;
  std::int64_t num_values = 0;
  double sum = 0;
  std::int64_t num_prorated = 0;
  std::int64_t num_without_value = 0;

  void add(const ProfileScore& score) {
    num_prorated += score.prorated;
    if (!score.value) {
      ++num_without_value;
      return;
    }
    ++num_values;
    sum += *score.value;
    if (score.band.empty()) return;
    BandCount& band = bands[score.band];
    ++band.count;
    band.lowest = std::min(band.lowest, *score.value);
  }

  /// By rising score, as the questionnaire's bands follow each other.
  std::vector<Bar> bars() const {
    std::vector<std::pair<double, Bar>> by_score;
    for (const auto& [name, band] : bands) by_score.push_back({band.lowest, {name, band.count}});
    std::stable_sort(by_score.begin(), by_score.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Bar> bars;
    for (auto& [lowest, bar] : by_score) bars.push_back(std::move(bar));
    return bars;
  }
};

struct ProfileAccount {
  std::set<std::string> clients;
  std::int64_t num_profiles = 0;
  std::int64_t num_risk_positive = 0;
  Tally groups, languages;
  std::map<std::string, ScoreAccount> scores;

  void add(const Profile& profile) {
    ++num_profiles;
    clients.insert(profile.client_id);
    num_risk_positive += profile.risk_positive;
    ++groups[profile.group];
    ++languages[profile.language];
    for (const auto& questionnaire : profile.questionnaires)
      for (const auto& score : questionnaire.scores)
        scores[questionnaire.name + " " + score.name].add(score);
  }
};

void show_profiles(const ProfileAccount& account, Page& page) {
  page.figures({{"profiles", with_thousands(account.num_profiles)},
                {"clients", with_thousands(static_cast<std::int64_t>(account.clients.size()))},
                {"risk item positive", with_thousands(account.num_risk_positive)}});
  Table scores{{"score", "with a value", "mean", "prorated", "too many missing"}, {}};
  for (const auto& [name, score] : account.scores)
    scores.rows.push_back(
        {name, with_thousands(score.num_values),
         score.num_values ? shown_number(score.sum / static_cast<double>(score.num_values)) : "",
         with_thousands(score.num_prorated), with_thousands(score.num_without_value)});
  if (!scores.rows.empty()) page.table(scores);
  for (const auto& [name, score] : account.scores)
    if (!score.bands.empty()) page.chart(bar_chart("Bands of " + name, score.bars()));
  if (account.groups.size() > 1) page.chart(bar_chart("Groups", bars_of(account.groups)));
  if (account.languages.size() > 1) page.chart(bar_chart("Languages", bars_of(account.languages)));
}

/// Numbers only: answers and demographic fields of a person are never shown.
class ProfilesReport : public Report {
 public:
  std::string name() const override { return "Profiles"; }
  std::string recognised_by() const override { return "profiles.jsonl"; }
  bool knows(const ReportSource& source) const override { return source.has("profiles.jsonl"); }

  void write(const ReportSource& source, const ReportSettings&, Page& page) const override {
    ProfileAccount account;
    const auto file = source.path / "profiles.jsonl";
    for_each_line(file, [&](Json record, std::int64_t line) {
      account.add(profile_from_json(record, format("{}:{}", file.string(), line)));
    });
    show_profiles(account, page);
  }
};

}  // namespace

const Report& profiles_report() {
  static const ProfilesReport report;
  return report;
}

}  // namespace sqpsych
