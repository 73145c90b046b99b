#include "generate/session_plan.h"

#include "core/hash.h"
#include "core/json_lines.h"
#include "core/text.h"

namespace sqpsych {
namespace {

constexpr std::size_t kIdDigits = 24;

std::string session_id(const std::string& profile_hash, const GenerateConfig& config,
                       std::int64_t replicate) {
  const Json parts = {profile_hash, config.strategy, replicate, config.seed};
  return sha256_hex(to_line(parts)).substr(0, kIdDigits);
}

}  // namespace

std::string SessionPlan::language_of(const PlannedSession& session,
                                     const GenerateConfig& config) const {
  const auto& own = profiles[session.profile].language;
  return config.language == "profile" ? (own.empty() ? "en" : own) : config.language;
}

SessionPlan plan_sessions(const std::filesystem::path& profiles, const GenerateConfig& config) {
  SessionPlan plan;
  for (auto& profile : read_profiles(profiles)) {
    if (profile.risk_positive) ++plan.risk_positive;
    if (profile.risk_positive && config.risk_policy == "exclude") {
      ++plan.excluded_by_risk;
      continue;
    }
    const auto hash = sha256_hex(to_line(to_json(profile)));
    for (std::int64_t replicate = 0; replicate < config.sessions_per_profile; ++replicate)
      plan.sessions.push_back(
          {session_id(hash, config, replicate), plan.profiles.size(), replicate});
    plan.groups.insert(profile.group);
    plan.profiles.push_back(std::move(profile));
    const auto language = plan.language_of(plan.sessions.back(), config);
    plan.languages.insert(language);
    if (plan.profiles.back().language != language) ++plan.other_language;
  }
  if (plan.profiles.empty() && plan.excluded_by_risk == 0)
    throw FormatError(
        format("{}: found no profile, expected at least one. Make them with "
               "`sqpsych profiles`.",
               profiles.string()));
  return plan;
}

Shard parse_shard(const std::string& text) {
  const auto parts = split(text, "/");
  Shard shard;
  const auto read = [](const std::string& number, std::int64_t& value) {
    if (number.empty() || number.size() > 6 ||
        number.find_first_not_of("0123456789") != std::string::npos)
      return false;
    value = std::stoll(number);
    return true;
  };
  if (parts.size() != 2 || !read(parts[0], shard.index) || !read(parts[1], shard.count) ||
      shard.index < 1 || shard.index > shard.count)
    throw ConfigError(
        format("--shard: found '{}', expected i/n with 1 <= i <= n, e.g. 1/4.", text));
  return shard;
}

std::vector<std::size_t> select_sessions(const SessionPlan& plan, const Shard& shard,
                                         std::optional<std::int64_t> limit) {
  std::vector<std::size_t> selected;
  const auto count = static_cast<std::size_t>(shard.count);
  for (std::size_t i = 0; i < plan.sessions.size(); ++i) {
    if (limit && selected.size() >= static_cast<std::size_t>(*limit)) break;
    if (plan.sessions[i].profile % count + 1 == static_cast<std::size_t>(shard.index))
      selected.push_back(i);
  }
  return selected;
}

}  // namespace sqpsych
