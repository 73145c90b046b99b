#include "models/kernels/cross_entropy.h"
#include "train/objectives/objective.h"

namespace sqpsych {
namespace {

/// Supervised fine-tuning: cross-entropy of every supervised token.
class Sft : public Objective {
 public:
  std::string name() const override { return "sft"; }

  at::Tensor loss_sum(const Decoder& decoder, const Pack& pack,
                      const DropoutKey* dropout) const override {
    ForwardOptions options;
    options.dropout = dropout;
    const at::Tensor hidden_TE = decoder.hidden(pack.packed, options);
    return supervised_cross_entropy_sum(decoder, hidden_TE, pack.targets_T, dropout);
  }

  std::int64_t units(const TokenizedRow& row) const override { return count_supervised(row); }
};

}  // namespace

const Objective& sft_objective() {
  static const Sft objective;
  return objective;
}

}  // namespace sqpsych
