#pragma once

#include <functional>
#include <string>
#include <vector>

#include "models/tokenizers/pipeline/aligned_text.h"
#include "models/tokenizers/pipeline/large_json.h"

/// The steps of tokenizer.json before the model: normalizer and pre_tokenizer.
namespace sqpsych::tokenizers {

/// One normalisation step.
using Normalizer = std::function<AlignedText(const AlignedText&)>;

/// A normalised fragment cut into the pieces that are tokenized one by one.
struct Pieces {
  AlignedText whole;
  std::vector<ByteSpan> ranges;
  bool at_text_start = false;  ///< the fragment begins where the input text begins
};

/// One pre-tokenization step.
using PreTokenizer = std::function<Pieces(Pieces)>;

/// What a list of steps means for a GGUF file, which knows only two kinds of vocabulary.
struct StepSummary {
  std::vector<std::string> names;  ///< types in order, Sequences opened
  bool prepends_space_mark = false;
  bool replaces_space = false;  ///< U+0020 by U+2581
  bool byte_level = false;
  bool byte_level_prefix_space = false;
  std::string split_pattern;  ///< the one split regex; empty when there is none
  std::string foreign;        ///< the first step that GGUF has no word for
};

/// Normalizers: null, Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD. FormatError names others.
std::vector<Normalizer> normalizers_from_json(const LargeJson& json, const std::string& where,
                                              StepSummary& summary);
/// Pre-tokenizers: null, Sequence, Split, ByteLevel, Metaspace, Digits. FormatError names others.
std::vector<PreTokenizer> pre_tokenizers_from_json(const LargeJson& json, const std::string& where,
                                                   StepSummary& summary);

Normalizer prepend_step(std::string prefix);
Normalizer replace_step(std::string from, std::string to);
/// Cuts at every match and keeps the matches as pieces.
PreTokenizer isolated_split_step(const std::string& pattern, const std::string& where);
/// Writes every byte as its letter in the GPT-2 alphabet.
PreTokenizer byte_letters_step();

}  // namespace sqpsych::tokenizers
