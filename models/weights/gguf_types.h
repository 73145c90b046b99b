#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "models/weights/gguf_file.h"

namespace sqpsych {

/// Value type ids of the GGUF format (ggml docs/gguf.md).
inline constexpr std::uint32_t kGgufString = 8;
inline constexpr std::uint32_t kGgufArray = 9;

template <class T>
constexpr std::uint32_t gguf_scalar_type_id() {
  if constexpr (std::same_as<T, std::uint8_t>) return 0;
  if constexpr (std::same_as<T, std::int8_t>) return 1;
  if constexpr (std::same_as<T, std::uint16_t>) return 2;
  if constexpr (std::same_as<T, std::int16_t>) return 3;
  if constexpr (std::same_as<T, std::uint32_t>) return 4;
  if constexpr (std::same_as<T, std::int32_t>) return 5;
  if constexpr (std::same_as<T, float>) return 6;
  if constexpr (std::same_as<T, bool>) return 7;
  if constexpr (std::same_as<T, std::string>) return kGgufString;
  if constexpr (std::same_as<T, std::uint64_t>) return 10;
  if constexpr (std::same_as<T, std::int64_t>) return 11;
  if constexpr (std::same_as<T, double>) return 12;
}

template <class T>
struct GgufElement {
  using Type = T;
  static constexpr bool kIsArray = false;
};
template <class T>
struct GgufElement<std::vector<T>> {
  using Type = T;
  static constexpr bool kIsArray = true;
};

/// `u32`, `f32`, `string`, `string[]` ...: the type of a value as the format's page calls it.
std::string gguf_type_name(const GgufValue& value);
template <class T>
std::string gguf_type_name_of() {
  return gguf_type_name(GgufValue(std::in_place_type<T>));
}

}  // namespace sqpsych
