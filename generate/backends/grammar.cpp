#include "generate/backends/grammar.h"

#include <algorithm>
#include <set>

#include "core/files.h"
#include "core/hash.h"
#include "core/json_lines.h"
#include "core/text.h"

namespace sqpsych {
namespace {

namespace fs = std::filesystem;

/// Slots and what an agent must be allowed to read to use them; empty: nothing.
const std::map<std::string, std::string>& slot_fields() {
  static const std::map<std::string, std::string> fields = {
      {"answer", "items"}, {"crisis", ""}, {"end_token", ""}, {"language", ""}};
  return fields;
}

/// Variables that conditions may ask for besides the grammar's own choices.
const std::map<std::string, std::string>& variable_fields() {
  static const std::map<std::string, std::string> fields = {
      {"group", "group"}, {"severity", "items"}, {"topic", ""},
      {"second", ""},     {"position", ""},      {"protocol", ""}};
  return fields;
}

constexpr std::string_view kDemographics = "demographics.";

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> texts;
  for (const auto& entry : list) texts.push_back(entry.get<std::string>());
  return texts;
}

std::vector<fs::path> part_files(const fs::path& folder) {
  if (!fs::is_directory(folder))
    throw ResourceError(
        format("grammars: '{}': found no such folder, expected one with *.json "
               "files. Check the config's key `grammar`.",
               folder.string()));
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Grammar::Grammar(const fs::path& folder) {
  ProblemList problems;
  std::string hashes;
  for (const auto& file : part_files(folder)) {
    hashes += file.filename().string() + " " + sha256_hex_of_file(file) + "\n";
    try {
      read_part(read_json(file), file.filename().string(), problems);
    } catch (const Json::exception& error) {
      problems.add(format("{}: {}", file.filename().string(), error.what()));
    }
  }
  sha256_ = sha256_hex(hashes);
  check(problems);
  problems.throw_if_any<FormatError>(folder.string());
}

void Grammar::read_part(const Json& part, const std::string& where, ProblemList& problems) {
  for (const auto& [key, value] : part.items()) {
    if (key == "name") {
      name_ = value.get<std::string>();
    } else if (key == "language") {
      language_ = value.get<std::string>();
    } else if (key == "turns") {
      shortest_turns_ = value.at("shortest").get<std::int64_t>();
      longest_turns_ = value.at("longest").get<std::int64_t>();
    } else if (key == "stages") {
      for (const auto& stage : value)
        stages_.push_back({stage.at("name").get<std::string>(), stage.value("turns", 0L),
                           stage.value("weight", 0L)});
    } else if (key == "topics") {
      for (const auto& [name, words] : value.items()) topics_.push_back({name, texts_of(words)});
    } else if (key == "choices") {
      for (const auto& [name, values] : value.items()) choices_[name] = texts_of(values);
    } else if (key == "rules") {
      for (const auto& [name, alternatives] : value.items())
        read_rule(name, alternatives, where, problems);
    } else {
      problems.add(
          format("{}: found the key '{}', expected name, language, turns, stages, topics, "
                 "choices or rules",
                 where, key));
    }
  }
}

void Grammar::read_rule(const std::string& name, const Json& alternatives, const std::string& where,
                        ProblemList& problems) {
  if (rules_.count(name))
    problems.add(format("{}: rule '{}': found it a second time, expected it once", where, name));
  auto& productions = rules_[name];
  for (const auto& entry : alternatives) {
    Production production;
    if (entry.is_string()) {
      production.text = entry.get<std::string>();
    } else {
      production.text = entry.at("text").get<std::string>();
      production.weight = entry.value("weight", 1.0);
      if (entry.contains("has")) production.has = texts_of(entry["has"]);
      if (entry.contains("when"))
        for (const auto& [variable, values] : entry["when"].items())
          production.when[variable] = texts_of(values);
      for (const auto& [key, value] : entry.items())
        if (key != "text" && key != "weight" && key != "has" && key != "when")
          problems.add(
              format("{}: rule '{}': found the key '{}', expected text, weight, when or "
                     "has",
                     where, name, key));
    }
    if (!(production.weight > 0))
      problems.add(format("{}: rule '{}': found the weight {}, expected more than 0", where, name,
                          production.weight));
    productions.push_back(std::move(production));
  }
}

void Grammar::check(ProblemList& problems) const {
  if (name_.empty() || language_.empty() || stages_.empty() || topics_.empty())
    problems.add("found no name, language, stages or topics, expected all four");
  if (shortest_turns_ < 1 || longest_turns_ < shortest_turns_)
    problems.add("turns: expected 1 <= shortest <= longest");
  std::int64_t needed = 0;
  for (const auto& stage : stages_) {
    if ((stage.turns > 0) == (stage.weight > 0))
      problems.add(format("stage '{}': expected either turns or weight above 0", stage.name));
    needed += std::max<std::int64_t>(1, stage.turns);
  }
  if (needed > shortest_turns_)
    problems.add(format("turns.shortest: found {}, expected at least {}, what the stages need",
                        shortest_turns_, needed));
  for (const auto& [name, values] : choices_)
    if (values.empty())
      problems.add(format("choices.{}: found nothing, expected at least one text", name));
  for (const auto& [rule, productions] : rules_) {
    if (productions.empty())
      problems.add(format("rule '{}': found nothing, expected alternatives", rule));
    for (const auto& production : productions) check_production(rule, production, problems);
  }
  std::map<std::string, bool> done;
  for (const auto& stage : stages_) {
    for (const char* speaker : {"counselor", "client"}) {
      const auto start = format("{}.{}", speaker, stage.name);
      if (!has_rule(start)) problems.add(format("rule '{}': found none, expected one", start));
    }
  }
  if (!problems.empty()) return;
  for (const auto& [rule, productions] : rules_) {
    std::vector<std::string> path;
    visit_rules(rule, path, done, &problems);
  }
}

void Grammar::check_production(const std::string& rule, const Production& production,
                               ProblemList& problems) const {
  const auto wrong = [&](const std::string& what) {
    problems.add(format("rule '{}': '{}': {}", rule, production.text, what));
  };
  try {
    for (const auto& piece : parse_production(production.text)) {
      if (piece.kind == GrammarPiece::Kind::kReference) {
        for (const auto& target : targets(piece.text))
          if (!has_rule(target)) wrong(format("found <{}>, expected a rule", target));
      } else if (piece.kind == GrammarPiece::Kind::kSlot) {
        if (!slot_fields().count(piece.text) && !piece.text.starts_with(kDemographics))
          wrong(format(
              "found {{{}}}, expected answer, crisis, end_token, language or demographics.NAME",
              piece.text));
      }
    }
  } catch (const FormatError& error) {
    wrong(error.what());
  }
  for (const auto& [variable, values] : production.when)
    if (!variable_fields().count(variable) && !choices_.count(variable))
      wrong(
          format("found the condition '{}', expected a choice of this grammar or group, "
                 "severity, topic, second, position, protocol",
                 variable));
}

std::vector<std::string> Grammar::targets(const std::string& reference) const {
  const auto dollar = reference.find('$');
  if (dollar == std::string::npos) return {reference};
  auto end = reference.find('.', dollar);
  end = end == std::string::npos ? reference.size() : end;
  const auto variable = reference.substr(dollar + 1, end - dollar - 1);
  std::vector<std::string> values;
  if (const auto choice = choices_.find(variable); choice != choices_.end()) {
    values = choice->second;
  } else if (variable == "topic" || variable == "second") {
    for (const auto& topic : topics_) values.push_back(topic.name);
  } else {
    values = {"$" + variable};
  }
  std::vector<std::string> rules;
  for (const auto& value : values)
    rules.push_back(reference.substr(0, dollar) + value + reference.substr(end));
  return rules;
}

void Grammar::visit_rules(const std::string& rule, std::vector<std::string>& path,
                          std::map<std::string, bool>& done, ProblemList* problems) const {
  if (done[rule]) return;
  if (std::find(path.begin(), path.end(), rule) != path.end()) {
    if (problems) problems->add(format("rule '{}': found a rule that calls itself", rule));
    return;
  }
  path.push_back(rule);
  for (const auto& production : rules_.at(rule))
    for (const auto& piece : parse_production(production.text))
      if (piece.kind == GrammarPiece::Kind::kReference)
        for (const auto& target : targets(piece.text)) visit_rules(target, path, done, problems);
  path.pop_back();
  done[rule] = true;
}

std::vector<std::string> Grammar::fields_used_by(const std::string& speaker) const {
  std::map<std::string, bool> reached;
  for (const auto& stage : stages_) {
    std::vector<std::string> path;
    visit_rules(format("{}.{}", speaker, stage.name), path, reached, nullptr);
  }
  std::set<std::string> fields;
  const auto add_slot = [&](const std::string& slot) {
    fields.insert(slot.starts_with(kDemographics) ? slot : slot_fields().at(slot));
  };
  for (const auto& [rule, visited] : reached) {
    for (const auto& production : rules_.at(rule)) {
      for (const auto& piece : parse_production(production.text))
        if (piece.kind == GrammarPiece::Kind::kSlot) add_slot(piece.text);
      for (const auto& [variable, values] : production.when)
        if (const auto known = variable_fields().find(variable); known != variable_fields().end())
          fields.insert(known->second);
    }
  }
  fields.erase("");
  return {fields.begin(), fields.end()};
}

}  // namespace sqpsych
