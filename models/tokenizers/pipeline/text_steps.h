#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/json.h"
#include "models/tokenizers/pipeline/aligned_text.h"

/// The steps of tokenizer.json before the model: normalizer and pre_tokenizer.
namespace sqpsych::tokenizers {

/// One normalisation step.
using Normalizer = std::function<AlignedText(AlignedText)>;

/// A normalised fragment cut into the pieces that are tokenized one by one; no piece is empty.
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
  bool ends_in_byte_letters = false;  ///< the last step writes bytes as letters, no other does
  bool byte_level_prefix_space = false;
  std::vector<std::string> split_patterns;  ///< of the splits that only cut
  std::string foreign;                      ///< the first step that GGUF has no word for
};

/// All normalizers of tokenizer.json; FormatError names others.
std::vector<Normalizer> normalizers_from_json(const Json& json, const std::string& where,
                                              StepSummary& summary);
/// All pre-tokenizers of tokenizer.json; FormatError names others.
std::vector<PreTokenizer> pre_tokenizers_from_json(const Json& json, const std::string& where,
                                                   StepSummary& summary);

Normalizer prepend_step(std::string prefix);
Normalizer replace_step(std::string from, std::string to);
/// Cuts at every match of each pattern in turn and keeps the matches as pieces.
std::vector<PreTokenizer> isolated_split_steps(const std::vector<std::string_view>& patterns,
                                               const std::string& where);
/// Writes every byte as its letter in the GPT-2 alphabet.
PreTokenizer byte_letters_step();

}  // namespace sqpsych::tokenizers
