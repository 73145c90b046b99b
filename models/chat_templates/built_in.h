#pragma once

#include <string>
#include <vector>

namespace sqpsych::chat_templates {

/// When a rendering begins with BOS: the format itself says so, or the tokenizer's setting does.
enum class Bos { kAlways, kAsTokenizer };

/// A template that comes with the program; each stands in the file of its name.
struct BuiltIn {
  std::string name;
  std::string source;  ///< Jinja behind the BOS; may use eos_token
  Bos bos = Bos::kAsTokenizer;
  bool ends_with_eos = false;        ///< a turn ends with the tokenizer's eos_token
  std::vector<std::string> markers;  ///< the other texts that should be one token each
};

}  // namespace sqpsych::chat_templates
