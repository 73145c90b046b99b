#include <ATen/ops/from_blob.h>

#include "models/codecs/codec.h"

namespace sqpsych {
namespace {

class F32Codec : public Codec {
 public:
  std::uint32_t ggml_type() const override { return 0; }
  double largest() const override { return 3.4028234663852886e38; }
  at::Tensor encode(const at::Tensor& values) const override { return values.to(at::kFloat); }
  at::Tensor decode(const std::uint8_t* bytes, std::int64_t count) const override {
    return at::from_blob(const_cast<std::uint8_t*>(bytes), {count}, at::kFloat)
        .to(at::kFloat, false, true);
  }
};

}  // namespace

const Codec& f32_codec() {
  static const F32Codec codec;
  return codec;
}

}  // namespace sqpsych
