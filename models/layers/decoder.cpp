#include "models/layers/decoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>

#include <algorithm>
#include <string_view>

#include "core/error.h"
#include "core/random.h"
#include "core/text.h"
#include "models/layers/block.h"
#include "models/layers/rope_table.h"

namespace sqpsych {

PackedIds pack_ids(const std::vector<std::vector<std::int32_t>>& sequences) {
  PackedIds packed{{}, {}, {0}};
  for (const auto& ids : sequences)
    packed.cu_seqlens.push_back(packed.cu_seqlens.back() + static_cast<std::int64_t>(ids.size()));
  packed.ids_T = at::empty({packed.cu_seqlens.back()}, at::kLong);
  packed.positions_T = at::empty({packed.cu_seqlens.back()}, at::kLong);
  auto* id = packed.ids_T.mutable_data_ptr<std::int64_t>();
  auto* position = packed.positions_T.mutable_data_ptr<std::int64_t>();
  for (const auto& ids : sequences)
    for (std::size_t i = 0; i < ids.size(); ++i) {
      *id++ = ids[i];
      *position++ = static_cast<std::int64_t>(i);
    }
  return packed;
}

struct Decoder::Parts {
  DecoderFeatures features;
  Rotary rotary;
  std::unique_ptr<Rotary> local_rotary;  ///< null without local_rope
  at::Tensor embedding_VE;
  std::vector<Block> blocks;
  at::Tensor norm_E;
  Linear head;  ///< empty when tied

  Parts(const DecoderFeatures& f, at::Device device)
      : features(f),
        rotary(f.rope, device),
        local_rotary(f.local_rope ? std::make_unique<Rotary>(*f.local_rope, device) : nullptr),
        blocks(static_cast<std::size_t>(f.num_layers)) {}
};

Decoder::Decoder(const DecoderFeatures& features, at::ScalarType dtype, at::Device device)
    : parts_(std::make_unique<Parts>(features, device)) {
  const auto options = at::TensorOptions(dtype).device(device);
  const auto shapes = parameter_shapes(features);
  const auto slots = parameters();
  SQPSYCH_CHECK(slots.size() == shapes.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    SQPSYCH_CHECK(slots[i].first == shapes[i].first);
    *slots[i].second = at::empty(shapes[i].second, options);
  }
  for (const auto& [name, linear] : linears())
    linear->module_id = derive_seed({std::string_view(name)});
}

Decoder::~Decoder() = default;

const DecoderFeatures& Decoder::features() const { return parts_->features; }
at::ScalarType Decoder::dtype() const { return parts_->embedding_VE.scalar_type(); }
at::Device Decoder::device() const { return parts_->embedding_VE.device(); }

at::Tensor Decoder::hidden(const PackedIds& packed, const ForwardOptions& options) const {
  const auto& parts = *parts_;
  const auto& features = parts.features;
  const auto tokens = packed.ids_T.size(0);
  const auto past = options.cache ? options.cache->length() : 0;
  SQPSYCH_CHECK(tokens > 0 && packed.cu_seqlens.back() == tokens);
  SQPSYCH_CHECK(!options.cache ||
                (packed.cu_seqlens.size() == 2 && past + tokens <= options.cache->capacity()));
  const bool single = packed.cu_seqlens.size() == 2;
  const auto length = std::max(past + tokens, options.sequence_length);
  const auto positions_T = packed.positions_T.to(device());
  const auto angles = [&](Rotary& rotary) {
    return single ? rotary.range(past, tokens, length)
                  : rotary.packed(positions_T, packed.cu_seqlens);
  };
  if (options.cache) {
    SQPSYCH_CHECK(past == 0 || options.cache->is_extended_ == is_extended(length));
    options.cache->is_extended_ = is_extended(length);
  }
  const Pass pass{packed.cu_seqlens, angles(parts_->rotary),
                  parts.local_rotary ? angles(*parts_->local_rotary) : RopeTable::Angles{},
                  options.dropout, options.cache};

  auto x_TE = at::embedding(parts.embedding_VE, packed.ids_T.to(device()));
  if (features.embedding_scale != 1)
    x_TE = x_TE * at::scalar_tensor(features.embedding_scale, x_TE.options());
  for (std::size_t layer = 0; layer < parts.blocks.size(); ++layer)
    x_TE =
        block_forward(parts.blocks[layer], features, static_cast<std::int64_t>(layer), x_TE, pass);
  if (options.cache) options.cache->length_ = past + tokens;
  return normalise(features, x_TE, parts.norm_E);
}

bool Decoder::is_extended(std::int64_t length) const {
  return rope_is_extended(parts_->features.rope, length);
}

Linear Decoder::head() const {
  if (!parts_->features.tied_embeddings) return parts_->head;
  Linear tied;
  tied.weight_OI = parts_->embedding_VE;
  return tied;
}

at::Tensor Decoder::logits(const at::Tensor& hidden_TE) const {
  const auto& features = parts_->features;
  auto logits_TV = head().forward(hidden_TE);
  if (features.logit_scale != 1) logits_TV = logits_TV * features.logit_scale;
  if (features.logit_soft_cap > 0)
    logits_TV = (logits_TV / features.logit_soft_cap).tanh() * features.logit_soft_cap;
  return logits_TV;
}

std::vector<NamedParameter> Decoder::parameters() {
  auto& parts = *parts_;
  std::vector<NamedParameter> named = {{"embedding.weight", &parts.embedding_VE}};
  for (std::size_t layer = 0; layer < parts.blocks.size(); ++layer)
    for (const auto& slot : parameter_slots(parts.blocks[layer], parts.features))
      named.push_back({format("layers.{}.{}", layer, slot.name), slot.tensor});
  named.push_back({"norm.weight", &parts.norm_E});
  if (!parts.features.tied_embeddings) named.push_back({"head.weight", &parts.head.weight_OI});
  return named;
}

std::vector<std::pair<std::string, Linear*>> Decoder::linears() {
  auto& parts = *parts_;
  std::vector<std::pair<std::string, Linear*>> named;
  for (std::size_t layer = 0; layer < parts.blocks.size(); ++layer)
    for (const auto& slot : linear_slots(parts.features))
      named.push_back(
          {format("layers.{}.{}", layer, slot.name), &(parts.blocks[layer].*slot.member)});
  if (!parts.features.tied_embeddings) named.push_back({"head", &parts.head});
  return named;
}

bool Decoder::has_adapter() const {
  if (parts_->head.low_rank) return true;
  for (const auto& block : parts_->blocks)
    for (const auto& slot : linear_slots(parts_->features))
      if ((block.*slot.member).low_rank) return true;
  return false;
}

std::vector<std::pair<std::string, std::vector<std::int64_t>>> parameter_shapes(
    const DecoderFeatures& features) {
  const auto hidden = features.hidden_size;
  Block block;
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> shapes;
  shapes.push_back({"embedding.weight", {features.vocabulary_size, hidden}});
  for (std::int64_t layer = 0; layer < features.num_layers; ++layer)
    for (const auto& slot : parameter_slots(block, features))
      shapes.push_back({format("layers.{}.{}", layer, slot.name), slot.shape});
  shapes.push_back({"norm.weight", {hidden}});
  if (!features.tied_embeddings)
    shapes.push_back({"head.weight", {features.vocabulary_size, hidden}});
  return shapes;
}

}  // namespace sqpsych
