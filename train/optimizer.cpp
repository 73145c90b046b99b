#include "train/optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <utility>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {
namespace {

constexpr double kClipEpsilon = 1e-6;  // torch/nn/utils/clip_grad.py

at::Tensor fp32_zeros(const at::Tensor& like) {
  return at::zeros_like(like, like.options().dtype(at::kFloat).requires_grad(false));
}

void copy_checked(const SafetensorsFile& file, const std::string& name, const at::Tensor& target) {
  const auto found = file.entries().find(name);
  const bool present = found != file.entries().end();
  if (!present || found->second.shape != target.sizes().vec() || found->second.dtype != "F32")
    throw FormatError(
        format("checkpoint: '{}': tensor '{}': found {}, expected F32 [{}]. Delete this "
               "checkpoint folder and resume from an older one.",
               file.path().string(), name,
               present ? format("{} [{}]", found->second.dtype, number_list(found->second.shape))
                       : "nothing",
               number_list(target.sizes())));
  target.copy_(file.tensor(name));
}

}  // namespace

AdamW::AdamW(std::vector<TrainedParameter> parameters, const AdamWSettings& settings)
    : parameters_(std::move(parameters)), settings_(settings) {
  const at::NoGradGuard no_grad;
  for (const auto& parameter : parameters_) {
    Slot slot;
    const bool is_fp32 = parameter.weight.scalar_type() == at::kFloat;
    slot.master = is_fp32 ? parameter.weight.detach() : parameter.weight.detach().to(at::kFloat);
    if (!is_fp32) slot.gradient = fp32_zeros(parameter.weight);
    slot.exp_avg = fp32_zeros(parameter.weight);
    slot.exp_avg_sq = fp32_zeros(parameter.weight);
    slots_.push_back(std::move(slot));
  }
}

void AdamW::accumulate() {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].gradient.defined()) continue;
    at::Tensor& fresh = parameters_[i].weight.mutable_grad();
    if (!fresh.defined()) continue;
    slots_[i].gradient.add_(fresh);
    fresh.reset();
  }
}

at::Tensor AdamW::gradient(std::size_t index) const {
  const Slot& slot = slots_.at(index);
  const at::Tensor& sum =
      slot.gradient.defined() ? slot.gradient : parameters_[index].weight.grad();
  return sum.defined() ? sum : fp32_zeros(parameters_[index].weight);
}

double AdamW::clip(double max_norm) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (std::size_t i = 0; i < slots_.size(); ++i) gradients.push_back(gradient(i));
  const at::Tensor norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients)));
  const double total = norm.item<double>();
  const double factor = max_norm / (total + kClipEpsilon);
  if (max_norm > 0 && factor < 1) at::_foreach_mul_(gradients, factor);
  return total;
}

void AdamW::update(bool decays, double learning_rate, double weight_decay) {
  std::vector<at::Tensor> masters, gradients, exp_avgs, exp_avg_sqs, steps;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (parameters_[i].decays != decays) continue;
    masters.push_back(slots_[i].master);
    gradients.push_back(gradient(i));
    exp_avgs.push_back(slots_[i].exp_avg);
    exp_avg_sqs.push_back(slots_[i].exp_avg_sq);
  }
  if (masters.empty()) return;
  steps.assign(masters.size(), at::full({}, static_cast<double>(steps_),
                                        masters.front().options().dtype(at::kFloat)));
  at::_fused_adamw_(masters, gradients, exp_avgs, exp_avg_sqs, {}, steps, learning_rate,
                    settings_.beta1, settings_.beta2, weight_decay, settings_.epsilon,
                    /*amsgrad=*/false, /*maximize=*/false);
}

void AdamW::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  ++steps_;
  update(/*decays=*/true, learning_rate, settings_.weight_decay);
  update(/*decays=*/false, learning_rate, 0);
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].gradient.defined()) parameters_[i].weight.copy_(slots_[i].master);
  clear_gradients();
}

void AdamW::clear_gradients() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    parameters_[i].weight.mutable_grad().reset();
    if (slots_[i].gradient.defined()) slots_[i].gradient.zero_();
  }
}

NamedTensors AdamW::state() const {
  NamedTensors tensors;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::string& name = parameters_[i].name;
    tensors.emplace_back("exp_avg." + name, slots_[i].exp_avg);
    tensors.emplace_back("exp_avg_sq." + name, slots_[i].exp_avg_sq);
    if (slots_[i].gradient.defined()) tensors.emplace_back("master." + name, slots_[i].master);
  }
  return tensors;
}

void AdamW::load_state(const SafetensorsFile& file, std::int64_t steps) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state()) copy_checked(file, name, tensor);
  steps_ = steps;
  clear_gradients();
}

std::uint64_t AdamW::state_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : state()) bytes += tensor.nbytes();
  return bytes;
}

}  // namespace sqpsych
