#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/fields.h"

namespace sqpsych {

/// How the next token is drawn. Order of the filters: repetition penalty, temperature, top_k,
/// top_p, min_p (as in transformers); temperature 0 is greedy.
struct SamplingOptions {
  double temperature = 0.7;
  double top_p = 1.0;
  std::int64_t top_k = 0;
  double min_p = 0.0;
  double repetition_penalty = 1.0;
  std::int64_t max_tokens = 256;
  std::vector<std::string> stop;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("temperature", temperature, "0 is greedy", at_least(0));
    visit("top_p", top_p, "nucleus: smallest set of tokens with this probability", between(0, 1));
    visit("top_k", top_k, "only the k most probable tokens; 0: all", at_least(0));
    visit("min_p", min_p, "drops tokens below this share of the best one's probability",
          between(0, 1));
    visit("repetition_penalty", repetition_penalty, "1 is none", at_least(0.01));
    visit("max_tokens", max_tokens, "longest reply in tokens", at_least(1));
    visit("stop", stop, "texts that end a reply; they are cut off");
  }
};

}  // namespace sqpsych
