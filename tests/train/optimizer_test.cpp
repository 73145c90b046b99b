#include "train/optimizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/json_lines.h"
#include "tests/support/source_path.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

at::Tensor tensor_of(const Json& values, const Json& shape) {
  return at::tensor(values.get<std::vector<float>>())
      .reshape(shape.get<std::vector<std::int64_t>>());
}

AdamW optimizer_of(std::vector<TrainedParameter> parameters, const Json& entry) {
  return AdamW(std::move(parameters),
               {entry["beta1"], entry["beta2"], entry["epsilon"], entry["weight_decay"]});
}

std::vector<TrainedParameter> start_of(const Json& golden, const Json& entry) {
  std::vector<TrainedParameter> parameters;
  for (std::size_t i = 0; i < 2; ++i)
    parameters.push_back({i == 0 ? "matrix" : "norm",
                          tensor_of(entry["start"][i], golden["shapes"][i]).set_requires_grad(true),
                          i == 0});
  return parameters;
}

// tests/train/goldens/adamw.json: scripts/goldens/training.py, versions and seed inside.
TEST(AdamW, FollowsTorchOptimAdamW) {
  const Json golden = read_json(testing::source_path("tests/train/goldens/adamw.json"));
  ASSERT_EQ(golden["cases"].size(), 3u);
  for (const Json& entry : golden["cases"]) {
    auto parameters = start_of(golden, entry);
    AdamW optimizer = optimizer_of(parameters, entry);
    for (const Json& step : entry["steps"]) {
      for (std::size_t i = 0; i < 2; ++i)
        parameters[i].weight.mutable_grad() = tensor_of(step["gradients"][i], golden["shapes"][i]);
      const double norm = optimizer.clip(entry["max_grad_norm"]);
      EXPECT_NEAR(norm, step["grad_norm"].get<double>(), 1e-5);
      optimizer.step(step["learning_rate"]);
      for (std::size_t i = 0; i < 2; ++i)
        EXPECT_TRUE(at::allclose(parameters[i].weight.detach(),
                                 tensor_of(step["parameters"][i], golden["shapes"][i]), 1e-6,
                                 1e-7));
    }
  }
}

TEST(AdamW, SixteenBitWeightsAreRoundedMasters) {
  auto wide = at::ones({3}).set_requires_grad(true);
  auto narrow = at::ones({3}, at::kBFloat16).set_requires_grad(true);
  AdamW reference({{"w", wide, true}}, {});
  AdamW optimizer({{"w", narrow, true}}, {});
  for (int step = 0; step < 20; ++step) {
    wide.mutable_grad() = at::ones({3});
    narrow.mutable_grad() = at::ones({3}, at::kBFloat16);
    optimizer.accumulate();
    // Each step is far below bfloat16's resolution at 1: without masters nothing would move.
    reference.step(1e-3);
    optimizer.step(1e-3);
  }
  EXPECT_LT(narrow.detach()[0].item<double>(), 0.99);
  EXPECT_TRUE(at::equal(narrow.detach(), wide.detach().to(at::kBFloat16)));
}

TEST(AdamW, SixteenBitGradientsAreSummedInFp32) {
  auto weight = at::ones({1}, at::kBFloat16).set_requires_grad(true);
  AdamW optimizer({{"w", weight, true}}, {});
  for (const double part : {256.0, 1.0, 1.0}) {
    weight.mutable_grad() = at::ones({1}, at::kBFloat16) * part;
    optimizer.accumulate();
  }
  EXPECT_EQ(optimizer.gradient(0)[0].item<double>(), 258.0);
}

TEST(AdamW, StateGoesOnWhereItStopped) {
  const testing::TemporaryFolder folder;
  const auto advance = [](AdamW& optimizer, const at::Tensor& weight, double gradient) {
    weight.mutable_grad() = at::ones({4}) * gradient;
    optimizer.step(0.1);
  };
  auto whole = at::ones({4}).set_requires_grad(true);
  AdamW optimizer({{"w", whole, true}}, {});
  advance(optimizer, whole, 1);
  write_safetensors(folder / "state.safetensors", optimizer.state());
  auto resumed = whole.detach().clone().set_requires_grad(true);
  AdamW other({{"w", resumed, true}}, {});
  other.load_state(SafetensorsFile(folder / "state.safetensors"), optimizer.steps());
  advance(optimizer, whole, -3);
  advance(other, resumed, -3);
  EXPECT_TRUE(at::equal(whole.detach(), resumed.detach()));
}

TEST(AdamW, RefusesTheStateOfAnotherShape) {
  const testing::TemporaryFolder folder;
  AdamW small({{"w", at::ones({4}).set_requires_grad(true), true}}, {});
  AdamW large({{"w", at::ones({5}).set_requires_grad(true), true}}, {});
  write_safetensors(folder / "state.safetensors", small.state());
  EXPECT_THROW(large.load_state(SafetensorsFile(folder / "state.safetensors"), 1), FormatError);
}

}  // namespace
}  // namespace sqpsych
