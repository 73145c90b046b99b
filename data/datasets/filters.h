#pragma once

#include <set>
#include <string>
#include <vector>

#include "data/datasets/dataset_config.h"
#include "data/datasets/source_session.h"

namespace sqpsych {

/// What filters remember from one session to the next.
struct FilterMemory {
  std::set<std::string> text_hashes;
};

/// One reason to leave a session out. `found` says what was found; empty: the session stays.
struct Filter {
  const char* name;
  std::string (*found)(const SourceSession& session, const FilterConfig& config,
                       FilterMemory& memory);
};

/// All filters in the order in which they are asked; the first that finds something is the reason.
const std::vector<Filter>& filters();

struct DroppedSession {
  std::string id;
  std::string where;
  std::string filter;
  std::string found;
};

/// True when the session stays; otherwise `dropped` says why.
bool passes_filters(const SourceSession& session, const FilterConfig& config, FilterMemory& memory,
                    DroppedSession& dropped);

/// Share of utterances that repeat an earlier one of the same speaker, letter by letter but for
/// spaces at the ends. 0 for an empty session.
double repeated_share(const SourceSession& session);

/// Unfilled slots: [..], {..}, <..> of at most 40 characters that hold one of `words` as a word.
std::vector<std::string> find_placeholders(const std::string& text,
                                           const std::vector<std::string>& words);

/// Share of the letters in `text` that do not belong to `script` (see FilterConfig); 0 without
/// letters.
double foreign_share(const std::string& text, const std::string& script);

}  // namespace sqpsych
