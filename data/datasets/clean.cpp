#include "data/datasets/clean.h"

#include "core/text.h"
#include "data/datasets/dialogue_text.h"

namespace sqpsych {

namespace {

void cut_end_tokens(const CleanConfig& config, SourceTurn& turn, ChangeCounts& counts) {
  for (const auto& token : config.end_tokens) {
    if (token.empty() || turn.text.find(token) == std::string::npos) continue;
    turn.text = replace_all(turn.text, token, "");
    ++counts["utterances with an end token, cut out"];
  }
}

void cut_label(const CleanConfig& config, SourceTurn& turn, ChangeCounts& counts) {
  if (!config.speaker_labels) return;
  std::string speaker;
  for (const auto* labels : {&english_labels(), &chinese_labels()}) {
    const std::size_t bytes = leading_label(turn.text, *labels, speaker);
    if (bytes == 0 || speaker != turn.speaker) continue;
    turn.text.erase(0, bytes);
    ++counts["utterances with a leaked speaker label, cut off"];
    return;
  }
}

void drop_empty(SourceSession& session, ChangeCounts& counts) {
  const auto dropped =
      std::erase_if(session.turns, [](const SourceTurn& turn) { return trim(turn.text).empty(); });
  if (dropped > 0) counts["empty utterances, left out"] += static_cast<std::int64_t>(dropped);
}

void merge(const CleanConfig& config, SourceSession& session, ChangeCounts& counts) {
  if (config.same_speaker != "merge") return;
  std::vector<SourceTurn> merged;
  for (auto& turn : session.turns) {
    // A reply that is trained and one that is not stay apart.
    if (!merged.empty() && merged.back().speaker == turn.speaker &&
        merged.back().trained == turn.trained) {
      merged.back().text += config.merge_separator + turn.text;
      ++counts["utterances merged into the one before, same speaker"];
    } else {
      merged.push_back(std::move(turn));
    }
  }
  session.turns = std::move(merged);
}

}  // namespace

void clean_session(const CleanConfig& config, SourceSession& session, ChangeCounts& counts) {
  for (auto& turn : session.turns) {
    cut_end_tokens(config, turn, counts);
    cut_label(config, turn, counts);
    if (config.trim) turn.text = std::string(trim(turn.text));
  }
  drop_empty(session, counts);
  merge(config, session, counts);
}

}  // namespace sqpsych
