#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace sqpsych {

/// How the raw reply of an agent is read.
struct AnswerRules {
  std::vector<std::string> own_labels;    ///< "Therapist", "Counselor": removed before a colon
  std::vector<std::string> other_labels;  ///< the reply is cut where another speaker begins
  std::string end_token;                  ///< "[/END]"; spelling variants of it count too
  std::vector<std::string> drop_texts;    ///< control texts that some models leak, removed
};

/// A reply as an utterance. `failure` is empty, or: empty | reasoning_unfinished.
struct Answer {
  std::string text;
  bool ended = false;             ///< an end token was there; it is not in `text`
  std::string reasoning;          ///< text of <think> blocks
  std::vector<std::string> cuts;  ///< what was removed: label, preamble, other_speaker, quotes, ...
  std::string failure;
};

/// Keeps replies of several lines whole and unrelated brackets untouched.
Answer parse_answer(std::string_view raw, const AnswerRules& rules);

/// Lower-cased words only: two replies that differ in case or punctuation are the same.
std::string normalised_words(std::string_view text);

/// Cuts a reply that ran into its length limit back to its last whole sentence; unchanged when it
/// has none.
std::string trim_to_sentence(std::string_view text);

}  // namespace sqpsych
