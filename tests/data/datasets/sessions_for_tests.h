#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/datasets/source_session.h"

namespace sqpsych::testing {

/// A session from "T" / "C" letters and texts: {{'T', "Hi"}, {'C', "Hello"}}.
inline SourceSession session_of(const std::string& id,
                                const std::vector<std::pair<char, std::string>>& turns) {
  SourceSession session;
  session.id = id;
  session.client_id = "client-of-" + id;
  session.where = "test:" + id;
  for (const auto& [speaker, text] : turns)
    session.turns.push_back({speaker == 'T' ? "counselor" : "client", text, true});
  return session;
}

}  // namespace sqpsych::testing
