#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "core/random.h"
#include "models/model.h"

namespace sqpsych {

void initialise_weights(Decoder& decoder, std::uint64_t seed) {
  constexpr double kDeviation = 0.02;
  for (const auto& [name, parameter] : decoder.parameters()) {
    if (parameter->dim() == 1) {
      parameter->fill_(name.ends_with(".bias") ? 0 : 1);
      continue;
    }
    RandomStream random(derive_seed({std::string_view("initial weights"),
                                     static_cast<std::int64_t>(seed), std::string_view(name)}));
    auto values = at::empty(parameter->sizes(), at::kFloat);
    auto* value = values.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < values.numel(); ++i)
      value[i] = static_cast<float>(kDeviation * random.normal());
    parameter->copy_(values);
  }
}

}  // namespace sqpsych
