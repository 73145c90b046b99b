#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/json.h"

namespace sqpsych::tokenizers {

/// One step from token texts to bytes; works on the list of texts of a whole id sequence.
using DecodeStep = std::function<void(std::vector<std::string>&)>;

/// All decoders of tokenizer.json; FormatError names others. Bytes that are no UTF-8 stay as they
/// are.
std::vector<DecodeStep> decoders_from_json(const Json& json, const std::string& where);

/// The decoder of SentencePiece vocabularies: U+2581 is a space, `<0xHH>` a byte, and one leading
/// space goes when `strip_first_space`.
std::vector<DecodeStep> sentencepiece_decoder(bool strip_first_space);
std::vector<DecodeStep> byte_level_decoder();

}  // namespace sqpsych::tokenizers
