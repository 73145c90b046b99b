
#include <map>
#include <set>

#include "core/text.h"
#include "models/codecs/codec.h"
#include "models/exporters/rules/gguf_rules.h"

namespace sqpsych {
namespace {

constexpr std::size_t kNamesShown = 6;

/// `'a', 'b' and 12 more`
std::string shortened(const std::vector<std::string>& names) {
  if (names.size() <= kNamesShown) return quoted_list(names);
  const std::vector<std::string> shown(names.begin(), names.begin() + kNamesShown);
  return format("{} and {} more", quoted_list(shown), names.size() - kNamesShown);
}

std::int64_t size_of(GgufSize size, const GgufHyperparameters& sizes, std::size_t layer,
                     std::int64_t tokens) {
  const auto query = sizes.heads[layer] * sizes.key_length;
  const auto key = sizes.kv_heads[layer] * sizes.key_length;
  const auto value = sizes.kv_heads[layer] * sizes.value_length;
  switch (size) {
    case GgufSize::kEmbedding:
      return sizes.embedding;
    case GgufSize::kTokens:
      return tokens;
    case GgufSize::kQuery:
      return query;
    case GgufSize::kKey:
      return key;
    case GgufSize::kValue:
      return value;
    case GgufSize::kHead:
      return sizes.key_length;
    case GgufSize::kOutput:
      return sizes.heads[layer] * sizes.value_length;
    case GgufSize::kFeedForward:
      return sizes.feed_forward[layer];
    case GgufSize::kTwoFeedForward:
      return 2 * sizes.feed_forward[layer];
    case GgufSize::kQueryKeyValue:
      return query + key + value;
    case GgufSize::kHalfRope:
      return sizes.rope_dimensions / 2;
    case GgufSize::kHeads:
      return sizes.heads[layer];
    case GgufSize::kKeyHeads:
      return sizes.kv_heads[layer];
    case GgufSize::kExperts:
      return sizes.experts;
    case GgufSize::kExpertFeedForward:
      return sizes.expert_feed_forward > 0 ? sizes.expert_feed_forward : sizes.feed_forward[layer];
  }
  return 0;
}

/// Vectors, norms, biases and rope factors are read as F32 and nothing else.
void check_type(GgufExamination& examination, const GgufTensor& tensor) {
  const bool must_be_f32 = tensor.shape.size() < 2 || tensor.name.ends_with("_norm.weight") ||
                           tensor.name.ends_with(".bias") || tensor.name.starts_with("rope_");
  if (must_be_f32 && tensor.type != static_cast<std::uint32_t>(GgmlType::kF32))
    examination.add("tensor-type-f32", format("tensor '{}': found {}, expected F32", tensor.name,
                                              ggml_layout(tensor.type)->name));
}

void check_shape(GgufExamination& examination, const GgufTensor& tensor,
                 const std::vector<std::int64_t>& expected, bool counts_tokens) {
  if (tensor.shape == expected) return;
  if (counts_tokens && tensor.shape.size() == 2 && tensor.shape[1] == expected[1])
    return examination.add("token-count",
                           format("tensor '{}': found {} rows, expected one per token "
                                  "({}). Pad the token list",
                                  tensor.name, tensor.shape[0], expected[0]));
  examination.add("tensor-shape", format("tensor '{}': found [{}], expected [{}]", tensor.name,
                                         number_list(tensor.shape), number_list(expected)));
}

}  // namespace

void check_tensors(GgufExamination& examination, const GgufArchitecture& architecture,
                   const GgufHyperparameters& sizes, std::optional<std::int64_t> tokens) {
  std::set<std::string> known;
  std::vector<std::string> missing;
  const auto is_for_file = [&](const GgufTensorRule& rule) {
    if (sizes.layers < rule.min_layers) return false;
    if (rule.experts == GgufExpertRule::kAlways) return true;
    return (rule.experts == GgufExpertRule::kMixture) == (sizes.experts > 0);
  };
  const auto check = [&](const GgufTensorRule& rule, std::size_t layer) {
    const auto name = rule.per_layer ? format("blk.{}.{}", layer, rule.name) : rule.name;
    known.insert(name);
    const auto* tensor = examination.file.find_tensor(name);
    if (!tensor) {
      if (rule.required) missing.push_back(name);
      return;
    }
    const bool counts_tokens = rule.shape.front() == GgufSize::kTokens;
    const std::int64_t rows = tensor->shape.empty() ? 0 : tensor->shape.front();
    std::vector<std::int64_t> expected;
    for (auto size : rule.shape)
      expected.push_back(size_of(size, sizes, layer, tokens.value_or(rows)));
    check_shape(examination, *tensor, expected, counts_tokens);
    check_type(examination, *tensor);
  };
  for (const auto& rule : architecture.tensors) {
    if (!is_for_file(rule)) continue;
    for (std::int64_t layer = 0; layer < (rule.per_layer ? sizes.layers : 1); ++layer)
      check(rule, static_cast<std::size_t>(layer));
  }
  if (!missing.empty())
    examination.add("tensor-missing", format("found no {}, expected all {} of them",
                                             shortened(missing), missing.size()));
  std::vector<std::string> extra;
  for (const auto& tensor : examination.file.tensors())
    if (!known.count(tensor.name)) extra.push_back(tensor.name);
  if (!extra.empty())
    examination.add("tensor-extra",
                    format("found {}, expected only tensors that {} models have: one "
                           "too many stops the loader",
                           shortened(extra), architecture.name));
}

}  // namespace sqpsych
