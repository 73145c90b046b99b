#include "train/batches.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "tests/train/tiny_training.h"

namespace sqpsych {
namespace {

TrainConfig order_config(std::int64_t batch, std::int64_t accumulation, double epochs) {
  TrainConfig config;
  config.per_device_train_batch_size = batch;
  config.gradient_accumulation_steps = accumulation;
  config.num_train_epochs = epochs;
  return config;
}

TEST(StepOrder, CountsStepsAsTheHuggingFaceTrainer) {
  EXPECT_EQ(StepOrder(order_config(2, 2, 3), 13).steps_per_epoch(), 4);
  EXPECT_EQ(StepOrder(order_config(2, 2, 3), 13).total_steps(), 12);
  EXPECT_EQ(StepOrder(order_config(2, 2, 0.5), 13).total_steps(), 2);
  EXPECT_EQ(StepOrder(order_config(8, 4, 1), 3).total_steps(), 1);
  TrainConfig config = order_config(2, 2, 3);
  config.max_steps = 5;
  EXPECT_EQ(StepOrder(config, 13).total_steps(), 5);
}

TEST(StepOrder, EveryEpochSeesEveryRowOnceInItsOwnOrder) {
  const StepOrder order(order_config(2, 2, 3), 13);
  std::vector<std::vector<std::size_t>> epochs(3);
  for (std::int64_t step = 0; step < order.total_steps(); ++step) {
    const StepRows rows = order.rows_of(step);
    auto& seen = epochs[static_cast<std::size_t>(rows.epoch)];
    seen.insert(seen.end(), rows.rows.begin(), rows.rows.end());
    EXPECT_EQ(rows.ends_epoch, step % 4 == 3);
  }
  for (const auto& seen : epochs) {
    EXPECT_EQ(seen.size(), 13u);
    EXPECT_EQ(std::set<std::size_t>(seen.begin(), seen.end()).size(), 13u);
  }
  EXPECT_NE(epochs[0], epochs[1]);
}

TEST(StepOrder, AnyStepCanBeAskedAlone) {
  const StepOrder order(order_config(2, 2, 3), 13);
  const auto late = order.rows_of(9).rows;
  order.rows_of(1);
  EXPECT_EQ(StepOrder(order_config(2, 2, 3), 13).rows_of(9).rows, late);
}

TEST(StepOrder, EpochCountsMicroBatches) {
  const StepOrder order(order_config(2, 2, 3), 13);
  EXPECT_DOUBLE_EQ(order.rows_of(0).epoch_after, 2.0 / 7.0);
  EXPECT_DOUBLE_EQ(order.rows_of(3).epoch_after, 1.0);
  EXPECT_DOUBLE_EQ(order.rows_of(5).epoch_after, 1 + 4.0 / 7.0);
}

TEST(Packs, HoldEveryRowOnceAndNeverTooManyTokens) {
  const TrainingSetup setup = testing::tiny_setup(testing::tiny_config("lora"));
  const auto& rows = setup.train.rows;
  std::vector<std::size_t> all(rows.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  for (const StepLayout& layout : {StepLayout{true, 48, 1}, StepLayout{false, 0, 3}}) {
    std::multiset<std::size_t> seen;
    for (const auto& pack : lay_out(rows, all, layout)) {
      std::size_t tokens = 0;
      for (const std::size_t row : pack) tokens += rows[row].ids.size();
      EXPECT_LE(layout.packing ? tokens : pack.size(), layout.packing ? 48u : 3u);
      seen.insert(pack.begin(), pack.end());
    }
    EXPECT_EQ(seen, std::multiset<std::size_t>(all.begin(), all.end()));
  }
}

TEST(Packs, TargetsNeverCrossRows) {
  TokenizedRow first{"a", "c", {1, 2, 3}, {0, 0, 1}};
  TokenizedRow second{"b", "c", {4, 5}, {0, 1}};
  TokenizedRow single{"d", "c", {6}, {0}};
  const Pack pack = make_pack({first, second, single}, {0, 1, 2}, at::kCPU);
  const std::int64_t expected[] = {-1, 3, -1, 5, -1, -1};
  ASSERT_EQ(pack.num_tokens(), 6);
  for (std::int64_t t = 0; t < 6; ++t)
    EXPECT_EQ(pack.targets_T[t].item<std::int64_t>(), expected[t]) << t;
  EXPECT_EQ(pack.num_supervised, 2);
  EXPECT_EQ(pack.rows_T[3].item<std::int64_t>(), 1);
  EXPECT_EQ(pack.tokens_T[4].item<std::int64_t>(), 1);
  EXPECT_EQ(pack.packed.cu_seqlens, (std::vector<std::int64_t>{0, 3, 5, 6}));
}

}  // namespace
}  // namespace sqpsych
