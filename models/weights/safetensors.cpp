#include "models/weights/safetensors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"
#include "models/weights/safetensors_header.h"

namespace sqpsych {
namespace {

// Limit of the reference reader (huggingface/safetensors, MAX_HEADER_SIZE).
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::uint64_t kLengthBytes = 8;

std::uint64_t read_little_endian(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

/// Header text, padded with spaces so that the data section starts 8-byte aligned.
std::string header_of(const std::vector<DeferredTensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::set<std::string> names;
  std::uint64_t position = 0;
  for (const auto& tensor : tensors) {
    SQPSYCH_CHECK(names.insert(tensor.name).second);
    const auto dtype = safetensors_dtype(tensor.dtype);
    SQPSYCH_CHECK(dtype.has_value());
    std::uint64_t size_bytes = c10::elementSize(tensor.dtype);
    for (auto size : tensor.shape) size_bytes *= static_cast<std::uint64_t>(size);
    header[tensor.name] = {{"dtype", *dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {position, position + size_bytes}}};
    position += size_bytes;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : file_(std::make_shared<MappedFile>(path)) {
  const auto where = path.string();
  const auto size_bytes = file_->size_bytes();
  if (size_bytes < kLengthBytes)
    throw FormatError(
        format("{}: header: found {} bytes, expected at least 8. The file is incomplete; save or "
               "download it again.",
               where, size_bytes));
  const auto header_bytes = read_little_endian(file_->data());
  if (header_bytes > kMaxHeaderBytes)
    throw FormatError(
        format("{}: header: found a length of {} bytes, expected at most {}. This is "
               "not a safetensors file, or it is damaged.",
               where, header_bytes, kMaxHeaderBytes));
  if (header_bytes > size_bytes - kLengthBytes)
    throw FormatError(
        format("{}: header: found a file of {} bytes, expected {} for the header "
               "alone. The file is incomplete; save or download it again.",
               where, size_bytes, header_bytes + kLengthBytes));
  data_begin_ = kLengthBytes + header_bytes;
  auto header = parse_safetensors_header(file_->text().substr(kLengthBytes, header_bytes),
                                         size_bytes - data_begin_, where);
  entries_ = std::move(header.entries);
  metadata_ = std::move(header.metadata);
}

const std::filesystem::path& SafetensorsFile::path() const { return file_->path(); }

const SafetensorsEntry& SafetensorsFile::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end())
    throw FormatError(
        format("{}: tensor '{}': found nothing, expected it in the file. Check that "
               "config and weights belong together.",
               path().string(), name));
  return found->second;
}

std::string_view SafetensorsFile::bytes(const std::string& name) const {
  const auto& place = entry(name);
  return file_->text().substr(data_begin_ + place.begin, place.end - place.begin);
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const auto& place = entry(name);
  const auto type = *safetensors_scalar_type(place.dtype);
  const auto options = at::TensorOptions().dtype(type);
  const auto stored = bytes(name);
  if (stored.empty()) return at::empty(place.shape, options);
  if (reinterpret_cast<std::uintptr_t>(stored.data()) % c10::elementSize(type) != 0) {
    auto copy = at::empty(place.shape, options);
    std::memcpy(copy.data_ptr(), stored.data(), stored.size());
    return copy;
  }
  return at::from_blob(
      const_cast<char*>(stored.data()), place.shape, [file = file_](void*) {}, options);
}

void write_safetensors(const std::filesystem::path& path,
                       const std::vector<DeferredTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const auto header = header_of(tensors, metadata);
  AtomicFile file(path);
  std::uint8_t length[kLengthBytes];
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    length[i] = static_cast<std::uint8_t>(header.size() >> (8 * i));
  file.write(length, sizeof length);
  file.write(header);
  for (const auto& deferred : tensors) {
    const auto tensor = deferred.make().to(at::kCPU, deferred.dtype).contiguous();
    SQPSYCH_CHECK(tensor.sizes() == at::IntArrayRef(deferred.shape));
    file.write(tensor.data_ptr(), tensor.nbytes());
  }
  file.commit();
}

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<DeferredTensor> deferred;
  for (const auto& named : tensors)
    deferred.push_back({named.first, named.second.scalar_type(), named.second.sizes().vec(),
                        [tensor = named.second] { return tensor; }});
  write_safetensors(path, deferred, metadata);
}

}  // namespace sqpsych
