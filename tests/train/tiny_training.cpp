#include "tests/train/tiny_training.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>

#include "core/interrupt.h"
#include "core/json_lines.h"
#include "core/random.h"
#include "models/families/family.h"
#include "models/weights/safetensors.h"

namespace sqpsych::testing {
namespace {

constexpr std::uint64_t kWeightSeed = 5;

DecoderFeatures tiny_features(std::int64_t vocabulary_size) {
  DecoderFeatures features;
  features.vocabulary_size = vocabulary_size;
  features.hidden_size = 16;
  features.num_layers = 2;
  features.num_heads = 4;
  features.num_kv_heads = 2;
  features.head_dim = 4;
  features.intermediate_size = 24;
  features.context_length = 64;
  features.norm_eps = 1e-5;
  features.rope.dims = 4;
  return features;
}

SplitRows random_rows(const RandomRows& rows, std::uint64_t seed, std::int64_t vocabulary_size) {
  SplitRows split;
  RandomStream stream(seed);
  for (std::int64_t i = 0; i < rows.count; ++i) {
    TokenizedRow row;
    row.id = "row-" + std::to_string(i);
    row.client_id = "client-" + std::to_string(i / 2);
    const std::size_t length = rows.shortest + stream.below(rows.longest - rows.shortest + 1);
    for (std::size_t t = 0; t < length; ++t) {
      row.ids.push_back(
          static_cast<TokenId>(stream.below(static_cast<std::uint64_t>(vocabulary_size))));
      row.supervised.push_back(t > 0 && (t + 1 == length || stream.below(3) > 0));
    }
    split.units += count_supervised(row);
    split.report.tokens += static_cast<std::int64_t>(length);
    split.rows.push_back(row);
  }
  return split;
}

}  // namespace

TrainConfig tiny_config(const std::string& method) {
  TrainConfig config;
  config.method = method;
  config.lora_r = 4;
  config.lora_alpha = 8;
  config.row_plan.max_length = 48;
  config.per_device_train_batch_size = 2;
  config.gradient_accumulation_steps = 2;
  config.max_steps = 6;
  config.learning_rate = 1e-2;
  config.weight_decay = 0.01;
  config.logging_steps = 2;
  config.eval_strategy = "no";
  config.save_strategy = "no";
  config.save_total_limit = 0;
  config.model.device = "cpu";
  return config;
}

TrainingSetup setup_of(const TrainConfig& config, const DecoderFeatures& features,
                       const RandomRows& train, const RandomRows& validation) {
  TrainingSetup setup;
  setup.config = config;
  setup.model = std::make_unique<Model>();
  setup.model->path = "/nonexistent";
  setup.model->family = &family_by_name("llama");
  setup.model->config = setup.model->family->config(features);
  const auto dtype = config.model.dtype == "bfloat16" ? at::kBFloat16 : at::kFloat;
  setup.model->decoder = std::make_unique<Decoder>(features, dtype, at::kCPU);
  initialise_weights(*setup.model->decoder, kWeightSeed);
  setup.objective = &objective_by_name("sft");
  setup.train = random_rows(train, 1, features.vocabulary_size);
  setup.validation = random_rows(validation, 2, features.vocabulary_size);
  setup.trainable = std::make_unique<Trainable>(*setup.model, config);
  setup.inputs = {{"data", {{"train.jsonl", "1"}}}, {"model", Json::object()}};
  return setup;
}

TrainingSetup tiny_setup(const TrainConfig& config, std::int64_t num_rows,
                         std::int64_t num_validation_rows) {
  return setup_of(config, tiny_features(40), {num_rows}, {num_validation_rows});
}

std::map<std::string, at::Tensor> first_gradient(const TrainConfig& config) {
  TrainingSetup setup = tiny_setup(config);
  // B starts at zero, which would hide A's gradient.
  {
    const at::NoGradGuard no_grad;
    for (const auto& parameter : setup.trainable->parameters())
      if (parameter.name.ends_with("lora_B.weight")) parameter.weight.fill_(0.05);
  }
  AdamW optimizer(setup.trainable->parameters(), {});
  const StepOrder order(config, static_cast<std::int64_t>(setup.train.rows.size()));
  const StepResult result = *compute_gradient(setup, optimizer, order.rows_of(0), 0);
  std::map<std::string, at::Tensor> gradient;
  gradient["loss"] = at::tensor({result.loss}, at::kDouble);
  for (std::size_t i = 0; i < optimizer.parameters().size(); ++i)
    gradient[optimizer.parameters()[i].name] = optimizer.gradient(i).clone();
  return gradient;
}

double mean_loss(const TrainingSetup& setup, const SplitRows& split,
                 const std::vector<std::size_t>& rows) {
  const at::NoGradGuard no_grad;
  const Decoder& decoder = *setup.model->decoder;
  double sum = 0;
  std::int64_t count = 0;
  for (const std::size_t row : rows) {
    const Pack pack = make_pack(split.rows, {row}, at::kCPU);
    const at::Tensor log_probabilities_TV =
        decoder.logits(decoder.hidden(pack.packed)).to(at::kDouble).log_softmax(-1);
    for (std::int64_t t = 0; t < pack.num_tokens(); ++t) {
      const std::int64_t target = pack.targets_T[t].item<std::int64_t>();
      if (target < 0) continue;
      sum -= log_probabilities_TV[t][target].item<double>();
      ++count;
    }
  }
  return sum / static_cast<double>(count);
}

std::map<std::string, at::Tensor> run_tiny(const TrainConfig& config,
                                           const std::filesystem::path& folder,
                                           std::int64_t interrupt_behind_step) {
  TrainingSetup setup = tiny_setup(config);
  const RunFolder run{folder};
  check_same_run(run, setup);
  FileLock lock;
  open_run_folder(run, setup, false, lock);
  Trainer trainer(setup, run);
  set_interrupt_requested(false);
  try {
    trainer.run([&](std::int64_t step) {
      if (step == interrupt_behind_step) set_interrupt_requested(true);
    });
  } catch (...) {
    set_interrupt_requested(false);
    throw;
  }
  trainer.load_best();
  trainer.finish();
  std::map<std::string, at::Tensor> weights;
  for (const auto& parameter : setup.trainable->parameters())
    weights[parameter.name] = parameter.weight.detach().clone();
  return weights;
}

std::string metrics_without_clock(const std::filesystem::path& run) {
  std::string text;
  for (Json record : read_json_lines(run / "metrics.jsonl")) {
    for (const auto& key : wall_clock_keys()) record.erase(key);
    text += record.dump() + "\n";
  }
  return text;
}

}  // namespace sqpsych::testing
