#include "train/evaluation.h"

#include <gtest/gtest.h>

#include <numeric>

#include "core/interrupt.h"
#include "tests/train/tiny_training.h"

namespace sqpsych {
namespace {

TEST(Evaluation, IsTheMeanOverAllSupervisedTokensWhateverTheLayout) {
  for (const bool packing : {false, true})
    for (const std::int64_t batch : {1, 3, 7}) {
      SCOPED_TRACE(format("batch {} packing {}", batch, packing));
      TrainConfig config = testing::tiny_config("lora");
      config.eval_strategy = "epoch";
      config.lora_dropout = 0.3;
      config.packing = packing;
      config.per_device_eval_batch_size = batch;
      const TrainingSetup setup = testing::tiny_setup(config, 5, 7);
      std::vector<std::size_t> all(setup.validation.rows.size());
      std::iota(all.begin(), all.end(), std::size_t{0});
      ASSERT_EQ(all.size(), 7U);
      EXPECT_NEAR(evaluate_split(setup, setup.validation)->loss,
                  testing::mean_loss(setup, setup.validation, all), 1e-5);
    }
}

TEST(Evaluation, EndsWithASignal) {
  TrainConfig config = testing::tiny_config("lora");
  config.eval_strategy = "epoch";
  const TrainingSetup setup = testing::tiny_setup(config);
  set_interrupt_requested(true);
  EXPECT_FALSE(evaluate_split(setup, setup.validation));
  set_interrupt_requested(false);
}

}  // namespace
}  // namespace sqpsych
