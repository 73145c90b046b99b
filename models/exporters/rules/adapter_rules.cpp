#include <charconv>
#include <cmath>
#include <map>
#include <string_view>

#include "core/text.h"
#include "models/codecs/codec.h"
#include "models/exporters/rules/gguf_rules.h"

namespace sqpsych {
namespace {

constexpr std::string_view kGgufSuffixA = ".lora_a";
constexpr std::string_view kGgufSuffixB = ".lora_b";
constexpr std::string_view kBlockStart = "blk.";

struct FactorPair {
  const GgufTensor* a = nullptr;
  const GgufTensor* b = nullptr;
};

void check_keys(GgufExamination& examination) {
  const auto* type = examination.required<std::string>("adapter.type");
  if (type && *type != "lora")
    examination.add("adapter-type", format("adapter.type: found '{}', expected 'lora'", *type));
  const auto* alpha = examination.value<float>("adapter.lora.alpha");
  if (alpha ? !std::isfinite(*alpha) || *alpha == 0 : !examination.file.find("adapter.lora.alpha"))
    examination.add(
        "adapter-alpha",
        format("adapter.lora.alpha: found {}, expected a number other than 0: without it "
               "the scale is 1, whatever the rank",
               alpha ? std::to_string(*alpha) : "nothing"));
  examination.value<std::string>("adapter.lora.task_name");
  examination.value<std::string>("adapter.lora.prompt_prefix");
  examination.value<std::vector<std::uint32_t>>("adapter.alora.invocation_tokens");
}

std::map<std::string, FactorPair> check_names(GgufExamination& examination) {
  std::map<std::string, FactorPair> pairs;
  for (const auto& tensor : examination.file.tensors()) {
    const bool is_a = tensor.name.ends_with(kGgufSuffixA);
    if (!is_a && !tensor.name.ends_with(kGgufSuffixB)) {
      examination.add("adapter-suffix",
                      format("tensor '{}': found this name, expected one that ends "
                             "in .lora_a or .lora_b",
                             tensor.name));
      continue;
    }
    auto& pair = pairs[tensor.name.substr(0, tensor.name.size() - kGgufSuffixA.size())];
    (is_a ? pair.a : pair.b) = &tensor;
  }
  return pairs;
}

/// `attn_q.weight` of `blk.12.attn_q.weight`; the name itself when it is of no layer.
std::string without_layer(const std::string& name) {
  if (!name.starts_with(kBlockStart)) return name;
  const auto dot = name.find('.', kBlockStart.size());
  if (dot == std::string::npos) return name;
  int layer = 0;
  const auto* end = name.data() + dot;
  const auto parsed = std::from_chars(name.data() + kBlockStart.size(), end, layer);
  return parsed.ptr == end ? name.substr(dot + 1) : name;
}

void check_base(GgufExamination& examination, const GgufArchitecture& architecture,
                const std::string& base) {
  const auto own_name = without_layer(base);
  const bool is_per_layer = own_name != base;
  for (const auto& rule : architecture.tensors) {
    if (rule.name != own_name || rule.per_layer != is_per_layer) continue;
    if (rule.shape.size() != 2)
      examination.add("adapter-base",
                      format("tensor '{}': found an adapter for a vector, expected one "
                             "for a matrix: the loader skips it",
                             base));
    return;
  }
  examination.add("adapter-base",
                  format("tensor '{}': found an adapter for it, expected a tensor that "
                         "{} models have",
                         base, architecture.name));
}

/// A [rank, in] and B [out, rank]; of an embedding A is [tokens, rank] and B [embedding, rank].
void check_shapes(GgufExamination& examination, const std::string& base, const FactorPair& pair) {
  const auto& a = pair.a->shape;
  const auto& b = pair.b->shape;
  const bool is_embedding = base == "token_embd.weight";
  const bool fits = a.size() == 2 && b.size() == 2 && a[is_embedding ? 1 : 0] == b[1] && b[1] > 0;
  if (!fits)
    examination.add("adapter-shape",
                    format("tensor '{}': found factors whose ranks differ or that are "
                           "no matrices, expected A [rank, in] and B [out, rank]",
                           base));
}

void check_factor_type(GgufExamination& examination, const GgufTensor& tensor) {
  if (!codec_of(tensor.type))
    examination.add("adapter-tensor-type",
                    format("tensor '{}': found {}, expected one of {}", tensor.name,
                           ggml_layout(tensor.type)->name, quoted_list(codec_names())));
}

}  // namespace

void check_adapter(GgufExamination& examination, const GgufArchitecture& architecture) {
  check_keys(examination);
  const auto pairs = check_names(examination);
  if (pairs.empty() && !examination.has_finding("adapter-suffix"))
    examination.add("tensor-missing", "found no factors, expected at least one pair");
  for (const auto& [base, pair] : pairs) {
    check_base(examination, architecture, base);
    if (!pair.a || !pair.b) {
      examination.add("adapter-pair", format("tensor '{}': found only {}, expected both halves",
                                             base, pair.a ? kGgufSuffixA : kGgufSuffixB));
      continue;
    }
    check_shapes(examination, base, pair);
    check_factor_type(examination, *pair.a);
    check_factor_type(examination, *pair.b);
  }
}

}  // namespace sqpsych
