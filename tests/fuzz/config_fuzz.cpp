// libFuzzer target: any bytes as config.json. A config is either refused by an Error or by a list
// of problems, or gives features of which names, shapes, a config and GGUF keys can be made, and
// that config gives the same shapes again.

#include <cstdint>
#include <string>

#include "core/error.h"
#include "models/families/family.h"
#include "models/layers/decoder.h"
#include "models/unread_settings.h"

namespace {

using sqpsych::Json;

// Small enough to list every parameter.
constexpr std::int64_t kMostParts = 4096;

void use(const sqpsych::Family& family, const sqpsych::DecoderFeatures& features) {
  if (features.num_layers * (features.experts.count + 1) > kMostParts) return;
  const auto shapes = sqpsych::parameter_shapes(features);
  if (family.tensor_names(features).size() < shapes.size()) __builtin_trap();
  try {
    sqpsych::GgufWriter writer;
    family.write_gguf_keys(features, writer);
  } catch (const sqpsych::FormatError&) {
  }
  sqpsych::ProblemList problems;
  const auto again = family.features(family.config(features), problems);
  if (!problems.empty() || sqpsych::parameter_shapes(again) != shapes) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto config = sqpsych::parse_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    const auto& family = sqpsych::family_of(config, "fuzz");
    const auto text_config = family.text_config(config);
    sqpsych::ProblemList problems;
    const auto features = family.features(text_config, problems);
    if (!problems.empty()) return 0;
    sqpsych::unread_settings(family, text_config);
    use(family, features);
  } catch (const sqpsych::Error&) {
  }
  return 0;
}
