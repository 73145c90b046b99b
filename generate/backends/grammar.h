#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "core/random.h"

namespace sqpsych {

/// One way to say something.
struct Production {
  std::string text;
  double weight = 1;
  std::map<std::string, std::vector<std::string>> when;  ///< variable -> allowed values
  std::vector<std::string> has;                          ///< slots the profile must fill
};

/// A part of the session: a fixed number of turns, or a share of what is left.
struct Stage {
  std::string name;
  std::int64_t turns = 0;
  std::int64_t weight = 0;
};

/// What a client may talk about, known by words of the language in answers and utterances. The
/// last topic of a grammar is the one for everything else.
struct Topic {
  std::string name;
  std::vector<std::string> keywords;  ///< beginnings of words, lower case
};

/// Weighted productions for two speakers, stage by stage (README.md, "Grammars"). Immutable.
class Grammar {
 public:
  /// Reads all *.json files of a folder as one grammar. FormatError lists every problem: unknown
  /// keys, references to rules or slots that do not exist, rules that call themselves.
  explicit Grammar(const std::filesystem::path& folder);

  const std::string& name() const { return name_; }
  const std::string& language() const { return language_; }
  const std::string& sha256() const { return sha256_; }
  const std::vector<Stage>& stages() const { return stages_; }
  const std::vector<Topic>& topics() const { return topics_; }
  const std::map<std::string, std::vector<std::string>>& choices() const { return choices_; }
  std::int64_t shortest_turns() const { return shortest_turns_; }
  std::int64_t longest_turns() const { return longest_turns_; }
  bool has_rule(const std::string& rule) const { return rules_.count(rule) > 0; }
  const std::vector<Production>& rule(const std::string& name) const { return rules_.at(name); }
  /// Profile fields (agents' `may_read` names) that the speaker's rules use.
  std::vector<std::string> fields_used_by(const std::string& speaker) const;

 private:
  void read_part(const Json& part, const std::string& where, ProblemList& problems);
  void read_rule(const std::string& name, const Json& alternatives, const std::string& where,
                 ProblemList& problems);
  void check(ProblemList& problems) const;
  void check_production(const std::string& rule, const Production& production,
                        ProblemList& problems) const;
  /// All rules that a reference may mean, with its variables filled in every way.
  std::vector<std::string> targets(const std::string& reference) const;
  void visit_rules(const std::string& rule, std::vector<std::string>& path,
                   std::map<std::string, bool>& done, ProblemList* problems) const;

  std::string name_;
  std::string language_;
  std::string sha256_;
  std::vector<Stage> stages_;
  std::vector<Topic> topics_;
  std::map<std::string, std::vector<std::string>> choices_;
  std::map<std::string, std::vector<Production>> rules_;
  std::int64_t shortest_turns_ = 0;
  std::int64_t longest_turns_ = 0;
};

/// A production's text as pieces: literal text, <rule> or <=rule> (which says the same all session
/// long), {slot}. `$variable` inside a rule's name stands for its value.
struct GrammarPiece {
  enum class Kind { kText, kReference, kSlot } kind = Kind::kText;
  std::string text;
  bool sticky = false;
};
/// FormatError without position when a bracket is not closed.
std::vector<GrammarPiece> parse_production(std::string_view text);

/// The text of a speaker's utterance in a given state of the talk.
struct Expansion {
  const Grammar& grammar;
  std::map<std::string, std::string> variables;  ///< for conditions and `$variable`
  std::map<std::string, std::string> slots;
  std::string said;  ///< all earlier text in lower case: not said again where it can be avoided
  std::uint64_t session_seed = 0;

  std::string expand(const std::string& rule, RandomStream& random) const;
};

}  // namespace sqpsych
