#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "core/error.h"
#include "models/engine/engine.h"

namespace sqpsych {
namespace {

struct Candidate {
  TokenId id;
  double weight;  ///< logit, then unnormalised probability
};

std::vector<Candidate> candidates_of(const at::Tensor& logits_V) {
  const auto values = logits_V.to(at::kCPU, at::kFloat).contiguous();
  const auto* logit = values.const_data_ptr<float>();
  std::vector<Candidate> candidates(static_cast<std::size_t>(values.numel()));
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (std::isnan(logit[i]))
      throw FormatError(
          "engine: logits: found NaN, expected numbers. Are the weights damaged or "
          "too large for this dtype?");
    candidates[i] = {static_cast<TokenId>(i), logit[i]};
  }
  return candidates;
}

/// Keskar et al. 2019 (arXiv 1909.05858), as transformers applies it: positive logits are divided,
/// negative ones multiplied, once per distinct token.
void penalise_repetition(std::vector<Candidate>& candidates, const std::vector<TokenId>& history,
                         double penalty) {
  if (penalty == 1) return;
  for (const auto id : std::set<TokenId>(history.begin(), history.end())) {
    if (id < 0 || static_cast<std::size_t>(id) >= candidates.size()) continue;
    auto& logit = candidates[static_cast<std::size_t>(id)].weight;
    logit = logit > 0 ? logit / penalty : logit * penalty;
  }
}

/// More probable first; ties go to the lower id, so that the order is a function of the logits.
bool before(const Candidate& a, const Candidate& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
}

void keep_top_k(std::vector<Candidate>& candidates, std::int64_t top_k) {
  if (top_k <= 0 || static_cast<std::size_t>(top_k) >= candidates.size()) return;
  std::nth_element(candidates.begin(), candidates.begin() + top_k, candidates.end(), before);
  candidates.resize(static_cast<std::size_t>(top_k));
}

double total_weight(const std::vector<Candidate>& candidates) {
  return std::accumulate(candidates.begin(), candidates.end(), 0.0,
                         [](double sum, const Candidate& c) { return sum + c.weight; });
}

/// Holtzman et al. 2019 (arXiv 1904.09751); at least one token stays.
void keep_top_p(std::vector<Candidate>& candidates, double top_p) {
  if (top_p >= 1) return;
  std::sort(candidates.begin(), candidates.end(), before);
  const double wanted = top_p * total_weight(candidates);
  double sum = 0;
  std::size_t kept = 0;
  while (kept < candidates.size() && (kept == 0 || sum < wanted)) sum += candidates[kept++].weight;
  candidates.resize(kept);
}

/// Nguyen et al. 2024 (arXiv 2407.01082). The best token's weight is 1.
void keep_min_p(std::vector<Candidate>& candidates, double min_p) {
  std::erase_if(candidates, [&](const Candidate& c) { return c.weight < min_p; });
}

}  // namespace

TokenId sample_token(const at::Tensor& logits_V, const SamplingOptions& options,
                     const std::vector<TokenId>& history, double uniform) {
  auto candidates = candidates_of(logits_V);
  penalise_repetition(candidates, history, options.repetition_penalty);
  const auto best = *std::min_element(candidates.begin(), candidates.end(), before);
  if (options.temperature == 0) return best.id;
  keep_top_k(candidates, options.top_k);
  for (auto& candidate : candidates)
    candidate.weight = std::exp((candidate.weight - best.weight) / options.temperature);
  keep_top_p(candidates, options.top_p);
  keep_min_p(candidates, options.min_p);
  // By id: nth_element leaves an order of the library's choosing.
  std::sort(candidates.begin(), candidates.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  double left = uniform * total_weight(candidates);
  for (const auto& candidate : candidates)
    if ((left -= candidate.weight) < 0) return candidate.id;
  return best.id;
}

}  // namespace sqpsych
