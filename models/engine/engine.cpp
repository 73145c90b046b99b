#include "models/engine/engine.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/argmax.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/random.h"
#include "core/text.h"
#include "models/engine/stop_texts.h"

namespace sqpsych {
namespace {

// Prompts are computed in chunks [0, c), [c, 2c), ...: a key computed in a whole chunk has the same
// bits whatever follows it. Larger on a GPU, where small matrix products are not worth a launch.
constexpr std::int64_t kChunkTokensCpu = 64;
constexpr std::int64_t kChunkTokensGpu = 512;

// Below this a token's matrix products are too small to be worth waking other threads, and on a
// busy machine waiting for them costs many times the work.
constexpr std::int64_t kParametersForThreads = std::int64_t{1} << 24;

/// One thread while a small model generates; the previous number afterwards.
class ThreadsForModel {
 public:
  explicit ThreadsForModel(std::int64_t num_parameters) : before_(at::get_num_threads()) {
    if (num_parameters < kParametersForThreads) at::set_num_threads(1);
  }
  ~ThreadsForModel() { at::set_num_threads(before_); }
  ThreadsForModel(const ThreadsForModel&) = delete;
  ThreadsForModel& operator=(const ThreadsForModel&) = delete;

 private:
  int before_;
};

std::int64_t count_parameters(Decoder& decoder) {
  std::int64_t count = 0;
  for (const auto& [name, parameter] : decoder.parameters()) count += parameter->numel();
  return count;
}

std::int64_t common_prefix(const std::vector<TokenId>& a, const std::vector<TokenId>& b) {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  return end - a.begin();
}

std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

/// The n-th uniform number of a request.
double draw(std::uint64_t seed, std::size_t n) {
  return RandomStream(mix64(seed) + static_cast<std::uint64_t>(n)).uniform();
}

}  // namespace

void check_prompt(const Model& model, const std::vector<TokenId>& prompt, std::int64_t room) {
  const auto& features = model.decoder->features();
  const auto length = static_cast<std::int64_t>(prompt.size());
  const auto most = features.context_length - room;
  if (length == 0) throw ConfigError("engine: prompt: found no token, expected at least one.");
  if (length > most)
    throw ConfigError(
        format("engine: prompt: found {} tokens, expected at most {} of the model's context of {}. "
               "Shorten the prompt.",
               length, most, features.context_length));
  for (const auto id : prompt)
    if (id < 0 || id >= features.vocabulary_size)
      throw ConfigError(format("engine: prompt: found token id {}, expected 0 to {}.", id,
                               features.vocabulary_size - 1));
}

struct Engine::State {
  struct KeptSequence {
    std::vector<TokenId> ids;  ///< of the whole chunks at the cache's beginning
    KvCache cache;
    std::int64_t last_use = 0;
  };

  const Model& model;
  std::size_t kept_limit;
  std::int64_t chunk_tokens;
  std::int64_t clock = 0;
  std::vector<KeptSequence> kept;

  KeptSequence& sequence_for(const GenerationRequest& request);
  at::Tensor prefill(KeptSequence& sequence, const std::vector<TokenId>& prompt) const;
  TokenId choose(const at::Tensor& logits_V, const GenerationRequest& request,
                 const std::vector<TokenId>& reply) const;
  at::Tensor next(KeptSequence& sequence, const std::vector<TokenId>& prompt,
                  const std::vector<TokenId>& reply) const;
};

/// The kept sequence that shares most whole chunks with the prompt, cut back to them; else a new
/// one in the place of the least recently used.
auto Engine::State::sequence_for(const GenerationRequest& request) -> KeptSequence& {
  const auto& decoder = *model.decoder;
  const auto length = static_cast<std::int64_t>(request.prompt.size());
  const auto needed =
      length + std::min(request.sampling.max_tokens, decoder.features().context_length - length);
  const auto reusable = [&](const KeptSequence& sequence) -> std::int64_t {
    if (sequence.cache.is_extended() != decoder.is_extended(length)) return 0;
    // The last prompt token is always computed: its logits are needed.
    return std::min(common_prefix(sequence.ids, request.prompt), length - 1) / chunk_tokens *
           chunk_tokens;
  };
  auto best = std::max_element(kept.begin(), kept.end(), [&](const auto& a, const auto& b) {
    return reusable(a) < reusable(b);
  });
  if (best == kept.end() || reusable(*best) == 0) {
    if (kept.size() >= kept_limit)
      kept.erase(std::min_element(kept.begin(), kept.end(), [](const auto& a, const auto& b) {
        return a.last_use < b.last_use;
      }));
    const auto capacity = round_up(needed, chunk_tokens);
    kept.push_back(
        {{}, KvCache(decoder.features(), capacity, decoder.dtype(), decoder.device()), 0});
    best = kept.end() - 1;
  }
  const auto reused = reusable(*best);
  best->ids.resize(static_cast<std::size_t>(reused));
  best->cache.truncate(reused);
  // Twice what is needed, so that a conversation moves a few times only.
  if (best->cache.capacity() < needed)
    best->cache.reserve(
        round_up(std::min(2 * needed, decoder.features().context_length), chunk_tokens));
  best->last_use = ++clock;
  return *best;
}

/// Computes what the cache lacks; returns the logits behind the prompt.
at::Tensor Engine::State::prefill(KeptSequence& sequence,
                                  const std::vector<TokenId>& prompt) const {
  const auto length = static_cast<std::int64_t>(prompt.size());
  at::Tensor hidden_TE;
  for (auto begin = sequence.cache.length(); begin < length; begin += chunk_tokens) {
    const auto end = std::min(begin + chunk_tokens, length);
    const std::vector<TokenId> chunk(prompt.begin() + begin, prompt.begin() + end);
    hidden_TE = model.decoder->hidden(pack_ids({chunk}), {nullptr, &sequence.cache, length});
    if (end - begin == chunk_tokens) sequence.ids.assign(prompt.begin(), prompt.begin() + end);
    if (interrupt_requested()) break;
  }
  return model.decoder->logits(hidden_TE.narrow(0, hidden_TE.size(0) - 1, 1)).squeeze(0);
}

/// The logits behind the reply so far. Where the sequence has outgrown the original context and is
/// to be rotated otherwise from here on, everything is computed again (as transformers does).
at::Tensor Engine::State::next(KeptSequence& sequence, const std::vector<TokenId>& prompt,
                               const std::vector<TokenId>& reply) const {
  const auto& decoder = *model.decoder;
  if (decoder.is_extended(sequence.cache.length() + 1) != sequence.cache.is_extended()) {
    auto ids = prompt;
    ids.insert(ids.end(), reply.begin(), reply.end());
    sequence.ids.clear();
    sequence.cache.truncate(0);
    return prefill(sequence, ids);
  }
  const std::vector<TokenId> newest = {reply.back()};
  const auto hidden_TE = decoder.hidden(pack_ids({newest}), {nullptr, &sequence.cache});
  return decoder.logits(hidden_TE).squeeze(0);
}

TokenId Engine::State::choose(const at::Tensor& logits_V, const GenerationRequest& request,
                              const std::vector<TokenId>& reply) const {
  const auto& options = request.sampling;
  std::vector<TokenId> history;
  if (options.repetition_penalty != 1) {
    history = request.prompt;
    history.insert(history.end(), reply.begin(), reply.end());
  }
  return sample_token(logits_V, options, history, draw(request.seed, reply.size()));
}

Engine::Engine(const Model& model, std::int64_t kept_sequences)
    : state_(std::make_unique<State>(
          State{model,
                static_cast<std::size_t>(std::max<std::int64_t>(1, kept_sequences)),
                model.decoder->device().is_cuda() ? kChunkTokensGpu : kChunkTokensCpu,
                0,
                {}})) {}

Engine::~Engine() = default;

void Engine::forget() { state_->kept.clear(); }

namespace {

/// Turns ids into text as it becomes final: whole characters, stop texts cut off.
class ReplyText {
 public:
  ReplyText(const Model& model, const SamplingOptions& options,
            const std::function<bool(std::string_view)>& on_text)
      : stops_(options.stop), on_text_(on_text) {
    if (model.tokenizer) decoder_.emplace(*model.tokenizer, /*skip_special=*/true);
  }
  void push(TokenId id) {
    if (decoder_) emit(stops_.push(decoder_->push(id)));
  }
  void finish() {
    if (!decoder_ || stops_.found()) return;
    emit(stops_.push(decoder_->finish()));
    if (!stops_.found()) emit(stops_.finish());
  }
  bool stopped() const { return stops_.found(); }
  bool refused() const { return refused_; }
  std::string take() { return std::move(text_); }

 private:
  void emit(const std::string& piece) {
    if (piece.empty()) return;
    text_ += piece;
    if (on_text_ && !refused_) refused_ = !on_text_(piece);
  }
  std::optional<StreamDecoder> decoder_;
  StopTexts stops_;
  const std::function<bool(std::string_view)>& on_text_;
  std::string text_;
  bool refused_ = false;
};

/// Empty: another token is wanted.
std::string reason_to_stop(const Generation& generation, const ReplyText& text,
                           std::int64_t max_tokens, std::int64_t context) {
  const auto reply = std::ssize(generation.ids);
  if (interrupt_requested() || text.refused()) return "interrupted";
  if (text.stopped()) return "stop_text";
  if (reply >= max_tokens) return "max_tokens";
  return generation.prompt_tokens + reply >= context ? "context_full" : "";
}

}  // namespace

Generation Engine::generate(const GenerationRequest& request,
                            const std::function<bool(std::string_view)>& on_text) {
  const c10::InferenceMode guard;
  const ThreadsForModel threads(count_parameters(*state_->model.decoder));
  const auto started = std::chrono::steady_clock::now();
  auto& state = *state_;
  check_prompt(state.model, request.prompt, 1);
  const auto context = state.model.decoder->features().context_length;
  const auto& ends = request.end_tokens;

  Generation generation;
  generation.prompt_tokens = static_cast<std::int64_t>(request.prompt.size());
  auto& sequence = state.sequence_for(request);
  generation.reused_tokens = sequence.cache.length();
  ReplyText text(state.model, request.sampling, on_text);
  auto logits_V = state.prefill(sequence, request.prompt);
  for (;;) {
    generation.stop_reason = reason_to_stop(generation, text, request.sampling.max_tokens, context);
    if (!generation.stop_reason.empty()) break;
    if (!generation.ids.empty()) logits_V = state.next(sequence, request.prompt, generation.ids);
    const auto id = state.choose(logits_V, request, generation.ids);
    if (std::find(ends.begin(), ends.end(), id) != ends.end()) {
      generation.stop_reason = "end_token";
      break;
    }
    generation.ids.push_back(id);
    text.push(id);
  }
  text.finish();
  generation.text = text.take();
  generation.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return generation;
}

}  // namespace sqpsych
