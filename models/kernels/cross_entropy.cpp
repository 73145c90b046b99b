#include "models/kernels/cross_entropy.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "models/kernels/precision.h"
#include "models/layers/decoder.h"

namespace sqpsych {
namespace {

// About as much memory as 4 Mi fp32 logits; at least a few rows so that GEMMs stay efficient.
constexpr std::int64_t kLogitsPerChunk = std::int64_t{1} << 22;
constexpr std::int64_t kMinChunkRows = 16;

at::Tensor head_logits(const HeadInputs& inputs) {
  const auto wide = wide_type(inputs.hidden_SE.scalar_type());
  auto logits_SV = at::linear(inputs.hidden_SE, inputs.weight_VE).to(wide);
  if (inputs.inner_SR.defined())
    logits_SV = logits_SV + at::linear(inputs.inner_SR, inputs.inner_weight_VR).to(wide);
  const auto& shape = inputs.shape;
  if (shape.scale != 1) logits_SV = logits_SV * shape.scale;
  if (shape.soft_cap > 0) logits_SV = (logits_SV / shape.soft_cap).tanh() * shape.soft_cap;
  return logits_SV;
}

/// From the gradient of shaped logits to that of unshaped ones: d c tanh(s x / c) / dx.
at::Tensor through_shape(const LogitShape& shape, const at::Tensor& grad_CV,
                         const at::Tensor& shaped_CV) {
  auto grad = grad_CV;
  if (shape.soft_cap > 0) grad = grad * (1 - (shaped_CV / shape.soft_cap).square());
  return shape.scale != 1 ? grad * shape.scale : grad;
}

HeadInputs rows_of(const HeadInputs& inputs, std::int64_t begin, std::int64_t count) {
  auto rows = inputs;
  rows.hidden_SE = inputs.hidden_SE.narrow(0, begin, count);
  if (inputs.inner_SR.defined()) rows.inner_SR = inputs.inner_SR.narrow(0, begin, count);
  return rows;
}

/// Gradients of the summed loss, filled chunk by chunk; undefined where nobody asks.
struct HeadGradients {
  at::Tensor hidden_SE, weight_VE, inner_SR, inner_weight_VR;

  void round_to(const HeadInputs& inputs) {
    if (weight_VE.defined()) weight_VE = weight_VE.to(inputs.weight_VE.scalar_type());
    if (inner_weight_VR.defined())
      inner_weight_VR = inner_weight_VR.to(inputs.inner_weight_VR.scalar_type());
  }

  void add_chunk(const HeadInputs& rows, std::int64_t begin, const at::Tensor& grad_CV) {
    const auto count = grad_CV.size(0);
    const auto narrow_CV = grad_CV.to(rows.hidden_SE.scalar_type());
    if (hidden_SE.defined())
      hidden_SE.narrow(0, begin, count).copy_(at::mm(narrow_CV, rows.weight_VE));
    if (weight_VE.defined()) weight_VE.add_(at::mm(narrow_CV.t(), rows.hidden_SE));
    if (inner_SR.defined()) {
      const auto inner_CV = grad_CV.to(rows.inner_SR.scalar_type());
      inner_SR.narrow(0, begin, count).copy_(at::mm(inner_CV, rows.inner_weight_VR));
      if (inner_weight_VR.defined()) inner_weight_VR.add_(at::mm(inner_CV.t(), rows.inner_SR));
    }
  }
};

at::Tensor wide_zeros_like(const at::Tensor& tensor) {
  return at::zeros(tensor.sizes(), tensor.options().dtype(wide_type(tensor.scalar_type())));
}

HeadGradients wanted_gradients(const HeadInputs& inputs) {
  HeadGradients gradients;
  const auto wants = [](const at::Tensor& t) { return t.defined() && t.requires_grad(); };
  if (wants(inputs.hidden_SE)) gradients.hidden_SE = at::empty_like(inputs.hidden_SE);
  if (wants(inputs.weight_VE)) gradients.weight_VE = wide_zeros_like(inputs.weight_VE);
  if (inputs.inner_SR.defined() && (wants(inputs.inner_SR) || wants(inputs.inner_weight_VR)))
    gradients.inner_SR = at::empty_like(inputs.inner_SR);
  if (wants(inputs.inner_weight_VR))
    gradients.inner_weight_VR = wide_zeros_like(inputs.inner_weight_VR);
  return gradients;
}

/// Summed loss in fp64; adds to `gradients` when given.
at::Tensor chunked_loss(const HeadInputs& inputs, const at::Tensor& targets_S,
                        HeadGradients* gradients) {
  const auto rows_total = inputs.hidden_SE.size(0);
  const auto step = cross_entropy_chunk_rows(inputs.weight_VE.size(0));
  auto loss = at::zeros({}, inputs.hidden_SE.options().dtype(at::kDouble));
  for (std::int64_t begin = 0; begin < rows_total; begin += step) {
    const auto count = std::min(step, rows_total - begin);
    const auto rows = rows_of(inputs, begin, count);
    const auto targets_C1 = targets_S.narrow(0, begin, count).unsqueeze(1);
    auto logits_CV = head_logits(rows);
    const auto log_sum_C1 = at::logsumexp(logits_CV, 1, true);
    loss += (log_sum_C1 - logits_CV.gather(1, targets_C1)).sum(at::kDouble);
    if (!gradients) continue;
    const auto shaped_CV = inputs.shape.soft_cap > 0 ? logits_CV.clone() : at::Tensor();
    auto grad_CV = logits_CV.sub_(log_sum_C1).exp_();
    grad_CV.scatter_add_(1, targets_C1, at::full_like(targets_C1, -1, grad_CV.options()));
    gradients->add_chunk(rows, begin, through_shape(inputs.shape, grad_CV, shaped_CV));
  }
  return loss;
}

std::optional<at::Tensor> present(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

class LinearCrossEntropy : public torch::autograd::Function<LinearCrossEntropy> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& hidden_SE,
                            const at::Tensor& weight_VE, const std::optional<at::Tensor>& inner_SR,
                            const std::optional<at::Tensor>& inner_weight_VR,
                            const at::Tensor& targets_S, const LogitShape& shape) {
    const HeadInputs inputs{hidden_SE, weight_VE, inner_SR.value_or(at::Tensor()),
                            inner_weight_VR.value_or(at::Tensor()), shape};
    auto gradients = wanted_gradients(inputs);
    const auto loss = chunked_loss(inputs, targets_S, &gradients);
    gradients.round_to(inputs);
    context->save_for_backward(
        {gradients.hidden_SE, gradients.weight_VE, gradients.inner_SR, gradients.inner_weight_VR});
    return loss.to(wide_type(hidden_SE.scalar_type()));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    torch::autograd::variable_list result(6);
    const auto saved = context->get_saved_variables();
    // The factor stays as wide as the loss: rounded to bf16 it would be off by up to 0.4 %.
    for (std::size_t i = 0; i < saved.size(); ++i)
      if (saved[i].defined()) result[i] = saved[i] * grads[0];
    return result;
  }
};

}  // namespace

std::int64_t cross_entropy_chunk_rows(std::int64_t vocabulary_size) {
  return std::max(kMinChunkRows, kLogitsPerChunk / std::max<std::int64_t>(vocabulary_size, 1));
}

at::Tensor linear_cross_entropy_sum(const HeadInputs& inputs, const at::Tensor& targets_S) {
  if (!at::GradMode::is_enabled())
    return chunked_loss(inputs, targets_S, nullptr).to(wide_type(inputs.hidden_SE.scalar_type()));
  return LinearCrossEntropy::apply(inputs.hidden_SE, inputs.weight_VE, present(inputs.inner_SR),
                                   present(inputs.inner_weight_VR), targets_S, inputs.shape);
}

at::Tensor linear_cross_entropy_sum_reference(const HeadInputs& inputs,
                                              const at::Tensor& targets_S) {
  const auto logits_SV = head_logits(inputs);
  return -at::log_softmax(logits_SV, 1).gather(1, targets_S.unsqueeze(1)).sum();
}

at::Tensor supervised_cross_entropy_sum(const Decoder& decoder, const at::Tensor& hidden_TE,
                                        const at::Tensor& targets_T, const DropoutKey* dropout) {
  const auto index_S = at::nonzero(targets_T.ge(0)).squeeze(1);
  if (index_S.numel() == 0) return hidden_TE.sum().to(wide_type(hidden_TE.scalar_type())) * 0;
  const auto head = decoder.head();
  const auto& features = decoder.features();
  HeadInputs inputs{hidden_TE.index_select(0, index_S),
                    head.weight_OI,
                    {},
                    {},
                    {features.logit_scale, features.logit_soft_cap}};
  if (head.low_rank) {
    const auto key_S = dropout ? select_tokens(*dropout, index_S) : DropoutKey{};
    inputs.inner_SR = low_rank_inner(*head.low_rank, inputs.hidden_SE, dropout ? &key_S : nullptr,
                                     head.module_id);
    inputs.inner_weight_VR = head.low_rank->b_OR;
  }
  return linear_cross_entropy_sum(inputs, targets_T.index_select(0, index_S));
}

}  // namespace sqpsych
