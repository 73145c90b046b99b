#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/fields.h"

namespace sqpsych {

/// Which clients go to train, validation and test. A client is in one split only.
struct SplitConfig {
  std::string by = "hash";
  std::int64_t seed = 1;
  double validation = 0.1;
  double test = 0.1;
  std::string column = "split";
  std::vector<std::string> validation_clients;
  std::vector<std::string> test_clients;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("by", by,
          "hash (of client_id and seed: removing one client moves nobody), column (what the source "
          "says) or list",
          one_of({"hash", "column", "list"}));
    visit("seed", seed, "by hash: another seed is another split");
    visit("validation", validation, "by hash: share of the clients", between(0, 1));
    visit("test", test, "by hash: share of the clients", between(0, 1));
    visit("column", column, "by column: field of the source that holds train, validation or test");
    visit("validation_clients", validation_clients, "by list: client_ids; all others are train");
    visit("test_clients", test_clients, "by list: client_ids");
  }
  void check(ProblemList& problems) const;
};

/// Sessions that are left out, each with a counted reason. 0 or null: this filter is off.
struct FilterConfig {
  bool failed = true;
  bool positive_risk = true;
  std::int64_t min_turns = 2;
  std::int64_t max_turns = 0;
  std::int64_t min_characters = 0;
  std::int64_t max_characters = 0;
  std::int64_t max_turn_characters = 0;
  std::optional<std::int64_t> max_placeholders = 0;
  std::vector<std::string> placeholder_words = {
      "name",     "date",    "time",      "insert",  "day",    "city",
      "location", "address", "phone",     "number",  "email",  "topic",
      "your",     "client",  "therapist", "company", "school", "hospital"};
  std::optional<double> max_repeated;
  std::string script;
  double max_foreign = 0.01;
  bool same_speaker = false;
  bool duplicates = true;
  std::map<std::string, std::vector<std::string>> keep_only;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("failed", failed, "leave out sessions whose source marks them as failed");
    visit("positive_risk", positive_risk,
          "leave out sessions of profiles with a positive risk item");
    visit("min_turns", min_turns, "fewest utterances of a session", at_least(0));
    visit("max_turns", max_turns, "most utterances; 0: no limit", at_least(0));
    visit("min_characters", min_characters, "shortest session in characters", at_least(0));
    visit("max_characters", max_characters, "longest session in characters; 0: no limit",
          at_least(0));
    visit("max_turn_characters", max_turn_characters, "longest utterance; 0: no limit",
          at_least(0));
    visit("max_placeholders", max_placeholders,
          "most unfilled slots such as [name] or {date}; null: do not look", at_least(0));
    visit("placeholder_words", placeholder_words,
          "a slot is a bracket that holds one of these words");
    visit("max_repeated", max_repeated,
          "largest share of utterances that repeat an earlier one of the same speaker; null: no "
          "limit",
          between(0, 1));
    visit("script", script, "the writing expected; empty: any",
          one_of({"", "latin", "greek", "cyrillic", "hebrew", "arabic", "devanagari", "thai",
                  "hangul", "japanese", "chinese"}));
    visit("max_foreign", max_foreign, "largest share of letters of another script", between(0, 1));
    visit("same_speaker", same_speaker,
          "leave out sessions where one speaker has two turns in a row");
    visit("duplicates", duplicates, "leave out sessions whose text came before");
    visit("keep_only", keep_only,
          "field of the source -> values that stay, e.g. {\"mi_quality\": [\"high\"]}");
  }
};

/// What is changed in utterances before filtering; every change is counted.
struct CleanConfig {
  std::vector<std::string> end_tokens = {"[/END]"};
  bool speaker_labels = true;
  bool trim = true;
  std::string same_speaker = "merge";
  std::string merge_separator = "\n";

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("end_tokens", end_tokens,
          "texts that are cut out of utterances; an empty list keeps them");
    visit("speaker_labels", speaker_labels,
          "cut a leaked `Client:` or `Therapist:` in front of utterances");
    visit("trim", trim, "cut white space around utterances");
    visit("same_speaker", same_speaker, "two turns of one speaker in a row: merge or keep",
          one_of({"merge", "keep"}));
    visit("merge_separator", merge_separator, "text between merged turns");
  }
};

/// The system message of every row.
struct SystemConfig {
  std::string text;
  ConfigPath file;
  bool keep = true;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("text", text, "system message; empty: none");
    visit("file", file, "or a text file that holds it");
    visit("keep", keep, "a system message of the source wins over text and file");
  }
  void check(ProblemList& problems) const;
};

/// `rows: raw`: text without chat markup, as in the original recipe.
struct RawConfig {
  std::string counselor = "Therapist";
  std::string client = "Client";
  bool opener = false;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("counselor", counselor, "label in front of counselor lines; empty: none");
    visit("client", client, "label in front of client lines; empty: none");
    visit("opener", opener, "a row for the counselor's first words too, which follow nothing");
  }
};

/// What the data card says beyond counts.
struct CardConfig {
  std::string name = "counseling-sessions";
  std::string licence = "other";
  std::string language = "en";
  std::string source;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("name", name, "name of the data set");
    visit("licence", licence,
          "licence identifier as the hub knows it, e.g. apache-2.0, cc-by-nc-4.0, other");
    visit("language", language, "language code");
    visit("source", source, "where the sessions come from, with citation");
  }
};

/// Settings of `sqpsych dataset`.
struct DatasetConfig {
  std::string format = "auto";
  std::string rows = "session";
  std::string opening = "user";
  std::string opening_text = "Hello.";
  std::int64_t history_turns = 0;
  SystemConfig system;
  CleanConfig clean;
  FilterConfig filters;
  SplitConfig split;
  RawConfig raw;
  CardConfig card;
  std::vector<std::string> meta;
  std::int64_t max_failures = 0;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("format", format, "auto or the name of an importer");
    visit(
        "rows", rows,
        "session: one row each; turn: one row per counselor turn; raw: prompt and completion texts",
        one_of({"session", "turn", "raw"}));
    visit("opening", opening,
          "when the counselor speaks first: user (opening_text as a user message in front), "
          "assistant "
          "(start with the reply) or drop (leave the first words out)",
          one_of({"user", "assistant", "drop"}));
    visit("opening_text", opening_text, "opening: user: what the user says");
    visit("history_turns", history_turns,
          "rows: turn and raw: utterances shown in front of the reply; 0: all", at_least(0));
    visit("system", system, "system message");
    visit("clean", clean, "changes to utterances");
    visit("filters", filters, "sessions left out");
    visit("split", split, "train, validation, test");
    visit("raw", raw, "rows: raw");
    visit("card", card, "data card");
    visit("meta", meta, "fields of the source that `meta` keeps; empty: all");
    visit("max_failures", max_failures,
          "unreadable records above which the command ends with exit code 3", at_least(0));
  }
  void check(ProblemList& problems) const;
};

}  // namespace sqpsych
