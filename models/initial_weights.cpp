#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "core/random.h"
#include "models/model.h"

namespace sqpsych {

void initialise_weights(Decoder& decoder, std::uint64_t seed, double deviation) {
  const double neutral_norm = decoder.features().norm_kind == NormKind::kRmsPlusOne ? 0 : 1;
  for (const auto& [name, parameter] : decoder.parameters()) {
    if (name.ends_with("norm.weight") || name.ends_with(".bias")) {
      parameter->fill_(name.ends_with(".bias") ? 0 : neutral_norm);
      continue;
    }
    RandomStream random(derive_seed({std::string_view("initial weights"),
                                     static_cast<std::int64_t>(seed), std::string_view(name)}));
    auto values = at::empty(parameter->sizes(), at::kFloat);
    auto* value = values.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < values.numel(); ++i)
      value[i] = static_cast<float>(deviation * random.normal());
    parameter->copy_(values);
  }
}

}  // namespace sqpsych
