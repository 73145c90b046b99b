#include "models/layers/decoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <string_view>

#include "core/error.h"
#include "core/random.h"
#include "core/text.h"
#include "models/kernels/rms_norm.h"
#include "models/kernels/rope.h"
#include "models/kernels/swiglu.h"
#include "models/layers/attention.h"
#include "models/layers/rope_table.h"

namespace sqpsych {
namespace {

struct Block {
  at::Tensor attention_norm_E, mlp_norm_E;
  Linear q, k, v, o, gate, up, down;
};

struct LinearSlot {
  const char* name;
  Linear Block::*member;
  std::int64_t out, in;
  bool bias;
};

/// The one list of a block's linear layers.
std::vector<LinearSlot> linear_slots(const DecoderFeatures& f) {
  const auto query_width = f.num_heads * f.head_dim;
  const auto key_width = f.num_kv_heads * f.head_dim;
  return {{"attention.q", &Block::q, query_width, f.hidden_size, f.qkv_bias},
          {"attention.k", &Block::k, key_width, f.hidden_size, f.qkv_bias},
          {"attention.v", &Block::v, key_width, f.hidden_size, f.qkv_bias},
          {"attention.o", &Block::o, f.hidden_size, query_width, f.attention_output_bias},
          {"mlp.gate", &Block::gate, f.intermediate_size, f.hidden_size, f.mlp_bias},
          {"mlp.up", &Block::up, f.intermediate_size, f.hidden_size, f.mlp_bias},
          {"mlp.down", &Block::down, f.hidden_size, f.intermediate_size, f.mlp_bias}};
}

/// What one forward pass hands to every block.
struct Pass {
  const std::vector<std::int64_t>& cu_seqlens;
  const RopeTable::Angles angles;
  const DropoutKey* dropout;
  KvCache* cache;
};

}  // namespace

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
  RopeTable rope;
  at::Tensor embedding_VE;
  std::vector<Block> blocks;
  at::Tensor norm_E;
  Linear head;  ///< empty when tied

  Parts(const DecoderFeatures& f, at::Device device)
      : features(f), rope(f.rope, device), blocks(static_cast<std::size_t>(f.num_layers)) {}

  at::Tensor attention(const Block& block, std::size_t layer, const at::Tensor& x_TE,
                       const Pass& pass) const;
  at::Tensor mlp(const Block& block, const at::Tensor& x_TE, const Pass& pass) const;
};

at::Tensor Decoder::Parts::attention(const Block& block, std::size_t layer, const at::Tensor& x_TE,
                                     const Pass& pass) const {
  const auto tokens = x_TE.size(0);
  const auto heads = [&](const Linear& projection, std::int64_t count) {
    return projection.forward(x_TE, pass.dropout).view({tokens, count, features.head_dim});
  };
  const auto q_THD =
      sqpsych::rope(heads(block.q, features.num_heads), pass.angles.cos_TF, pass.angles.sin_TF);
  const auto k_TKD =
      sqpsych::rope(heads(block.k, features.num_kv_heads), pass.angles.cos_TF, pass.angles.sin_TF);
  const auto v_TKD = heads(block.v, features.num_kv_heads);
  if (!pass.cache)
    return block.o.forward(packed_attention(q_THD, k_TKD, v_TKD, pass.cu_seqlens), pass.dropout);
  auto& cache = *pass.cache;
  const auto past = cache.length_;
  cache.keys_[layer].narrow(1, past, tokens).copy_(k_TKD.transpose(0, 1));
  cache.values_[layer].narrow(1, past, tokens).copy_(v_TKD.transpose(0, 1));
  return block.o.forward(cached_attention(q_THD, cache.keys_[layer].narrow(1, 0, past + tokens),
                                          cache.values_[layer].narrow(1, 0, past + tokens)),
                         pass.dropout);
}

at::Tensor Decoder::Parts::mlp(const Block& block, const at::Tensor& x_TE, const Pass& pass) const {
  const auto gate_TF = block.gate.forward(x_TE, pass.dropout);
  const auto up_TF = block.up.forward(x_TE, pass.dropout);
  return block.down.forward(swiglu(gate_TF, up_TF), pass.dropout);
}

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
  const auto tokens = packed.ids_T.size(0);
  const auto past = options.cache ? options.cache->length() : 0;
  SQPSYCH_CHECK(tokens > 0 && packed.cu_seqlens.back() == tokens);
  SQPSYCH_CHECK(!options.cache ||
                (packed.cu_seqlens.size() == 2 && past + tokens <= options.cache->capacity()));
  const bool single = packed.cu_seqlens.size() == 2;
  std::int64_t longest = 0;
  for (std::size_t i = 1; i < packed.cu_seqlens.size(); ++i)
    longest = std::max(longest, packed.cu_seqlens[i] - packed.cu_seqlens[i - 1]);
  const auto device = parts.embedding_VE.device();
  const Pass pass{packed.cu_seqlens,
                  single ? parts_->rope.range(past, tokens)
                         : parts_->rope.at(packed.positions_T.to(device), longest),
                  options.dropout, options.cache};

  auto x_TE = at::embedding(parts.embedding_VE, packed.ids_T.to(device));
  for (std::size_t layer = 0; layer < parts.blocks.size(); ++layer) {
    const auto& block = parts.blocks[layer];
    const auto eps = parts.features.rms_norm_eps;
    x_TE = x_TE + parts.attention(block, layer, rms_norm(x_TE, block.attention_norm_E, eps), pass);
    x_TE = x_TE + parts.mlp(block, rms_norm(x_TE, block.mlp_norm_E, eps), pass);
  }
  if (options.cache) options.cache->length_ = past + tokens;
  return rms_norm(x_TE, parts.norm_E, parts.features.rms_norm_eps);
}

Linear Decoder::head() const {
  if (!parts_->features.tied_embeddings) return parts_->head;
  Linear tied;
  tied.weight_OI = parts_->embedding_VE;
  return tied;
}

at::Tensor Decoder::logits(const at::Tensor& hidden_TE) const { return head().forward(hidden_TE); }

std::vector<NamedParameter> Decoder::parameters() {
  auto& parts = *parts_;
  const auto slots = linear_slots(parts.features);
  std::vector<NamedParameter> named = {{"embedding.weight", &parts.embedding_VE}};
  for (std::size_t layer = 0; layer < parts.blocks.size(); ++layer) {
    auto& block = parts.blocks[layer];
    const auto prefix = format("layers.{}.", layer);
    named.push_back({prefix + "attention_norm.weight", &block.attention_norm_E});
    named.push_back({prefix + "mlp_norm.weight", &block.mlp_norm_E});
    for (const auto& slot : slots) {
      named.push_back({prefix + slot.name + ".weight", &(block.*slot.member).weight_OI});
      if (slot.bias) named.push_back({prefix + slot.name + ".bias", &(block.*slot.member).bias_O});
    }
  }
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
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> shapes;
  shapes.push_back({"embedding.weight", {features.vocabulary_size, hidden}});
  for (std::int64_t layer = 0; layer < features.num_layers; ++layer) {
    const auto prefix = format("layers.{}.", layer);
    shapes.push_back({prefix + "attention_norm.weight", {hidden}});
    shapes.push_back({prefix + "mlp_norm.weight", {hidden}});
    for (const auto& slot : linear_slots(features)) {
      shapes.push_back({prefix + slot.name + ".weight", {slot.out, slot.in}});
      if (slot.bias) shapes.push_back({prefix + slot.name + ".bias", {slot.out}});
    }
  }
  shapes.push_back({"norm.weight", {hidden}});
  if (!features.tied_embeddings)
    shapes.push_back({"head.weight", {features.vocabulary_size, hidden}});
  return shapes;
}

}  // namespace sqpsych
