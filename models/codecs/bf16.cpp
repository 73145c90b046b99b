#include <ATen/ops/from_blob.h>

#include "models/codecs/codec.h"

namespace sqpsych {
namespace {

class Bf16Codec : public Codec {
 public:
  std::uint32_t ggml_type() const override { return 30; }
  double largest() const override { return 3.3895313892515355e38; }
  at::Tensor encode(const at::Tensor& values) const override { return values.to(at::kBFloat16); }
  at::Tensor decode(const std::uint8_t* bytes, std::int64_t count) const override {
    return at::from_blob(const_cast<std::uint8_t*>(bytes), {count}, at::kBFloat16)
        .to(at::kFloat, false, true);
  }
};

}  // namespace

const Codec& bf16_codec() {
  static const Bf16Codec codec;
  return codec;
}

}  // namespace sqpsych
