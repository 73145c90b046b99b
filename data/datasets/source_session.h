#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sqpsych {

/// One utterance of an imported session.
struct SourceTurn {
  std::string speaker;  ///< counselor | client
  std::string text;
  bool trained = true;  ///< false: the source itself took this reply out of the loss
};

/// One session of any corpus, before cleaning, filters and splits.
struct SourceSession {
  std::string id;         ///< unique in the data set
  std::string client_id;  ///< equal for all sessions of one person
  std::string corpus;     ///< name of the importer
  std::string where;      ///< file:line it came from
  std::string system;     ///< system message of the source, if any
  std::string group;
  std::string language;
  bool failed = false;
  bool risk_positive = false;
  std::vector<SourceTurn> turns;
  std::map<std::string, std::string> fields;  ///< short facts of the corpus, kept in `meta`
};

/// A record that could not be read: named, counted, left out.
struct BadRecord {
  std::string where;
  std::string reason;
};

/// What importers fill.
struct Import {
  std::vector<SourceSession> sessions;
  std::vector<BadRecord> bad;
  std::int64_t records = 0;                   ///< records seen, bad ones included
  std::map<std::string, std::int64_t> notes;  ///< what the importer did to records, counted
};

}  // namespace sqpsych
