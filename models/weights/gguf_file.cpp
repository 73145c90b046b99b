#include "models/weights/gguf_file.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstring>
#include <fstream>
#include <string_view>

#include "core/error.h"
#include "core/text.h"
#include "models/codecs/codec.h"
#include "models/weights/gguf_parser.h"
#include "models/weights/gguf_types.h"

namespace sqpsych {
namespace {

template <class T>
T need_value(const GgufFile& file, const std::string& key) {
  const auto* value = file.find(key);
  if (!value)
    throw FormatError(
        format("{}: key '{}': found nothing, expected {}. Run `sqpsych verify` on the "
               "file.",
               file.path().string(), key, gguf_type_name_of<T>()));
  const auto* typed = std::get_if<T>(value);
  if (!typed)
    throw FormatError(
        format("{}: key '{}': found type {}, expected {}. Run `sqpsych verify` on the "
               "file.",
               file.path().string(), key, gguf_type_name(*value), gguf_type_name_of<T>()));
  return *typed;
}

std::optional<at::ScalarType> dense_type(std::uint32_t ggml_type) {
  switch (static_cast<GgmlType>(ggml_type)) {
    case GgmlType::kF32:
      return at::kFloat;
    case GgmlType::kF16:
      return at::kHalf;
    case GgmlType::kBF16:
      return at::kBFloat16;
    default:
      return std::nullopt;
  }
}

}  // namespace

GgufFile::GgufFile(const std::filesystem::path& path) : file_(std::make_shared<MappedFile>(path)) {
  auto contents = parse_gguf(file_->text());
  ProblemList problems;
  for (const auto& fault : contents.faults) problems.add(fault.rule + ": " + fault.detail + ".");
  problems.throw_if_any<FormatError>(path.string());
  version_ = contents.version;
  alignment_ = contents.alignment;
  data_begin_ = contents.data_begin;
  values_ = std::move(contents.values);
  tensors_ = std::move(contents.tensors);
}

const GgufValue* GgufFile::find(const std::string& key) const {
  for (const auto& [name, value] : values_)
    if (name == key) return &value;
  return nullptr;
}

const GgufTensor* GgufFile::find_tensor(const std::string& name) const {
  for (const auto& tensor : tensors_)
    if (tensor.name == name) return &tensor;
  return nullptr;
}

std::string GgufFile::text(const std::string& key) const {
  return need_value<std::string>(*this, key);
}
std::uint32_t GgufFile::u32(const std::string& key) const {
  return need_value<std::uint32_t>(*this, key);
}
float GgufFile::f32(const std::string& key) const { return need_value<float>(*this, key); }

std::optional<std::uint32_t> GgufFile::optional_u32(const std::string& key) const {
  if (!find(key)) return std::nullopt;
  return u32(key);
}

const std::uint8_t* GgufFile::bytes(const GgufTensor& entry) const {
  return file_->data() + data_begin_ + entry.offset;
}

at::Tensor GgufFile::tensor(const GgufTensor& entry) const {
  const auto* codec = codec_of(entry.type);
  if (!codec)
    throw FormatError(format(
        "{}: tensor '{}': found type {}, expected one of {}. Export the model "
        "again with such a --type.",
        path().string(), entry.name, ggml_layout(entry.type)->name, quoted_list(codec_names())));
  std::int64_t count = 1;
  for (auto size : entry.shape) count *= size;
  const auto dense = dense_type(entry.type);
  if (!dense) return codec->decode(bytes(entry), count).view(entry.shape);
  if (count == 0) return at::empty(entry.shape, *dense);
  auto* data = const_cast<std::uint8_t*>(bytes(entry));
  if (reinterpret_cast<std::uintptr_t>(data) % c10::elementSize(*dense) != 0) {
    auto copy = at::empty(entry.shape, *dense);
    std::memcpy(copy.data_ptr(), data, entry.size_bytes);
    return copy;
  }
  return at::from_blob(
      data, entry.shape, [file = file_](void*) {}, *dense);
}

bool is_gguf_file(const std::filesystem::path& path) {
  constexpr std::string_view kMagic = "GGUF";
  if (!std::filesystem::is_regular_file(path)) return false;
  std::ifstream file(path, std::ios::binary);
  char first[kMagic.size()] = {};
  file.read(first, sizeof first);
  return std::string_view(first, sizeof first) == kMagic;
}

}  // namespace sqpsych
