#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"

/// A config is a plain struct with defaults and ONE listing of its fields:
///
///     struct LoraConfig {
///       std::int64_t lora_r = 16;
///       double lora_dropout = 0.0;
///       std::string bias = "none";
///       template <class Visitor> void fields(Visitor& visit) {
///         visit("lora_r", lora_r, "rank of the update", at_least(1));
///         visit("lora_dropout", lora_dropout, "dropout on the input of A", between(0, 1));
///         visit("bias", bias, "which biases are trained", one_of({"none"}));
///       }
///       void check(ProblemList& problems) const;   // optional: rules across fields
///     };
///
/// From it come reading (unknown keys name the nearest known one; every problem of a file is
/// reported together), `--set a.b=value`, `--print-config`, `--settings` (core/settings.h), the
/// run's echo.
/// Field types: bool, std::int64_t, double, std::string, ConfigPath, Json (free form), nested
/// config structs, and std::optional / std::vector / std::map<std::string, T> of these.
/// Precedence: defaults < file < --set.
namespace sqpsych {

/// A path relative to the config file that names it; absolute after loading. Empty means not set.
struct ConfigPath {
  std::filesystem::path path;
  bool empty() const { return path.empty(); }
};

/// What a value may be; empty members do not restrict.
struct Rule {
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::vector<std::string> choices;
  bool (*accepts)(const std::string&) = nullptr;
  std::string expected = "";  ///< what `accepts` takes, in words
};
inline Rule any_value() { return {}; }
inline Rule at_least(double minimum) { return {minimum, std::nullopt, {}}; }
inline Rule between(double minimum, double maximum) { return {minimum, maximum, {}}; }
inline Rule one_of(std::vector<std::string> choices) {
  return {std::nullopt, std::nullopt, std::move(choices)};
}
inline Rule such_that(bool (*accepts)(const std::string&), std::string expected) {
  return {std::nullopt, std::nullopt, {}, accepts, std::move(expected)};
}

namespace fields_detail {

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T>
struct is_map : std::false_type {};
template <class T>
struct is_map<std::map<std::string, T>> : std::true_type {};

struct AnyVisitor {
  template <class... Args>
  void operator()(Args&&...) {}
};
template <class T>
concept Config = std::is_class_v<T> && requires(T& value, AnyVisitor& visitor) {
  value.fields(visitor);
};
template <class T>
concept Checked = requires(const T& value, ProblemList& problems) {
  value.check(problems);
};

/// Where a value stands while reading: dotted path for messages, folder for ConfigPath.
struct Place {
  std::string path;
  std::filesystem::path folder;
  ProblemList* problems;
  void wrong(const std::string& found, const std::string& expected) const {
    problems->add(format("{}: found {}, expected {}", path, found, expected));
  }
};

void check_rule(double value, const Rule& rule, const Place& place);
void check_rule(const std::string& value, const Rule& rule, const Place& place);
std::string describe(const Json& value);

template <class T>
void read_value(const Json& json, T& value, const Rule& rule, const Place& place);

/// Reads the listed fields of an object and reports keys that nobody asked for.
class Reader {
 public:
  Reader(const Json& object, Place place) : object_(object), place_(std::move(place)) {}
  template <class T>
  void operator()(const char* name, T& value, const char*, const Rule& rule = {}) {
    known_.push_back(name);
    auto found = object_.find(name);
    if (found == object_.end()) return;
    read_value(*found, value, rule, {child(name), place_.folder, place_.problems});
  }
  void report_unknown() const;

 private:
  std::string child(const char* name) const {
    return place_.path.empty() ? name : place_.path + "." + name;
  }
  const Json& object_;
  Place place_;
  std::vector<std::string> known_;
};

template <class T>
void read_config(const Json& json, T& value, const Place& place) {
  if (!json.is_object()) return place.wrong(describe(json), "an object");
  Reader reader(json, place);
  value.fields(reader);
  reader.report_unknown();
  if constexpr (Checked<T>) {
    ProblemList own;
    value.check(own);
    for (const auto& problem : own.problems())
      place.problems->add(place.path.empty() ? problem : place.path + ": " + problem);
  }
}

template <class T>
void read_value(const Json& json, T& value, const Rule& rule, const Place& place) {
  if constexpr (std::same_as<T, Json>) {
    value = json;
  } else if constexpr (is_optional<T>::value) {
    if (json.is_null()) return value.reset();
    value.emplace();
    read_value(json, *value, rule, place);
  } else if constexpr (is_vector<T>::value) {
    if (!json.is_array()) return place.wrong(describe(json), "a list");
    value.clear();
    for (std::size_t i = 0; i < json.size(); ++i) {
      typename T::value_type item{};
      read_value(json[i], item, rule,
                 {format("{}[{}]", place.path, i), place.folder, place.problems});
      value.push_back(std::move(item));
    }
  } else if constexpr (is_map<T>::value) {
    if (!json.is_object()) return place.wrong(describe(json), "an object");
    value.clear();
    for (const auto& [key, entry] : json.items()) {
      typename T::mapped_type item{};
      read_value(entry, item, rule, {place.path + "." + key, place.folder, place.problems});
      value.emplace(key, std::move(item));
    }
  } else if constexpr (std::same_as<T, ConfigPath>) {
    if (!json.is_string()) return place.wrong(describe(json), "a path");
    std::filesystem::path path = json.get<std::string>();
    value.path =
        path.empty() || path.is_absolute() ? path : (place.folder / path).lexically_normal();
  } else if constexpr (Config<T>) {
    read_config(json, value, place);
  } else if constexpr (std::same_as<T, bool>) {
    if (!json.is_boolean()) return place.wrong(describe(json), "true or false");
    value = json.get<bool>();
  } else if constexpr (std::same_as<T, std::string>) {
    if (!json.is_string()) return place.wrong(describe(json), "a text");
    value = json.get<std::string>();
    check_rule(value, rule, place);
  } else if constexpr (std::integral<T>) {
    constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    if (!json.is_number_integer()) return place.wrong(describe(json), "a whole number");
    if (json.is_number_unsigned() && json.get<std::uint64_t>() > kLargest)
      return place.wrong(describe(json), format("a whole number up to {}", kLargest));
    value = json.get<T>();
    check_rule(static_cast<double>(value), rule, place);
  } else {
    static_assert(std::floating_point<T>, "this type cannot be a config field");
    if (!json.is_number()) return place.wrong(describe(json), "a number");
    value = json.get<T>();
    check_rule(static_cast<double>(value), rule, place);
  }
}

template <class T>
Json write_value(T& value);

struct Writer {
  Json& object;
  template <class T>
  void operator()(const char* name, T& value, const char*, const Rule& = {}) {
    object[name] = write_value(value);
  }
};

template <class T>
Json write_value(T& value) {
  if constexpr (is_optional<T>::value) {
    return value ? write_value(*value) : Json(nullptr);
  } else if constexpr (is_vector<T>::value) {
    Json list = Json::array();
    for (auto&& item : value) {
      auto copy = static_cast<typename T::value_type>(item);
      list.push_back(write_value(copy));
    }
    return list;
  } else if constexpr (is_map<T>::value) {
    Json object = Json::object();
    for (auto& [key, item] : value) object[key] = write_value(item);
    return object;
  } else if constexpr (std::same_as<T, ConfigPath>) {
    return value.path.string();
  } else if constexpr (Config<T>) {
    Json object = Json::object();
    Writer writer{object};
    value.fields(writer);
    return object;
  } else {
    return Json(value);
  }
}

}  // namespace fields_detail

/// Applies `a.b=value` to a JSON document; the value is JSON, or a text when it does not parse.
void apply_set(Json& document, const std::string& assignment);

/// The document of `file` (comments allowed; empty path: an empty object) with `--set` applied.
Json load_config_document(const std::filesystem::path& file, const std::vector<std::string>& sets);

/// Reads a document into a config; all problems together in one ConfigError that names `where`.
template <class T>
T config_from_json(const Json& document, const std::string& where,
                   const std::filesystem::path& folder) {
  T config;
  ProblemList problems;
  fields_detail::read_config(document, config, {"", folder, &problems});
  problems.throw_if_any<ConfigError>(where);
  return config;
}

/// defaults < file < sets. Paths are relative to the folder of `file`, those in `sets` too; without
/// a file to the current folder.
template <class T>
T load_config(const std::filesystem::path& file, const std::vector<std::string>& sets) {
  return config_from_json<T>(load_config_document(file, sets),
                             file.empty() ? "--set" : file.string(),
                             file.empty() ? std::filesystem::current_path()
                                          : std::filesystem::absolute(file).parent_path());
}

/// The resolved config: what `--print-config` shows and every run folder keeps.
template <class T>
Json config_to_json(const T& config) {
  T copy = config;
  return fields_detail::write_value(copy);
}

}  // namespace sqpsych
