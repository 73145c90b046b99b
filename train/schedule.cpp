#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace sqpsych {
namespace {

double warmed_up(double step, double warmup) { return step / std::max(1.0, warmup); }

double constant(double, double, double) { return 1; }

double constant_with_warmup(double step, double warmup, double) {
  return step < warmup ? warmed_up(step, warmup) : 1;
}

double linear(double step, double warmup, double total) {
  if (step < warmup) return warmed_up(step, warmup);
  return std::max(0.0, (total - step) / std::max(1.0, total - warmup));
}

double cosine(double step, double warmup, double total) {
  if (step < warmup) return warmed_up(step, warmup);
  const double progress = (step - warmup) / std::max(1.0, total - warmup);
  return std::max(0.0, 0.5 * (1 + std::cos(std::numbers::pi * progress)));
}

using Factor = double (*)(double, double, double);
constexpr std::pair<const char*, Factor> kSchedules[] = {
    {"constant", constant},
    {"constant_with_warmup", constant_with_warmup},
    {"linear", linear},
    {"cosine", cosine},
};

Factor factor_of(const std::string& name) {
  for (const auto& [known, factor] : kSchedules)
    if (name == known) return factor;
  throw ConfigError(format("train: lr_scheduler_type: found '{}', expected one of {}.", name,
                           quoted_list(lr_scheduler_names())));
}

}  // namespace

std::vector<std::string> lr_scheduler_names() {
  std::vector<std::string> names;
  for (const auto& [name, factor] : kSchedules) names.emplace_back(name);
  return names;
}

Schedule::Schedule(const TrainConfig& config, std::int64_t total_steps)
    : factor_(factor_of(config.lr_scheduler_type)),
      peak_(config.learning_rate),
      warmup_steps_(config.warmup_steps.value_or(0)),
      total_steps_(total_steps) {
  if (warmup_steps_ == 0)
    warmup_steps_ = static_cast<std::int64_t>(
        std::ceil(static_cast<double>(total_steps) * config.warmup_ratio.value_or(0)));
}

double Schedule::learning_rate(std::int64_t step) const {
  return peak_ * factor_(static_cast<double>(step), static_cast<double>(warmup_steps_),
                         static_cast<double>(total_steps_));
}

}  // namespace sqpsych
