#include "models/weights/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {
namespace {

constexpr std::size_t kMaxShapeDimensions = 64;
constexpr const char* kDamaged = "The file is damaged or incomplete; save or download it again";

const std::vector<std::pair<std::string, at::ScalarType>>& dtype_table() {
  static const std::vector<std::pair<std::string, at::ScalarType>> table = {
      {"F64", at::kDouble},         {"F32", at::kFloat},
      {"F16", at::kHalf},           {"BF16", at::kBFloat16},
      {"I64", at::kLong},           {"I32", at::kInt},
      {"I16", at::kShort},          {"I8", at::kChar},
      {"U64", at::kUInt64},         {"U32", at::kUInt32},
      {"U16", at::kUInt16},         {"U8", at::kByte},
      {"BOOL", at::kBool},          {"F8_E4M3", at::kFloat8_e4m3fn},
      {"F8_E5M2", at::kFloat8_e5m2}};
  return table;
}

/// Sorted keys: an ordered object would make a hostile header with many keys quadratic.
nlohmann::json parse_without_duplicates(std::string_view text, const std::string& where) {
  std::vector<std::set<std::string>> keys;
  std::string duplicate;
  const auto note_keys = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(value.get<std::string>()).second)
      if (duplicate.empty()) duplicate = value.get<std::string>();
    return true;
  };
  nlohmann::json header;
  try {
    header = nlohmann::json::parse(text, note_keys);
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(
        format("{}: header: found invalid JSON ({}), expected an object of tensors. {}.", where,
               error.what(), kDamaged));
  }
  if (!duplicate.empty())
    throw FormatError(
        format("{}: header: found the key '{}' twice, expected every tensor once. {}.", where,
               duplicate, kDamaged));
  return header;
}

std::map<std::string, std::string> read_metadata(const nlohmann::json& metadata,
                                                 ProblemList& problems) {
  std::map<std::string, std::string> result;
  if (!metadata.is_object()) {
    problems.add(
        format("__metadata__: found {}, expected an object of texts", metadata.type_name()));
    return result;
  }
  for (const auto& [key, value] : metadata.items()) {
    if (value.is_string())
      result[key] = value.get<std::string>();
    else
      problems.add(format("__metadata__.{}: found {}, expected a text", key, value.type_name()));
  }
  return result;
}

/// A list of whole numbers that fit int64; problems name the tensor.
std::optional<std::vector<std::int64_t>> read_numbers(const nlohmann::json& entry,
                                                      const char* key) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_array()) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (const auto& number : *found) {
    if (!number.is_number_unsigned() ||
        number.get<std::uint64_t>() >
            static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return std::nullopt;
    numbers.push_back(number.get<std::int64_t>());
  }
  return numbers;
}

/// Bytes of a contiguous tensor; empty when the strides or the size overflow.
std::optional<std::uint64_t> contiguous_bytes(const std::vector<std::int64_t>& shape,
                                              std::size_t element_bytes) {
  std::int64_t product = static_cast<std::int64_t>(element_bytes);
  bool is_empty = false;
  for (auto size : shape) {
    if (size == 0)
      is_empty = true;
    else if (__builtin_mul_overflow(product, size, &product))
      return std::nullopt;
  }
  return is_empty ? 0 : static_cast<std::uint64_t>(product);
}

std::optional<SafetensorsEntry> read_entry(const std::string& name, const nlohmann::json& json,
                                           ProblemList& problems) {
  const auto wrong = [&](const std::string& text) {
    problems.add(format("tensor '{}': {}", name, text));
    return std::nullopt;
  };
  if (!json.is_object()) return wrong(format("found {}, expected an object", json.type_name()));
  SafetensorsEntry entry;
  const auto dtype = json.find("dtype");
  if (dtype == json.end() || !dtype->is_string()) return wrong("found no dtype, expected a text");
  entry.dtype = dtype->get<std::string>();
  const auto type = safetensors_scalar_type(entry.dtype);
  if (!type)
    return wrong(format("found dtype '{}', expected one of {}", entry.dtype,
                        quoted_list(safetensors_dtypes())));
  const auto shape = read_numbers(json, "shape");
  if (!shape || shape->size() > kMaxShapeDimensions)
    return wrong(
        format("found no usable shape, expected up to {} sizes of 0 or more", kMaxShapeDimensions));
  entry.shape = *shape;
  const auto offsets = read_numbers(json, "data_offsets");
  if (!offsets || offsets->size() != 2)
    return wrong("found no usable data_offsets, expected [begin, end]");
  entry.begin = static_cast<std::uint64_t>((*offsets)[0]);
  entry.end = static_cast<std::uint64_t>((*offsets)[1]);
  const auto expected = contiguous_bytes(entry.shape, c10::elementSize(*type));
  if (!expected)
    return wrong("found a shape whose size overflows, expected one that fits the file");
  if (entry.end < entry.begin || entry.end - entry.begin != *expected)
    return wrong(format("found data_offsets [{}, {}], expected {} bytes for {} [{}]", entry.begin,
                        entry.end, *expected, entry.dtype, number_list(entry.shape)));
  return entry;
}

/// Tensors must cover the data section without gap or overlap.
void check_coverage(const std::map<std::string, SafetensorsEntry>& entries,
                    std::uint64_t data_size_bytes, ProblemList& problems) {
  std::vector<std::pair<const std::string*, const SafetensorsEntry*>> ordered;
  for (const auto& [name, entry] : entries) ordered.emplace_back(&name, &entry);
  std::sort(ordered.begin(), ordered.end(), [](const auto& left, const auto& right) {
    return std::pair(left.second->begin, left.second->end) <
           std::pair(right.second->begin, right.second->end);
  });
  std::uint64_t position = 0;
  for (const auto& [name, entry] : ordered) {
    if (entry->end > data_size_bytes) {
      problems.add(
          format("tensor '{}': found data up to byte {}, expected at most {} (end of file)", *name,
                 entry->end, data_size_bytes));
      return;
    }
    if (entry->begin != position) {
      problems.add(format("tensor '{}': found it starting at byte {}, expected {} ({})", *name,
                          entry->begin, position, entry->begin < position ? "overlap" : "gap"));
      return;
    }
    position = entry->end;
  }
  if (position != data_size_bytes)
    problems.add(
        format("data: found {} bytes, expected {} (the tensors' sum)", data_size_bytes, position));
}

}  // namespace

std::optional<at::ScalarType> safetensors_scalar_type(const std::string& dtype) {
  for (const auto& [name, type] : dtype_table())
    if (name == dtype) return type;
  return std::nullopt;
}

std::optional<std::string> safetensors_dtype(at::ScalarType type) {
  for (const auto& [name, known] : dtype_table())
    if (known == type) return name;
  return std::nullopt;
}

std::vector<std::string> safetensors_dtypes() {
  std::vector<std::string> names;
  for (const auto& [name, type] : dtype_table()) names.push_back(name);
  return names;
}

SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_size_bytes,
                                           const std::string& where) {
  if (const auto invalid = find_invalid_utf8(json); invalid != std::string::npos)
    throw FormatError(format("{}: header: found invalid UTF-8 at byte {}, expected JSON text. {}.",
                             where, invalid + 8, kDamaged));
  const auto document = parse_without_duplicates(json, where);
  if (!document.is_object())
    throw FormatError(format("{}: header: found {}, expected an object of tensors. {}.", where,
                             document.type_name(), kDamaged));
  SafetensorsHeader header;
  ProblemList problems;
  for (const auto& [name, value] : document.items()) {
    if (name == "__metadata__")
      header.metadata = read_metadata(value, problems);
    else if (const auto entry = read_entry(name, value, problems))
      header.entries.emplace(name, *entry);
  }
  if (problems.empty()) check_coverage(header.entries, data_size_bytes, problems);
  problems.throw_if_any<FormatError>(where);
  return header;
}

}  // namespace sqpsych
