#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "models/engine/engine.h"
#include "models/message.h"
#include "models/model.h"

namespace sqpsych {

/// Settings of everything that answers at the terminal: how the model is loaded and how it samples.
struct CompletionConfig {
  ModelOptions model;
  SamplingOptions sampling;
  std::int64_t seed = 0;
  std::string system;

  template <class Visitor>
  void fields(Visitor& visit) {
    model.fields(visit);
    sampling.fields(visit);
    visit("seed", seed, "same seed and prompt, same reply", at_least(0));
    visit("system", system, "system message that opens a conversation; empty: none");
  }
};

/// `1,2,3` (spaces allowed) -> ids. ConfigError names the entry that is no number.
std::vector<TokenId> parse_token_ids(std::string_view text);

/// The prompt of a text (with the tokenizer's BOS), ConfigError when the model has no tokenizer.
std::vector<TokenId> text_prompt(const Model& model, std::string_view text);

/// Request of a prompt under a config, ending at the model's end tokens.
GenerationRequest completion_request(const Model& model, const CompletionConfig& config,
                                     std::vector<TokenId> prompt);

/// {text, ids, stop_reason, prompt_ids}
Json to_json(const Generation& generation, const std::vector<TokenId>& prompt);

/// What a run would need, for --check: prompt tokens, context, bytes of weights and cache.
std::string completion_plan(const Model& model, const GenerationRequest& request);

}  // namespace sqpsych
