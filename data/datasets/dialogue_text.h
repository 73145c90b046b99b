#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/datasets/source_session.h"

namespace sqpsych {

/// The words that stand before a colon when somebody starts to speak.
struct DialogueLabels {
  std::vector<std::string> counselor;
  std::vector<std::string> client;
};

/// Therapist, Counselor, Counsellor ... / Client, Patient; letter case does not matter.
const DialogueLabels& english_labels();
/// 心理咨询师, 咨询师, 支持者 / 来访者, 求助者.
const DialogueLabels& chinese_labels();

struct Dialogue {
  std::vector<SourceTurn> turns;
  std::string leading;  ///< text in front of the first label
};

/// Splits a transcript where a line starts with a label, `Label:`, `Label 2:`, `Label (as X):` or
/// `**Label:**`, with an ASCII or a full-width colon. Lines without a label belong to the turn
/// above.
Dialogue parse_dialogue(std::string_view text, const DialogueLabels& labels);

/// Bytes of the label (with colon and spaces behind it) that `text` starts with; 0 when with none.
/// `speaker` becomes counselor or client.
std::size_t leading_label(std::string_view text, const DialogueLabels& labels,
                          std::string& speaker);

}  // namespace sqpsych
