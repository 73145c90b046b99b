#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/model.h"
#include "models/sampling_options.h"

namespace sqpsych {

struct GenerationRequest {
  std::vector<TokenId> prompt;
  SamplingOptions sampling;
  std::uint64_t seed = 0;
  std::vector<TokenId> end_tokens;  ///< not part of the reply
};

struct Generation {
  std::vector<TokenId> ids;  ///< without the end token
  std::string text;          ///< without stop text
  std::string stop_reason;   ///< end_token | stop_text | max_tokens | context_full | interrupted
  std::int64_t prompt_tokens = 0;
  std::int64_t reused_tokens = 0;  ///< prompt tokens found in the cache
  double seconds = 0;
};

/// Generates token by token from a key-value cache, and keeps the caches of the last few sequences
/// so that a grown conversation only pays for its new tokens. Same request, same reply, bit for
/// bit, whatever was generated before (same machine and thread count): the draw of token n depends
/// on (seed, n) alone, and prompts are computed in chunks that start at fixed positions, of which
/// only whole ones are reused. Not thread-safe; the model may be shared between engines.
class Engine {
 public:
  explicit Engine(const Model& model, std::int64_t kept_sequences = 4);
  ~Engine();
  /// `on_text` gets whole characters as they become final; returning false stops.
  /// A prompt that leaves no room in the context is a ConfigError with both lengths.
  Generation generate(const GenerationRequest& request,
                      const std::function<bool(std::string_view)>& on_text = {});
  /// Drops all kept sequences; needed when the model's weights have changed.
  void forget();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// ConfigError when the prompt is empty, has ids out of range, or leaves no room for `room` more
/// tokens in the context.
void check_prompt(const Model& model, const std::vector<TokenId>& prompt, std::int64_t room);

/// Draws from logits [V]; `history` for the repetition penalty; `uniform` in [0, 1).
TokenId sample_token(const at::Tensor& logits_V, const SamplingOptions& options,
                     const std::vector<TokenId>& history, double uniform);

}  // namespace sqpsych
