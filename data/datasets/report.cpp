#include "core/text.h"
#include "data/datasets/dataset.h"

namespace sqpsych {

namespace {

constexpr std::size_t kMostBadShown = 10;

std::string percent(double share) { return format("{:.1f} %", 100 * share); }

}  // namespace

std::int64_t DatasetReport::rows() const {
  std::int64_t count = 0;
  for (const auto& split : splits) count += split.rows;
  return count;
}

Json DatasetReport::to_json() const {
  Json split_counts = Json::object();
  for (std::size_t i = 0; i < splits.size(); ++i)
    split_counts[kSplitNames[i]] = {{"clients", splits[i].clients},
                                    {"sessions", splits[i].sessions},
                                    {"rows", splits[i].rows},
                                    {"replies", splits[i].replies},
                                    {"seen_in_train", splits[i].seen_in_train}};
  return {{"formats", formats},           {"records", records},
          {"unreadable", bad.size()},     {"sessions", sessions},
          {"clients", clients},           {"changes", changes},
          {"dropped", dropped_by_filter}, {"repeated_share", repeated_share},
          {"splits", split_counts}};
}

std::string DatasetReport::text() const {
  std::string lines;
  for (const auto& [file, importer] : formats) lines += format("{}: read as {}\n", file, importer);
  lines += format("{} records -> {} sessions of {} clients\n", with_thousands(records),
                  with_thousands(sessions), with_thousands(clients));
  for (const auto& [change, count] : changes)
    lines += format("  {:>8}  {}\n", with_thousands(count), change);
  for (const auto& [filter, count] : dropped_by_filter)
    lines += format("  {:>8}  sessions left out: {}\n", with_thousands(count), filter);
  if (repeated_share > 0)
    lines += format("  {:>8}  of the utterances repeat an earlier one of the same speaker\n",
                    percent(repeated_share));
  for (std::size_t i = 0; i < bad.size() && i < kMostBadShown; ++i)
    lines += format("  unreadable: {}: {}\n", bad[i].where, bad[i].reason);
  if (bad.size() > kMostBadShown)
    lines += format("  unreadable: {} more records\n",
                    with_thousands(std::ssize(bad) - static_cast<std::int64_t>(kMostBadShown)));
  lines +=
      format("{:<12}{:>10}{:>10}{:>10}{:>10}\n", "split", "clients", "sessions", "rows", "replies");
  for (std::size_t i = 0; i < splits.size(); ++i)
    lines += format("{:<12}{:>10}{:>10}{:>10}{:>10}\n", kSplitNames[i],
                    with_thousands(splits[i].clients), with_thousands(splits[i].sessions),
                    with_thousands(splits[i].rows), with_thousands(splits[i].replies));
  for (std::size_t i = 1; i < splits.size(); ++i)
    if (splits[i].seen_in_train > 0)
      lines += format("{}: {} of the utterances stand in train too\n", kSplitNames[i],
                      percent(splits[i].seen_in_train));
  return lines;
}

}  // namespace sqpsych
