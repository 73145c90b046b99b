#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/error_text.h"
#include "tests/train/tiny_training.h"

namespace sqpsych {
namespace {

using testing::first_gradient;
using testing::tiny_config;

struct Layout {
  std::int64_t batch;
  std::int64_t accumulation;
  bool packing;
};
// One step of 8 rows, laid out in every way.
constexpr Layout kLayouts[] = {{8, 1, false}, {4, 2, false}, {2, 4, false},
                               {1, 8, false}, {8, 1, true},  {2, 4, true}};

TrainConfig with_layout(TrainConfig config, const Layout& layout) {
  config.per_device_train_batch_size = layout.batch;
  config.gradient_accumulation_steps = layout.accumulation;
  config.packing = layout.packing;
  return config;
}

void expect_equal_gradients(const std::map<std::string, at::Tensor>& found,
                            const std::map<std::string, at::Tensor>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, gradient] : expected) {
    const double size = at::linalg_vector_norm(gradient).item<double>();
    const double difference = at::linalg_vector_norm(found.at(name) - gradient).item<double>();
    EXPECT_LE(difference, 1e-5 * size) << name;
    EXPECT_GT(size, 0) << name;
  }
}

TEST(Gradient, IsTheSameForEveryLayout) {
  for (const std::string& method : training_methods()) {
    const auto expected = first_gradient(with_layout(tiny_config(method), kLayouts[0]));
    for (const Layout& layout : kLayouts) {
      SCOPED_TRACE(format("{} {} x {} packing {}", method, layout.batch, layout.accumulation,
                          layout.packing));
      expect_equal_gradients(first_gradient(with_layout(tiny_config(method), layout)), expected);
    }
  }
}

TEST(Gradient, DropoutIsTheSameForEveryLayout) {
  TrainConfig config = tiny_config("lora");
  const auto without = first_gradient(with_layout(config, kLayouts[0]));
  config.lora_dropout = 0.3;
  const auto expected = first_gradient(with_layout(config, kLayouts[0]));
  EXPECT_FALSE(at::allclose(expected.at("loss"), without.at("loss")));
  for (const Layout& layout : kLayouts)
    expect_equal_gradients(first_gradient(with_layout(config, layout)), expected);
}

TEST(Gradient, LossIsTheMeanOverSupervisedTokensOfTheStep) {
  const TrainConfig config = with_layout(tiny_config("full"), kLayouts[2]);
  TrainingSetup setup = testing::tiny_setup(config);
  AdamW optimizer(setup.trainable->parameters(), {});
  const StepOrder order(config, static_cast<std::int64_t>(setup.train.rows.size()));
  const StepRows rows = order.rows_of(0);
  EXPECT_NEAR(compute_gradient(setup, optimizer, rows, 0)->loss,
              testing::mean_loss(setup, setup.train, rows.rows), 1e-5);
}

TEST(Gradient, FrozenWeightsGetNone) {
  TrainingSetup setup = testing::tiny_setup(tiny_config("lora"));
  AdamW optimizer(setup.trainable->parameters(), {});
  const StepOrder order(setup.config, 13);
  compute_gradient(setup, optimizer, order.rows_of(0), 0);
  for (const auto& [name, tensor] : setup.model->decoder->parameters())
    EXPECT_FALSE(tensor->grad().defined()) << name;
}

TEST(Gradient, NotANumberIsAnErrorWithStepAndRows) {
  TrainingSetup setup = testing::tiny_setup(tiny_config("lora"));
  AdamW optimizer(setup.trainable->parameters(), {});
  const StepOrder order(setup.config, 13);
  setup.trainable->parameters()[0].weight.mutable_data_ptr<float>()[0] =
      std::numeric_limits<float>::quiet_NaN();
  const auto error =
      testing::error_text([&] { compute_gradient(setup, optimizer, order.rows_of(2), 2); });
  EXPECT_THAT(error, ::testing::HasSubstr("step 3"));
  EXPECT_THAT(error, ::testing::HasSubstr("nan"));
  EXPECT_THAT(error, ::testing::HasSubstr("'row-"));
}

}  // namespace
}  // namespace sqpsych
