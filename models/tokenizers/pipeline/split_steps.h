#pragma once

#include <functional>
#include <string>

#include "models/tokenizers/pipeline/text_steps.h"

namespace sqpsych::tokenizers {

/// Appends the matches of one kind in a text, left to right; an empty match is a place to cut.
using FindMatches = std::function<void(std::string_view, std::vector<ByteSpan>&)>;

/// What becomes of the matches and of the gaps between them, as tokenizer.json names it.
enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
/// FormatError naming `where` for a word that is none of the five.
Behavior behavior_of(const std::string& name, const std::string& where);

/// Cuts every piece at the matches; with `invert` matches and gaps change places.
PreTokenizer split_step(FindMatches find, Behavior behavior, bool invert);

FindMatches find_text(std::string wanted);
/// By a hand-written scanner where the pattern has one, otherwise by PCRE2.
FindMatches find_pattern(const std::string& pattern, const std::string& where);
/// Every character that `is_wanted` is a match of its own.
FindMatches find_characters(std::function<bool(char32_t)> is_wanted);
/// Every run of word characters and every run of neither words nor white space.
FindMatches find_words_and_signs();
/// Runs of `length` characters, the last one shorter.
FindMatches find_chunks(std::size_t length);
/// Runs of one script; Kana counts as Han, spaces and unassigned characters join the run before.
FindMatches find_scripts(const std::string& where);

}  // namespace sqpsych::tokenizers
