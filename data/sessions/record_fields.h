#pragma once

#include <concepts>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"

namespace sqpsych {

/// Reads the known keys of one JSON record: wrong types are FormatErrors that name `where`
/// (file:line) and the key; what nobody asked for is kept by unknown().
class RecordFields {
 public:
  /// FormatError when `record` is not an object.
  RecordFields(const Json& record, std::string where);

  /// FormatError when the key is absent.
  template <class T>
  void need(const char* key, T& value) {
    if (!read(key, value)) missing(key);
  }
  /// True when the key is there (and not null).
  template <class T>
  bool read(const char* key, T& value) {
    const Json* found = find(key);
    if (!found) return false;
    convert(key, *found, value);
    return true;
  }
  /// Like need(), but also refuses an empty text.
  void need_text(const char* key, std::string& value);
  /// Refuses a text that is not one of `choices`.
  void choose(const char* key, std::string& value, const std::vector<std::string>& choices);
  /// The value of a key as it is; null pointer when absent or null.
  const Json* find(const char* key);
  const Json& need_list(const char* key);
  Json unknown() const;
  const std::string& where() const { return where_; }

 private:
  [[noreturn]] void missing(const char* key) const;
  [[noreturn]] void wrong(const char* key, const Json& found, const char* expected) const;

  template <class T>
  void convert(const char* key, const Json& found, T& value) const {
    if constexpr (std::same_as<T, std::string>) {
      if (!found.is_string()) wrong(key, found, "a text");
    } else if constexpr (std::same_as<T, bool>) {
      if (!found.is_boolean()) wrong(key, found, "true or false");
    } else if constexpr (std::unsigned_integral<T>) {
      if (!found.is_number_unsigned()) wrong(key, found, "a whole number, 0 or more");
    } else if constexpr (std::integral<T>) {
      if (!found.is_number_integer()) wrong(key, found, "a whole number");
    } else {
      static_assert(std::floating_point<T>, "this type cannot be a record field");
      if (!found.is_number()) wrong(key, found, "a number");
    }
    value = found.template get<T>();
  }

  const Json& record_;
  std::string where_;
  std::vector<std::string> known_;
};

/// `a text`, `a list`, `the number 3`: messages never repeat a text, it may be what a client said.
std::string describe_json(const Json& value);

}  // namespace sqpsych
