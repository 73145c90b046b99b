#include <ATen/ops/abs.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/max.h>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "core/text.h"
#include "models/codecs/codec.h"
#include "models/weights/gguf_file.h"
#include "models/weights/gguf_types.h"

namespace sqpsych {
namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::uint64_t kAlignment = 32;

std::uint64_t padded(std::uint64_t size_bytes) {
  return (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
}

template <class T>
void put(std::string& bytes, T number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void put_element(std::string& bytes, const std::string& text) {
  put<std::uint64_t>(bytes, text.size());
  bytes += text;
}
template <class T>
void put_element(std::string& bytes, T number) {
  put(bytes, number);
}

void put_value(std::string& bytes, const GgufValue& value) {
  std::visit(
      [&]<class T>(const T& typed) {
        using Element = GgufElement<T>;
        const auto type = gguf_scalar_type_id<typename Element::Type>();
        if constexpr (Element::kIsArray) {
          put(bytes, kGgufArray);
          put(bytes, type);
          put<std::uint64_t>(bytes, typed.size());
          for (const auto& element : typed)
            put_element(bytes, static_cast<typename Element::Type>(element));
        } else {
          put(bytes, type);
          put_element(bytes, typed);
        }
      },
      value);
}

/// NaN and infinities never leave the toolkit, and neither does a value that its type turns into
/// one.
void check_values(const std::string& name, const at::Tensor& values, const Codec& codec) {
  if (values.numel() == 0) return;
  const auto largest = at::abs(values).max().item<double>();
  if (largest <= codec.largest()) return;
  const bool is_finite = at::isfinite(values).all().item<bool>();
  throw FormatError(
      is_finite
          ? format("export: tensor '{}': found a value of magnitude {}, expected at most {} for "
                   "{}. Choose --type BF16 or F32.",
                   name, largest, codec.largest(), codec.layout().name)
          : format("export: tensor '{}': found NaN or infinite values, expected numbers. The "
                   "weights are broken; train or download them again.",
                   name));
}

}  // namespace

void GgufWriter::set(const std::string& key, GgufValue value) {
  for (auto& [name, old] : values_) {
    if (name != key) continue;
    old = std::move(value);
    return;
  }
  values_.emplace_back(key, std::move(value));
}

const GgufValue* GgufWriter::find(const std::string& key) const {
  for (const auto& [name, value] : values_)
    if (name == key) return &value;
  return nullptr;
}

void GgufWriter::add(const std::string& name, const at::Tensor& tensor, GgmlType type) {
  add(name, tensor.sizes().vec(), type, [tensor] { return tensor; });
}

void GgufWriter::add(const std::string& name, std::vector<std::int64_t> shape, GgmlType type,
                     std::function<at::Tensor()> make) {
  const auto row = shape.empty() ? 1 : shape.back();
  const auto* codec = codec_of(static_cast<std::uint32_t>(type));
  SQPSYCH_CHECK(codec != nullptr);
  if (row % codec->layout().block_elements != 0) {
    type = GgmlType::kF16;
    codec = codec_of(static_cast<std::uint32_t>(type));
  }
  std::uint64_t elements = 1;
  for (auto size : shape) elements *= static_cast<std::uint64_t>(size);
  const auto& layout = codec->layout();
  const auto size_bytes =
      elements / static_cast<std::uint64_t>(layout.block_elements) * layout.block_bytes;
  tensors_.push_back({name, std::move(shape), type, std::move(make), size_bytes});
}

std::uint64_t GgufWriter::data_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& tensor : tensors_) sum += padded(tensor.size_bytes);
  return sum;
}

std::string GgufWriter::header() const {
  std::string bytes = "GGUF";
  put(bytes, kVersion);
  put<std::uint64_t>(bytes, tensors_.size());
  put<std::uint64_t>(bytes, values_.size());
  for (const auto& [key, value] : values_) {
    put_element(bytes, key);
    put_value(bytes, value);
  }
  std::uint64_t offset = 0;
  for (const auto& tensor : tensors_) {
    put_element(bytes, tensor.name);
    put(bytes, static_cast<std::uint32_t>(tensor.shape.size()));
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size)
      put(bytes, static_cast<std::uint64_t>(*size));
    put(bytes, static_cast<std::uint32_t>(tensor.type));
    put(bytes, offset);
    offset += padded(tensor.size_bytes);
  }
  bytes.append(padded(bytes.size()) - bytes.size(), '\0');
  return bytes;
}

void GgufWriter::write(const std::filesystem::path& path) const {
  AtomicFile file(path);
  file.write(header());
  Progress progress("writing " + path.filename().string(),
                    static_cast<std::int64_t>(tensors_.size()), "tensors");
  for (const auto& tensor : tensors_) {
    throw_if_interrupted("export");
    const auto& codec = *codec_of(static_cast<std::uint32_t>(tensor.type));
    const auto values = tensor.make().to(at::kCPU, at::kFloat).contiguous();
    SQPSYCH_CHECK(values.sizes() == at::IntArrayRef(tensor.shape));
    check_values(tensor.name, values, codec);
    const auto encoded = codec.encode(values);
    SQPSYCH_CHECK(encoded.nbytes() == tensor.size_bytes);
    file.write(encoded.const_data_ptr(), encoded.nbytes());
    file.write(std::string(padded(tensor.size_bytes) - tensor.size_bytes, '\0'));
    progress.advance();
  }
  file.commit();
}

}  // namespace sqpsych
