#include "models/engine/completion.h"

#include <ATen/core/Tensor.h>

#include <charconv>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {

std::vector<TokenId> parse_token_ids(std::string_view text) {
  std::vector<TokenId> ids;
  for (const auto& entry : split(text, ",")) {
    const auto number = trim(entry);
    TokenId id = -1;
    const auto* end = number.data() + number.size();
    const auto parsed = std::from_chars(number.data(), end, id);
    if (number.empty() || parsed.ec != std::errc() || parsed.ptr != end || id < 0)
      throw ConfigError(format("--ids: found '{}', expected token ids like 1,2,3.", number));
    ids.push_back(id);
  }
  return ids;
}

std::vector<TokenId> text_prompt(const Model& model, std::string_view text) {
  if (!model.tokenizer)
    throw ConfigError(
        format("{}: tokenizer: found none, expected one for --text. Pass token ids instead.",
               model.path.string()));
  return model.tokenizer->encode_ids(text, /*add_special=*/true);
}

GenerationRequest completion_request(const Model& model, const CompletionConfig& config,
                                     std::vector<TokenId> prompt) {
  return {std::move(prompt), config.sampling, static_cast<std::uint64_t>(config.seed),
          model.end_tokens};
}

Json to_json(const Generation& generation, const std::vector<TokenId>& prompt) {
  return {{"text", generation.text},
          {"ids", generation.ids},
          {"stop_reason", generation.stop_reason},
          {"prompt_ids", prompt}};
}

std::string completion_plan(const Model& model, const GenerationRequest& request) {
  const auto& features = model.decoder->features();
  std::uint64_t weight_bytes = 0;
  for (const auto& [name, parameter] : model.decoder->parameters())
    weight_bytes += parameter->nbytes();
  const auto prompt = static_cast<std::int64_t>(request.prompt.size());
  const auto room = std::max<std::int64_t>(features.context_length - prompt, 0);
  const auto tokens = prompt + std::min(request.sampling.max_tokens, room);
  return format(
      "prompt    {} tokens, then at most {} of a context of {}\nmemory    weights {}, cache {}\n",
      prompt, tokens - prompt, features.context_length, bytes_text(weight_bytes),
      bytes_text(cache_bytes(features, tokens, model.decoder->dtype())));
}

}  // namespace sqpsych
