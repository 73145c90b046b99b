#include "models/config_reader.h"

#include <cmath>

#include "core/text.h"

namespace sqpsych {

const Json* ConfigReader::find(const char* key) const {
  const auto found = config_.find(key);
  return found == config_.end() || found->is_null() ? nullptr : &*found;
}

std::int64_t ConfigReader::integer(const char* key, std::optional<std::int64_t> absent,
                                   std::int64_t minimum, std::int64_t maximum) const {
  const auto* value = find(key);
  const auto expected = format("a whole number from {} to {}", minimum, maximum);
  if (!value) {
    if (absent && *absent >= minimum && *absent <= maximum) return *absent;
    const auto meaning = absent ? format(", which means {}", *absent) : "";
    problem(format("{}: found nothing{}, expected {}.", key, meaning, expected));
    return minimum;
  }
  const bool fits = value->is_number_integer() &&
                    (value->is_number_unsigned()
                         ? value->get<std::uint64_t>() <= static_cast<std::uint64_t>(maximum)
                         : true);
  if (fits) {
    const auto number = value->get<std::int64_t>();
    if (number >= minimum && number <= maximum) return number;
  }
  problem(format("{}: found {}, expected {}.", key, value->dump(), expected));
  return minimum;
}

double ConfigReader::number(const char* key, std::optional<double> absent) const {
  const auto* value = find(key);
  if (!value && absent) return *absent;
  if (value && value->is_number() && std::isfinite(value->get<double>()) &&
      value->get<double>() > 0)
    return value->get<double>();
  problem(
      format("{}: found {}, expected a positive number.", key, value ? value->dump() : "nothing"));
  return absent.value_or(1.0);
}

bool ConfigReader::flag(const char* key, bool absent) const {
  const auto* value = find(key);
  if (!value) return absent;
  if (value->is_boolean()) return value->get<bool>();
  problem(format("{}: found {}, expected true or false.", key, value->dump()));
  return absent;
}

std::string ConfigReader::text(const char* key, const std::string& absent) const {
  const auto* value = find(key);
  if (!value) return absent;
  if (value->is_string()) return value->get<std::string>();
  problem(format("{}: found {}, expected a text.", key, value->dump()));
  return absent;
}

std::vector<double> ConfigReader::positive_numbers(const char* key) const {
  const auto* value = find(key);
  if (!value) return {};
  std::vector<double> numbers;
  if (value->is_array())
    for (const auto& item : *value)
      if (item.is_number() && std::isfinite(item.get<double>()) && item.get<double>() > 0)
        numbers.push_back(item.get<double>());
  if (value->is_array() && numbers.size() == value->size()) return numbers;
  problem(format("{}: found {}, expected a list of positive numbers.", key, value->dump()));
  return {};
}

std::vector<std::string> ConfigReader::texts(const char* key) const {
  const auto* value = find(key);
  if (!value) return {};
  std::vector<std::string> texts;
  if (value->is_array())
    for (const auto& item : *value)
      if (item.is_string()) texts.push_back(item.get<std::string>());
  if (value->is_array() && texts.size() == value->size()) return texts;
  problem(format("{}: found {}, expected a list of texts.", key, value->dump()));
  return {};
}

}  // namespace sqpsych
