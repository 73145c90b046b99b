#include "train/schedule.h"

#include <gtest/gtest.h>

#include "core/json_lines.h"
#include "tests/support/source_path.h"

namespace sqpsych {
namespace {

// tests/train/goldens/schedules.json: scripts/goldens/training.py, versions and seed inside.
TEST(Schedule, GivesTheRatesOfTransformers) {
  const Json golden = read_json(testing::source_path("tests/train/goldens/schedules.json"));
  std::size_t compared = 0;
  for (const Json& entry : golden["cases"]) {
    TrainConfig config;
    config.lr_scheduler_type = entry["lr_scheduler_type"];
    config.warmup_steps = entry["warmup_steps"].get<std::int64_t>();
    config.learning_rate = entry["learning_rate"];
    const Schedule schedule(config, entry["total_steps"]);
    for (std::size_t step = 0; step < entry["rates"].size(); ++step, ++compared)
      EXPECT_NEAR(schedule.learning_rate(static_cast<std::int64_t>(step)),
                  entry["rates"][step].get<double>(), 1e-12)
          << entry["lr_scheduler_type"] << " step " << step;
  }
  EXPECT_EQ(compared, 4u * (10 + 10 + 10 + 1 + 7));
}

TEST(Schedule, EveryNameOfTheListIsKnown) {
  ASSERT_EQ(lr_scheduler_names().size(), 4u);
  for (const auto& name : lr_scheduler_names()) {
    TrainConfig config;
    config.lr_scheduler_type = name;
    EXPECT_NO_THROW(Schedule(config, 10)) << name;
  }
}

TEST(Schedule, WarmupRatioIsRoundedUp) {
  TrainConfig config;
  config.warmup_ratio = 0.03;
  EXPECT_EQ(Schedule(config, 34).warmup_steps(), 2);
  EXPECT_EQ(Schedule(config, 33).warmup_steps(), 1);
}

}  // namespace
}  // namespace sqpsych
