#include "models/weights/merge.h"

#include <ATen/ops/addmm.h>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {

at::Tensor merge_low_rank(const at::Tensor& weight_OI, const AdapterFactors& factors,
                          const std::string& module) {
  const auto& a_RI = factors.a_RI;
  const auto& b_OR = factors.b_OR;
  if (weight_OI.dim() != 2 || b_OR.size(0) != weight_OI.size(0) ||
      a_RI.size(1) != weight_OI.size(1))
    throw FormatError(
        format("adapter: module '{}': found factors for a [{}, {}] weight, expected "
               "[{}]. The adapter belongs to another base model.",
               module, b_OR.size(0), a_RI.size(1), number_list(weight_OI.sizes())));
  return at::addmm(weight_OI.to(at::kFloat), b_OR.to(at::kFloat), a_RI.to(at::kFloat), 1,
                   factors.scale);
}

std::string module_of_weight(const std::string& weight_name) {
  constexpr std::string_view kSuffix = ".weight";
  return weight_name.ends_with(kSuffix) ? weight_name.substr(0, weight_name.size() - kSuffix.size())
                                        : weight_name;
}

}  // namespace sqpsych
