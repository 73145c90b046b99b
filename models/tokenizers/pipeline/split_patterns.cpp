#include "models/tokenizers/pipeline/split_patterns.h"

#include <algorithm>

#include "core/text.h"

namespace sqpsych::tokenizers {
namespace {

template <class Test>
const NamedSplit* find_split(Test test) {
  const auto& all = named_splits();
  const auto found = std::find_if(all.begin(), all.end(), test);
  return found == all.end() ? nullptr : &*found;
}

/// The usual spelling of a pattern whose endings are written out; they differ in U+017F only.
std::string usual_spelling(std::string pattern) {
  if (pattern == patterns::kLlama3Spelled) return std::string(patterns::kLlama3);
  if (pattern == patterns::kQwen2Spelled) return std::string(patterns::kQwen2);
  return pattern;
}

}  // namespace

std::string escaped_pattern(std::string_view pattern) {
  return replace_all(replace_all(std::string(pattern), "\r", "\\r"), "\n", "\\n");
}

const std::vector<NamedSplit>& named_splits() {
  using namespace patterns;
  static const std::vector<NamedSplit> splits = {
      {"gpt2", {"gpt-2", "phi-2", "mpt", "olmo"}, {kGpt2}, false},
      {"llama3", {"llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"}, {kLlama3}, true},
      {"cl100k", {"dbrx", "smaug-bpe"}, {kLlama3}, false},
      {"qwen2", {"qwen2", "deepseek-r1-qwen", "stablelm2"}, {kQwen2}, false},
      {"qwen35", {"qwen35"}, {kQwen35}, false},
      {"tekken", {"tekken"}, {kTekken}, true},
      {"gpt4o", {"gpt-4o"}, {kGpt4o}, false},
      {"smollm", {"smollm", "starcoder", "refact", "command-r"}, {kDigit, kGpt2}, false},
      {"deepseek-llm",
       {"deepseek-llm"},
       {kLineBreak, kDeepSeekLlmLetters, kDeepSeekLlmSigns, R"(\s+$)", kHanAndHangul, kDigits},
       false},
      {"deepseek-coder",
       {"deepseek-coder"},
       {kLineBreak, R"(\s?\p{L}+)", R"(\s?\p{P}+)", kHanAndHangul, kDigit},
       false},
      {"deepseek-v3", {"deepseek-v3"}, {kThreeDigits, kHanAndKana, kDeepSeekWords}, false},
  };
  return splits;
}

const NamedSplit* find_split_by_name(std::string_view name) {
  return find_split([&](const NamedSplit& split) { return split.name == name; });
}

const NamedSplit* find_split_by_gguf_pre(std::string_view pre) {
  return find_split([&](const NamedSplit& split) {
    return std::find(split.gguf_pres.begin(), split.gguf_pres.end(), pre) != split.gguf_pres.end();
  });
}

const NamedSplit* find_split_by_patterns(const std::vector<std::string>& patterns,
                                         bool ignore_merges) {
  const auto same = [](std::string_view known, const std::string& pattern) {
    return known == usual_spelling(escaped_pattern(pattern));
  };
  return find_split([&](const NamedSplit& split) {
    return split.ignore_merges == ignore_merges &&
           std::equal(split.patterns.begin(), split.patterns.end(), patterns.begin(),
                      patterns.end(), same);
  });
}

std::vector<std::string> split_names() {
  std::vector<std::string> names;
  for (const auto& split : named_splits()) names.emplace_back(split.name);
  return names;
}

}  // namespace sqpsych::tokenizers
