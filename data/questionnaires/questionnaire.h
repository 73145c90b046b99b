#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/fields.h"

/// A questionnaire is a folder: `scale.json` (how it is scored) and one wording file per language
/// (`en.json`, `de.json`, ...). The structs below are those files, key by key.
namespace sqpsych {

/// The values an item may take. With `statements` the sentences themselves are the options (as in
/// scales whose answers are statements); otherwise the wording gives one text per value.
struct OptionSet {
  std::vector<std::int64_t> values;
  bool statements = false;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("values", values, "whole numbers in ascending order");
    visit("statements", statements, "the item sentences are the options");
  }
};

/// An answer of `at_least` makes the profile's risk positive.
struct RiskRule {
  std::int64_t at_least = 1;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("at_least", at_least, "smallest value that counts as a risk");
  }
};

struct ItemRule {
  std::string id;
  std::string options;
  bool scored = true;
  bool reverse = false;
  std::optional<RiskRule> risk;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("id", id, "name of the item, unique in the scale");
    visit("options", options, "name of the option set");
    visit("scored", scored, "false: asked and shown, never part of a score");
    visit("reverse", reverse, "scored as lowest + highest option - answer");
    visit("risk", risk, "answers that make the profile's risk positive");
  }
};

/// Both ends belong to the band of a sum; of a mean the upper end belongs to the next band.
struct Band {
  std::string name;
  double from = 0;
  double to = 0;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("name", name, "stable name; its text per language is in the wording files");
    visit("from", from, "lowest score of the band");
    visit("to", to, "highest score of the band");
  }
};

struct MissingRule {
  std::int64_t allowed = 0;
  std::string fill = "prorate";
  std::string source;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("allowed", allowed, "unanswered items up to which the score is still given", at_least(0));
    visit("fill", fill, "prorate: as high in its range as the answered ones; zero: lowest",
          one_of({"prorate", "zero"}));
    visit("source", source, "where the rule comes from");
  }
};

struct ScoreRule {
  std::string name;
  std::string rule = "sum";
  std::vector<std::string> items;
  MissingRule missing;
  std::vector<Band> bands;
  std::string bands_source;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("name", name, "'total' or the name of a sub-scale");
    visit("rule", rule, "how items become the score", one_of({"sum", "mean"}));
    visit("items", items, "item ids; empty: every scored item");
    visit("missing", missing, "what happens when items are not answered");
    visit("bands", bands, "severity bands without gap or overlap; empty: none");
    visit("bands_source", bands_source, "publication of the bands");
  }
};

struct Scale {
  std::string version;
  std::string rater = "self";
  std::string licence;
  std::string source;
  std::map<std::string, OptionSet> options;
  std::vector<ItemRule> items;
  std::vector<ScoreRule> scores;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("version", version, "version of the scale and of its wording");
    visit("rater", rater, "who answers", one_of({"self", "clinician"}));
    visit("licence", licence, "under which terms the texts may be used");
    visit("source", source, "publication of the scale");
    visit("options", options, "option sets by name");
    visit("items", items, "the items in the order they are asked");
    visit("scores", scores, "total and sub-scales");
  }
};

struct ItemWording {
  std::string label;
  std::map<std::string, std::string> sentences;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("label", label, "the item as it is asked, or its topic");
    visit("sentences", sentences, "one sentence per value: first person (self), third (clinician)");
  }
};

struct ScoreWording {
  std::string label;
  std::map<std::string, std::string> bands;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("label", label, "name of the score");
    visit("bands", bands, "text of each band");
  }
};

struct Wording {
  std::string label;
  std::string stem;
  std::map<std::string, std::map<std::string, std::string>> options;
  std::map<std::string, ItemWording> items;
  std::map<std::string, ScoreWording> scores;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("label", label, "name of the questionnaire");
    visit("stem", stem, "the instruction above the items");
    visit("options", options, "text per option set and value");
    visit("items", items, "texts per item id");
    visit("scores", scores, "texts per score");
  }
};

struct Questionnaire {
  std::string name;  ///< the folder's name
  std::filesystem::path folder;
  Scale scale;
  std::map<std::string, Wording> wordings;  ///< by language

  std::vector<std::string> item_ids() const;
  const ItemRule* find_item(const std::string& id) const;
  const ScoreRule* find_score(const std::string& score) const;
  const OptionSet& options_of(const ItemRule& item) const;
  /// Ids of the items that make up a score.
  std::vector<std::string> items_of(const ScoreRule& score) const;
  /// ConfigError listing the languages at hand when `language` has no wording file.
  const Wording& wording(const std::string& language) const;
};

/// Reads and checks a whole folder; every problem of all its files in one ConfigError.
Questionnaire load_questionnaire(const std::filesystem::path& folder);

/// The problems of a questionnaire whose files could be read: unknown or duplicate items, missing
/// or superfluous texts, bands with gaps or overlaps, rules that cannot hold.
void check_questionnaire(const Questionnaire& questionnaire, ProblemList& problems);

/// Folder of questionnaire `name`: the first of `folders` that has it, then the shipped ones.
/// ConfigError lists the known names.
std::filesystem::path find_questionnaire(const std::string& name,
                                         const std::vector<std::filesystem::path>& folders);

}  // namespace sqpsych
