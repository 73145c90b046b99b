#include "train/memory.h"

#include <c10/core/ScalarType.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "models/kernels/cross_entropy.h"

namespace sqpsych {
namespace {

constexpr std::int64_t kFp32Bytes = 4;

/// What is trained.
struct Subject {
  Decoder& decoder;
  const Trainable& trainable;
};

std::int64_t element_bytes(const Subject& subject) {
  return static_cast<std::int64_t>(c10::elementSize(subject.decoder.dtype()));
}

std::int64_t parameter_bytes(const Subject& subject) {
  std::int64_t bytes = 0;
  for (const auto& [name, parameter] : subject.decoder.parameters())
    bytes += static_cast<std::int64_t>(parameter->nbytes());
  if (subject.trainable.is_adapter())
    for (const auto& parameter : subject.trainable.parameters())
      bytes += static_cast<std::int64_t>(parameter.weight.nbytes());
  return bytes;
}

/// Gradient and two moments in fp32; 16-bit weights also a master, and their own fresh gradient.
std::int64_t state_bytes(const Subject& subject) {
  std::int64_t bytes = 0;
  for (const auto& parameter : subject.trainable.parameters()) {
    const std::int64_t count = parameter.weight.numel();
    bytes += 3 * kFp32Bytes * count;
    if (parameter.weight.scalar_type() != at::kFloat)
      bytes += count * (kFp32Bytes + element_bytes(subject));
  }
  return bytes;
}

/// Width of what lies between up and down for one token.
std::int64_t gated_width(const DecoderFeatures& f) {
  return f.experts.count > 0 ? f.experts.per_token * f.experts.intermediate_size
                             : f.intermediate_size;
}

/// Per token and layer, inputs of linear layers apart: the fp32 inputs of all norms (and, when
/// their weights are trained, the normalised values); rotated queries and keys, values, the
/// attention's output before and behind joining the rows, its log-sum-exp; gate, silu(gate), up.
std::int64_t saved_bytes_per_layer(const Subject& subject) {
  const DecoderFeatures& f = subject.decoder.features();
  const std::int64_t bytes = element_bytes(subject);
  const std::int64_t norms = (f.post_norms ? 4 : 2) * f.hidden_size *
                             (kFp32Bytes + (subject.trainable.is_adapter() ? 0 : bytes));
  const std::int64_t attention =
      (3 * f.num_heads + 2 * f.num_kv_heads) * f.head_dim * bytes + f.num_heads * kFp32Bytes;
  return norms + attention + 3 * gated_width(f) * bytes;
}

/// Per token, over all layers. Layers that read the same tensor share what is kept of it, unless
/// each makes its own: an fp32 copy of a 16-bit input, or a dropout mask and its product.
std::int64_t saved_input_bytes(const Subject& subject) {
  const std::int64_t own_bytes = element_bytes(subject);
  std::set<std::string> shared;
  std::int64_t sum = 0;
  for (const auto& [name, linear] : subject.decoder.linears()) {
    const std::string block = name.substr(0, name.rfind('.'));
    const std::string last = name.substr(name.rfind('.') + 1);
    const bool is_first = shared.insert(last == "o" || last == "down" ? name : block).second;
    const std::int64_t width = linear->weight_OI.size(1);
    if (linear->low_rank) {
      const bool has_dropout = linear->low_rank->dropout > 0;
      const bool keeps_own = has_dropout || own_bytes != kFp32Bytes;
      if (keeps_own || is_first) sum += width * kFp32Bytes * (has_dropout ? 2 : 1);
      sum += linear->low_rank->a_RI.size(0) * kFp32Bytes;
    } else if (!subject.trainable.is_adapter() && is_first) {
      sum += width * own_bytes;
    }
  }
  return sum;
}

/// The largest of: one layer's gated product going backward, the head's chunk of logits; and the
/// embedding's gradient on its way when the embedding is trained.
std::int64_t passing_bytes(const Subject& subject, std::int64_t tokens) {
  const DecoderFeatures& f = subject.decoder.features();
  const std::int64_t bytes = element_bytes(subject);
  const std::int64_t layer = 4 * gated_width(f) * tokens * bytes;
  const std::int64_t rows = std::min(tokens, cross_entropy_chunk_rows(f.vocabulary_size));
  const std::int64_t head =
      rows * f.vocabulary_size * (2 * kFp32Bytes + (bytes == kFp32Bytes ? 0 : 2 * bytes));
  const std::int64_t embedding =
      subject.trainable.is_adapter() ? 0 : 2 * f.vocabulary_size * f.hidden_size * kFp32Bytes;
  return std::max(layer, head + embedding);
}

std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t total_pages = 0;
  std::int64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

std::uint64_t unsigned_of(std::int64_t value) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value));
}

}  // namespace

MemoryPlan plan_memory(Model& model, const Trainable& trainable, std::int64_t longest_pack) {
  const Subject subject{*model.decoder, trainable};
  const DecoderFeatures& features = subject.decoder.features();
  const std::int64_t head_bytes = features.hidden_size * (kFp32Bytes + 3 * element_bytes(subject));
  const std::int64_t weights = parameter_bytes(subject);
  MemoryPlan plan;
  plan.weight_bytes = unsigned_of(weights);
  plan.state_bytes = unsigned_of(state_bytes(subject));
  plan.activation_bytes =
      unsigned_of(longest_pack * (features.num_layers * saved_bytes_per_layer(subject) +
                                  saved_input_bytes(subject) + head_bytes));
  plan.passing_bytes = unsigned_of(passing_bytes(subject, longest_pack));
  if (subject.decoder.device().is_cpu())
    plan.program_bytes = unsigned_of(resident_bytes() - weights);
  return plan;
}

}  // namespace sqpsych
