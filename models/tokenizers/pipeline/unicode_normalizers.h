#pragma once

#include <string>

#include "models/tokenizers/pipeline/text_steps.h"

namespace sqpsych::tokenizers {

enum class UnicodeForm { kNfc, kNfd, kNfkc, kNfkd };
Normalizer unicode_form_step(UnicodeForm form);

/// Every character by its own lower case, whatever stands beside it.
Normalizer lowercase_step();
/// Without marks (general category M).
Normalizer strip_accents_step();
/// Without white space at the ends.
Normalizer strip_step(bool left, bool right);
/// SentencePiece's rules for controls and spaces of translation corpora.
Normalizer nmt_step();
/// By a SentencePiece character map (base64); grapheme clusters of up to five bytes first.
Normalizer charsmap_step(const std::string& base64, const std::string& where);

struct BertCleaning {
  bool clean_text = true;            ///< controls go, white space becomes spaces
  bool handle_chinese_chars = true;  ///< spaces around CJK ideographs
  bool strip_accents = true;
  bool lowercase = true;
};
std::vector<Normalizer> bert_steps(const BertCleaning& options);

}  // namespace sqpsych::tokenizers
