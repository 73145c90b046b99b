#include <ATen/ops/from_blob.h>

#include "models/codecs/codec.h"

namespace sqpsych {
namespace {

class F16Codec : public Codec {
 public:
  std::uint32_t ggml_type() const override { return 1; }
  double largest() const override { return 65504.0; }
  at::Tensor encode(const at::Tensor& values) const override { return values.to(at::kHalf); }
  at::Tensor decode(const std::uint8_t* bytes, std::int64_t count) const override {
    return at::from_blob(const_cast<std::uint8_t*>(bytes), {count}, at::kHalf)
        .to(at::kFloat, false, true);
  }
};

}  // namespace

const Codec& f16_codec() {
  static const F16Codec codec;
  return codec;
}

}  // namespace sqpsych
