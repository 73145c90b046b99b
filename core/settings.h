#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/fields.h"

namespace sqpsych {

/// One setting of a config struct, for the reference.
struct Setting {
  std::string path;           ///< a.b; `[]` is any entry of a list, NAME any key of a table
  std::string default_value;  ///< as JSON
  std::string help;
  Rule rule;
};

/// JSON whose lists can be broken into lines.
std::string default_text(const Json& value);

/// Collects the settings of a config struct (core/fields.h), also those inside lists and tables.
class SettingsLister {
 public:
  SettingsLister(std::string place, std::vector<Setting>& settings)
      : place_(std::move(place)), settings_(settings) {}

  template <class T>
  void operator()(const char* name, T& value, const char* help, const Rule& rule = {}) {
    const auto path = place_ + name;
    if constexpr (fields_detail::Config<T>) {
      list(path + ".", value);
    } else {
      settings_.push_back({path, default_text(fields_detail::write_value(value)), help, rule});
      if constexpr (fields_detail::is_vector<T>::value)
        list_entry<typename T::value_type>(path + "[].");
      if constexpr (fields_detail::is_map<T>::value)
        list_entry<typename T::mapped_type>(path + ".NAME.");
    }
  }

 private:
  template <class T>
  void list(const std::string& place, T& value) {
    SettingsLister inner(place, settings_);
    value.fields(inner);
  }
  template <class T>
  void list_entry(const std::string& place) {
    if constexpr (fields_detail::Config<T>) {
      T defaults;
      list(place, defaults);
    }
  }

  std::string place_;
  std::vector<Setting>& settings_;
};

template <class T>
std::vector<Setting> settings_of() {
  T defaults;
  std::vector<Setting> settings;
  SettingsLister lister("", settings);
  defaults.fields(lister);
  return settings;
}

/// The settings for people: path and default, below it the meaning and what the value may be, in
/// lines of at most 80 columns.
std::string settings_text(const std::vector<Setting>& settings);

}  // namespace sqpsych
