#include "data/datasets/filters.h"

#include <algorithm>
#include <cctype>

#include "core/hash.h"
#include "core/text.h"
#include "data/datasets/importers/importer.h"
#include "data/datasets/scripts.h"

namespace sqpsych {

namespace {

std::int64_t characters_of(const std::string& text) {
  return std::count_if(text.begin(), text.end(),
                       [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; });
}

std::int64_t characters_of(const SourceSession& session) {
  std::int64_t characters = 0;
  for (const auto& turn : session.turns) characters += characters_of(turn.text);
  return characters;
}

std::string all_text(const SourceSession& session) {
  std::string text;
  for (const auto& turn : session.turns) text += turn.text + "\n";
  return text;
}

std::string failed(const SourceSession& session, const FilterConfig& config, FilterMemory&) {
  return config.failed && session.failed ? "the source marks it as failed" : "";
}

std::string positive_risk(const SourceSession& session, const FilterConfig& config, FilterMemory&) {
  return config.positive_risk && session.risk_positive ? "the profile has a positive risk item"
                                                       : "";
}

std::string keep_only(const SourceSession& session, const FilterConfig& config, FilterMemory&) {
  for (const auto& [field, values] : config.keep_only) {
    const auto found = session.fields.find(field);
    const std::string value = found == session.fields.end() ? "" : found->second;
    if (std::find(values.begin(), values.end(), value) == values.end())
      return format("{} is '{}'", field, value);
  }
  return "";
}

std::string no_reply(const SourceSession& session, const FilterConfig&, FilterMemory&) {
  const bool has_reply =
      std::any_of(session.turns.begin(), session.turns.end(),
                  [](const auto& turn) { return turn.speaker == "counselor" && turn.trained; });
  return has_reply ? "" : "no counselor turn to train on";
}

std::string few_turns(const SourceSession& session, const FilterConfig& config, FilterMemory&) {
  if (std::ssize(session.turns) >= config.min_turns) return "";
  return format("{} utterances", session.turns.size());
}

std::string many_turns(const SourceSession& session, const FilterConfig& config, FilterMemory&) {
  if (config.max_turns == 0 || std::ssize(session.turns) <= config.max_turns) return "";
  return format("{} utterances", session.turns.size());
}

std::string short_text(const SourceSession& session, const FilterConfig& config, FilterMemory&) {
  const std::int64_t characters = characters_of(session);
  return characters >= config.min_characters ? "" : format("{} characters", characters);
}

std::string long_text(const SourceSession& session, const FilterConfig& config, FilterMemory&) {
  const std::int64_t characters = characters_of(session);
  if (config.max_characters == 0 || characters <= config.max_characters) return "";
  return format("{} characters", characters);
}

std::string long_turn(const SourceSession& session, const FilterConfig& config, FilterMemory&) {
  if (config.max_turn_characters == 0) return "";
  for (std::size_t i = 0; i < session.turns.size(); ++i)
    if (const auto characters = characters_of(session.turns[i].text);
        characters > config.max_turn_characters)
      return format("utterance {} has {} characters", i + 1, characters);
  return "";
}

std::string same_speaker(const SourceSession& session, const FilterConfig& config, FilterMemory&) {
  if (!config.same_speaker) return "";
  for (std::size_t i = 1; i < session.turns.size(); ++i)
    if (session.turns[i].speaker == session.turns[i - 1].speaker)
      return format("utterances {} and {} are of one speaker", i, i + 1);
  return "";
}

std::string placeholder(const SourceSession& session, const FilterConfig& config, FilterMemory&) {
  if (!config.max_placeholders) return "";
  const auto slots = find_placeholders(all_text(session), config.placeholder_words);
  if (std::ssize(slots) <= *config.max_placeholders) return "";
  return format("{} unfilled slots, the first is {}", slots.size(), slots.front());
}

std::string repeated(const SourceSession& session, const FilterConfig& config, FilterMemory&) {
  const double share = repeated_share(session);
  if (!config.max_repeated || share <= *config.max_repeated) return "";
  return format("{:.1f} % of the utterances repeat an earlier one", 100 * share);
}

std::string foreign_script(const SourceSession& session, const FilterConfig& config,
                           FilterMemory&) {
  if (config.script.empty()) return "";
  const double share = foreign_share(all_text(session), config.script);
  if (share <= config.max_foreign) return "";
  return format("{:.1f} % of the letters are not {}", 100 * share, config.script);
}

std::string duplicate(const SourceSession& session, const FilterConfig& config,
                      FilterMemory& memory) {
  if (!config.duplicates) return "";
  const bool fresh = memory.text_hashes.insert(sha256_hex(joined_text(session.turns))).second;
  return fresh ? "" : "the same text came before";
}

}  // namespace

const std::vector<Filter>& filters() {
  static const std::vector<Filter> list = {
      {"failed", failed},
      {"positive_risk", positive_risk},
      {"keep_only", keep_only},
      {"no_reply", no_reply},
      {"few_turns", few_turns},
      {"many_turns", many_turns},
      {"short_text", short_text},
      {"long_text", long_text},
      {"long_turn", long_turn},
      {"same_speaker", same_speaker},
      {"placeholder", placeholder},
      {"repeated", repeated},
      {"foreign_script", foreign_script},
      {"duplicate", duplicate},
  };
  return list;
}

bool passes_filters(const SourceSession& session, const FilterConfig& config, FilterMemory& memory,
                    DroppedSession& dropped) {
  for (const auto& filter : filters()) {
    std::string found = filter.found(session, config, memory);
    if (found.empty()) continue;
    dropped = {session.id, session.where, filter.name, std::move(found)};
    return false;
  }
  return true;
}

double repeated_share(const SourceSession& session) {
  std::set<std::pair<std::string, std::string>> seen;
  std::int64_t repeats = 0;
  for (const auto& turn : session.turns)
    repeats += !seen.insert({turn.speaker, std::string(trim(turn.text))}).second;
  return session.turns.empty()
             ? 0
             : static_cast<double>(repeats) / static_cast<double>(session.turns.size());
}

std::vector<std::string> find_placeholders(const std::string& text,
                                           const std::vector<std::string>& words) {
  constexpr std::size_t kLongestSlot = 40;
  constexpr std::string_view kOpen = "[{<";
  constexpr std::string_view kClose = "]}>";
  std::vector<std::string> slots;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t kind = kOpen.find(text[i]);
    if (kind == std::string_view::npos) continue;
    const auto reach = std::string_view(text).substr(i + 1, kLongestSlot + 1);
    const std::size_t length = reach.find(kClose[kind]);
    if (length == std::string_view::npos) continue;
    std::string inside = to_lower_ascii(reach.substr(0, length));
    for (char& letter : inside)
      if (std::isalpha(static_cast<unsigned char>(letter)) == 0) letter = ' ';
    const bool slot = std::any_of(words.begin(), words.end(), [&](const std::string& word) {
      return (" " + inside + " ").find(" " + to_lower_ascii(word) + " ") != std::string::npos;
    });
    if (slot) slots.push_back(text.substr(i, length + 2));
  }
  return slots;
}

double foreign_share(const std::string& text, const std::string& script) {
  std::int64_t letters = 0;
  std::int64_t foreign = 0;
  for (std::size_t position = 0; position < text.size();) {
    const std::string found = script_of(next_code_point(text, position));
    if (found.empty()) continue;
    ++letters;
    const bool japanese = script == "japanese" && (found == "kana" || found == "chinese");
    foreign += found != script && !japanese;
  }
  return letters == 0 ? 0 : static_cast<double>(foreign) / static_cast<double>(letters);
}

}  // namespace sqpsych
