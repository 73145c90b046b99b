#include "models/families/rope_config.h"

#include <algorithm>
#include <cmath>

#include "core/text.h"

namespace sqpsych {
namespace {

constexpr const char* kSupported = "'default', 'linear', 'llama3', 'yarn' or 'longrope'";

/// What a scaling block needs to know of the rest of the config.
struct RopeContext {
  std::int64_t context_length;
  std::int64_t original_length;  ///< of the whole config; 0: not given there
};

std::int64_t original_length(const ConfigReader& block, const RopeContext& context) {
  if (context.original_length > 0) return context.original_length;
  return block.integer("original_max_position_embeddings", context.context_length, 1, kMaxSize);
}

RopeScaling read_wavelengths(const ConfigReader& block, const RopeContext& context) {
  WavelengthRopeScaling scaling;
  scaling.factor = block.number("factor", std::nullopt);
  scaling.low_freq_factor = block.number("low_freq_factor", std::nullopt);
  scaling.high_freq_factor = block.number("high_freq_factor", std::nullopt);
  scaling.original_context_length = original_length(block, context);
  if (scaling.high_freq_factor <= scaling.low_freq_factor)
    block.problem(format("high_freq_factor: found {}, expected more than low_freq_factor ({}).",
                         scaling.high_freq_factor, scaling.low_freq_factor));
  return scaling;
}

RopeScaling read_yarn(const ConfigReader& block, const RopeContext& context) {
  YarnRopeScaling scaling;
  scaling.original_context_length = original_length(block, context);
  scaling.factor = block.number("factor", static_cast<double>(context.context_length) /
                                              static_cast<double>(scaling.original_context_length));
  scaling.beta_fast = block.number("beta_fast", 32);
  scaling.beta_slow = block.number("beta_slow", 1);
  scaling.truncate = block.flag("truncate", true);
  if (block.find("attention_factor"))
    scaling.attention_factor = block.number("attention_factor", 1);
  else if (block.find("mscale") && block.find("mscale_all_dim")) {
    const auto grown = [&](const char* key) {
      return 0.1 * block.number(key, 1) * std::log(scaling.factor) + 1;
    };
    scaling.attention_factor = scaling.factor > 1 ? grown("mscale") / grown("mscale_all_dim") : 1.0;
  }
  return scaling;
}

RopeScaling read_longrope(const ConfigReader& block, const RopeContext& context,
                          std::int64_t dims) {
  LongRopeScaling scaling;
  scaling.original_context_length = original_length(block, context);
  scaling.short_divisors = block.positive_numbers("short_factor");
  scaling.long_divisors = block.positive_numbers("long_factor");
  const auto original = static_cast<double>(scaling.original_context_length);
  for (auto* list : {&scaling.short_divisors, &scaling.long_divisors})
    if (std::ssize(*list) != dims / 2) {
      block.problem(format("{}: found {} numbers, expected half of the {} rotated dimensions.",
                           list == &scaling.short_divisors ? "short_factor" : "long_factor",
                           list->size(), dims));
      list->assign(static_cast<std::size_t>(dims / 2), 1);
    }
  const auto factor =
      block.number("factor", static_cast<double>(context.context_length) / original);
  const auto computed =
      factor > 1 && original > 1 ? std::sqrt(1 + std::log(factor) / std::log(original)) : 1.0;
  scaling.attention_factor = block.number("attention_factor", computed);
  return scaling;
}

/// "rope_type" or "type" of a block.
std::string type_of(const ConfigReader& block) {
  return block.text("rope_type", block.text("type", "default"));
}

void read_block(const ConfigReader& block, const RopeContext& context, RopeFeatures& rope) {
  rope.base = block.number("rope_theta", rope.base);
  const auto type = type_of(block);
  if (type == "default") return;
  if (type == "linear")
    rope.scaling = LinearRopeScaling{block.number("factor", std::nullopt)};
  else if (type == "llama3")
    rope.scaling = read_wavelengths(block, context);
  else if (type == "yarn")
    rope.scaling = read_yarn(block, context);
  else if (type == "longrope" || type == "su")
    rope.scaling = read_longrope(block, context, rope.dims);
  else
    block.problem(format("rope_type: found '{}', expected {}. This scaling is not supported.", type,
                         kSupported));
}

/// Reads `value` as a block; problems are prefixed with its place.
void read_block_at(const std::string& place, const Json& value, const ConfigReader& reader,
                   const RopeContext& context, RopeFeatures& rope) {
  if (!value.is_object())
    return reader.problem(format("{}: found {}, expected an object.", place, value.dump()));
  ProblemList problems;
  read_block(ConfigReader(value, problems), context, rope);
  for (const auto& problem : problems.problems()) reader.problem(format("{}.{}", place, problem));
}

std::int64_t rotated_dims(const ConfigReader& reader, const Json* block, const ConfigStyle& style,
                          const DecoderFeatures& f) {
  auto share = reader.number("partial_rotary_factor", 1);
  if (block && block->is_object()) {
    ProblemList ignored;
    share = ConfigReader(*block, ignored).number("partial_rotary_factor", share);
  }
  const bool fits = style.rotates_partially ? share > 0 && share <= 1 : share == 1;
  if (!fits) {
    reader.problem(format("partial_rotary_factor: found {}, expected {}.", share,
                          style.rotates_partially ? "a share above 0, at most 1" : "1"));
    share = 1;
  }
  return style.rotates_partially
             ? static_cast<std::int64_t>(static_cast<double>(f.head_dim) * share)
             : f.head_dim;
}

}  // namespace

void grow_context(DecoderFeatures& f) {
  const auto* yarn = f.rope.scaled_by<YarnRopeScaling>();
  if (!yarn || yarn->factor < 1) return;
  const auto grown = static_cast<double>(yarn->original_context_length) * yarn->factor;
  if (grown <= static_cast<double>(kMaxSize))
    f.context_length = std::max<std::int64_t>(f.context_length, std::llround(grown));
}

void read_rope(const ConfigReader& reader, const ConfigStyle& style, DecoderFeatures& f) {
  const char* key = reader.find("rope_parameters") ? "rope_parameters" : "rope_scaling";
  const auto* block = reader.find(key);
  f.rope.base = reader.number("rope_theta", style.rope_base);
  f.rope.dims = rotated_dims(reader, block, style, f);
  if (style.local_rope_base > 0) {
    f.local_rope = RopeFeatures();
    f.local_rope->base = reader.number("rope_local_base_freq", style.local_rope_base);
    f.local_rope->dims = f.rope.dims;
  }
  if (!block) return;
  const RopeContext context{f.context_length,
                            reader.find("original_max_position_embeddings")
                                ? reader.integer("original_max_position_embeddings", 1, 1, kMaxSize)
                                : 0};
  const auto part = [&](const char* name) -> const Json* {
    const auto found = block->is_object() ? block->find(name) : block->end();
    return block->is_object() && found != block->end() && found->is_object() ? &*found : nullptr;
  };
  const auto* full = part("full_attention");
  const auto* sliding = part("sliding_attention");
  if (!full && !sliding) return read_block_at(key, *block, reader, context, f.rope);
  if (full) read_block_at(format("{}.full_attention", key), *full, reader, context, f.rope);
  if (!sliding) return;
  if (!f.local_rope) f.local_rope = RopeFeatures{style.rope_base, f.rope.dims, false, {}, {}};
  read_block_at(format("{}.sliding_attention", key), *sliding, reader, context, *f.local_rope);
}

namespace {

struct ScalingWriter {
  Json operator()(std::monostate) const { return nullptr; }
  Json operator()(const LinearRopeScaling& s) const {
    return {{"rope_type", "linear"}, {"factor", s.factor}};
  }
  Json operator()(const WavelengthRopeScaling& s) const {
    return {{"rope_type", "llama3"},
            {"factor", s.factor},
            {"low_freq_factor", s.low_freq_factor},
            {"high_freq_factor", s.high_freq_factor},
            {"original_max_position_embeddings", s.original_context_length}};
  }
  Json operator()(const YarnRopeScaling& s) const {
    Json block = {{"rope_type", "yarn"},
                  {"factor", s.factor},
                  {"beta_fast", s.beta_fast},
                  {"beta_slow", s.beta_slow},
                  {"original_max_position_embeddings", s.original_context_length}};
    if (s.attention_factor) block["attention_factor"] = *s.attention_factor;
    if (!s.truncate) block["truncate"] = false;
    return block;
  }
  Json operator()(const LongRopeScaling& s) const {
    return {{"type", "longrope"},
            {"short_factor", s.short_divisors},
            {"long_factor", s.long_divisors},
            {"attention_factor", s.attention_factor},
            {"original_max_position_embeddings", s.original_context_length}};
  }
};

}  // namespace

void write_rope(const DecoderFeatures& f, Json& config) {
  config["rope_theta"] = f.rope.base;
  config["rope_scaling"] = std::visit(ScalingWriter{}, f.rope.scaling);
  if (const auto* scaling = f.rope.scaled_by<LongRopeScaling>())
    config["original_max_position_embeddings"] = scaling->original_context_length;
  if (f.local_rope) config["rope_local_base_freq"] = f.local_rope->base;
  if (f.rope.dims != f.head_dim)
    config["partial_rotary_factor"] =
        static_cast<double>(f.rope.dims) / static_cast<double>(f.head_dim);
}

}  // namespace sqpsych
