// libFuzzer target: any bytes as a safetensors file. A file is either refused by an Error or gives
// tensors whose every byte can be read.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/error.h"
#include "models/weights/safetensors.h"
#include "tests/support/temporary_folder.h"

namespace {

unsigned char all_bytes(const at::Tensor& tensor) {
  const auto* bytes = static_cast<const unsigned char*>(tensor.const_data_ptr());
  unsigned char sum = 0;
  for (std::size_t i = 0; i < tensor.nbytes(); ++i) sum ^= bytes[i];
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sqpsych::testing::TemporaryFolder folder;
  [[maybe_unused]] static volatile unsigned char kept = 0;
  sqpsych::testing::write_text(folder / "model.safetensors",
                               std::string(reinterpret_cast<const char*>(data), size));
  try {
    const sqpsych::SafetensorsFile file(folder / "model.safetensors");
    for (const auto& [name, entry] : file.entries()) try {
        kept = all_bytes(file.tensor(name));
      } catch (const sqpsych::FormatError&) {
      }
  } catch (const sqpsych::Error&) {
  }
  return 0;
}
