#include "models/model_account.h"

#include <c10/core/ScalarType.h>

#include <map>

#include "core/text.h"
#include "models/codecs/codec.h"
#include "models/layers/kv_cache.h"
#include "models/unread_settings.h"
#include "models/weights/model_dir.h"

namespace sqpsych {
namespace {

using AccountLines = std::vector<AccountLine>;

std::string stored_types(const std::filesystem::path& path) {
  std::map<std::string, std::uint64_t> bytes_of;
  if (is_gguf_file(path)) {
    const GgufFile file(path);
    for (const auto& tensor : file.tensors())
      bytes_of[ggml_layout(tensor.type)->name] += tensor.size_bytes;
  } else {
    const ModelDir folder(path);
    for (const auto& name : folder.tensor_names()) {
      const auto& entry = folder.entry(name);
      bytes_of[entry.dtype] += entry.end - entry.begin;
    }
  }
  std::vector<std::string> parts;
  for (const auto& [type, bytes] : bytes_of) parts.push_back(bytes_text(bytes) + " " + type);
  return join(parts, ", ");
}

std::string size_text(const DecoderFeatures& f) {
  auto text = format("{} parameters; {} layers, {} wide, {} heads of {}, {} for keys and values",
                     with_thousands(parameter_count(f)), f.num_layers, f.hidden_size, f.num_heads,
                     f.head_dim, f.num_kv_heads);
  if (f.experts.count == 0) return text + format(", mlp {}", f.intermediate_size);
  return text + format(", {} experts of {}, {} for each token", f.experts.count,
                       f.experts.intermediate_size, f.experts.per_token);
}

struct ScalingText {
  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(const LinearRopeScaling& s) const {
    return format(", linear scaling by {}", s.factor);
  }
  std::string operator()(const WavelengthRopeScaling& s) const {
    return format(", llama3 scaling by {} from {} tokens", s.factor,
                  with_thousands(s.original_context_length));
  }
  std::string operator()(const YarnRopeScaling& s) const {
    return format(", yarn by {} from {} tokens", s.factor,
                  with_thousands(s.original_context_length));
  }
  std::string operator()(const LongRopeScaling& s) const {
    return format(", longrope from {} tokens", with_thousands(s.original_context_length));
  }
};

std::string context_text(const DecoderFeatures& f) {
  auto text = format("{} tokens; rotary base {}", with_thousands(f.context_length), f.rope.base);
  text += std::visit(ScalingText{}, f.rope.scaling);
  if (!f.rope.frequency_divisors.empty()) text += ", divisors from the file";
  if (f.rope.dims != f.head_dim) text += format(", {} of {} dimensions", f.rope.dims, f.head_dim);
  std::int64_t windowed = 0;
  std::int64_t unrotated = 0;
  std::int64_t window = 0;
  for (std::int64_t i = 0; i < f.num_layers; ++i) {
    const auto layer = f.layer(i);
    windowed += layer.window > 0;
    unrotated += layer.rope == RopeChoice::kNone;
    if (layer.window > 0) window = layer.window;
  }
  if (windowed > 0)
    text +=
        format("; {} of {} layers see {} tokens", windowed, f.num_layers, with_thousands(window));
  if (f.local_rope) text += format(" (rotary base {})", f.local_rope->base);
  if (unrotated > 0) text += format("; {} layers do not rotate", unrotated);
  return text;
}

/// What goes beyond a plain Llama decoder.
std::string feature_text(const DecoderFeatures& f) {
  std::vector<std::string> parts;
  const auto add = [&](bool is_there, std::string text) {
    if (is_there) parts.push_back(std::move(text));
  };
  add(f.tied_embeddings, "embedding serves as head");
  add(f.qkv_bias, "q/k/v biases");
  add(f.attention_output_bias, "output biases");
  add(f.mlp_bias, "mlp biases");
  add(f.fused_qkv, "fused q/k/v");
  add(f.fused_gate_up, "fused gate/up");
  add(f.post_norms, "four norms a layer");
  add(f.parallel_block, "attention beside mlp");
  add(f.norm_kind == NormKind::kLayer, "LayerNorm");
  add(f.head_norm != HeadNorm::kNone, "normalised queries and keys");
  add(f.activation == Activation::kGeluTanh, "GELU");
  add(f.attention_soft_cap > 0, format("attention capped at {}", f.attention_soft_cap));
  add(f.logit_soft_cap > 0, format("logits capped at {}", f.logit_soft_cap));
  add(f.logit_scale != 1, format("logits times {}", f.logit_scale));
  return join(parts, ", ");
}

std::string gguf_text(const Model& model) {
  try {
    GgufWriter writer;
    model.family->write_gguf_keys(model.decoder->features(), writer);
  } catch (const FormatError& refusal) {
    return refusal.what();
  }
  return format("exports as architecture {}", model.family->gguf_architecture());
}

std::string token_text(const Tokenizer* tokenizer, TokenId id) {
  if (!tokenizer || id >= tokenizer->size()) return std::to_string(id);
  return format("{} {}", id, tokenizer->token_of(id));
}

void add_tokenizer(const Model& model, AccountLines& lines) {
  const auto rows = model.decoder->features().vocabulary_size;
  if (!model.tokenizer) {
    lines.emplace_back("tokenizer", format("none; {} rows of the embedding", with_thousands(rows)));
    return;
  }
  const auto& tokenizer = *model.tokenizer;
  lines.emplace_back("tokenizer", format("{} tokens for {} rows of the embedding",
                                         with_thousands(tokenizer.size()), with_thousands(rows)));
  std::vector<std::string> parts;
  const auto add = [&](const char* name, const std::optional<TokenId>& id) {
    if (id) parts.push_back(format("{} {}", name, token_text(&tokenizer, *id)));
  };
  add("bos", tokenizer.bos());
  add("eos", tokenizer.eos());
  add("padding", tokenizer.padding());
  add("unknown", tokenizer.unknown());
  if (!parts.empty()) lines.emplace_back("special", join(parts, ", "));
}

void add_unread_settings(const Model& model, AccountLines& lines) {
  const auto add = [&](const char* file, const std::vector<std::string>& settings) {
    for (const auto& setting : settings)
      lines.emplace_back("not followed", format("{}: {}", file, setting));
  };
  add("config.json", unread_settings(*model.family, model.config));
  add("generation_config.json", unread_generation_settings(model.generation_config));
  const auto path = model.path / "tokenizer_config.json";
  if (model.tokenizer && std::filesystem::is_regular_file(path))
    add("tokenizer_config.json", unread_tokenizer_settings(read_json(path), *model.tokenizer));
}

bool takes(const ChatTemplate& chat_template, const Conversation& messages) {
  try {
    chat_template.render(messages, true);
  } catch (const ConfigError&) {
    return false;
  }
  return true;
}

void add_template(Model& model, const ModelOptions& options, AccountLines& lines) {
  if (!model.tokenizer) return;
  try {
    const auto chosen = chat_template_of(model, options);
    lines.emplace_back("template", chosen->is_built_in()
                                       ? format("built-in {}", chosen->name())
                                       : format("the model's own ({})", chosen->name()));
    if (!takes(*chosen, {{"system", "a", {}}, {"user", "b", {}}}))
      lines.emplace_back("template", "refuses a system message; merge_system helps");
    if (!takes(*chosen, {{"user", "a", {}}, {"user", "b", {}}}))
      lines.emplace_back("template", "refuses a role twice in a row; merge_consecutive helps");
    const Conversation talk = {
        {"user", "a", {}}, {"assistant", "b", {}}, {"user", "c", {}}, {"assistant", "d", {}}};
    if (training_conversations(*chosen, talk).size() > 1)
      lines.emplace_back("template",
                         "rewrites earlier replies; training makes a row of every reply");
  } catch (const Error& fault) {
    lines.emplace_back("template", fault.what());
  }
}

}  // namespace

std::int64_t parameter_count(const DecoderFeatures& features) {
  std::int64_t sum = 0;
  for (const auto& [name, shape] : parameter_shapes(features)) {
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    sum += count;
  }
  return sum;
}

std::uint64_t inference_bytes(const Decoder& decoder, std::int64_t tokens) {
  const auto& features = decoder.features();
  return static_cast<std::uint64_t>(parameter_count(features)) * c10::elementSize(decoder.dtype()) +
         cache_bytes(features, tokens, decoder.dtype());
}

std::vector<AccountLine> account_of(Model& model, const ModelOptions& options) {
  const auto& features = model.decoder->features();
  AccountLines lines;
  lines.emplace_back("family", model.family->name());
  lines.emplace_back("sizes", size_text(features));
  lines.emplace_back("context", context_text(features));
  if (const auto text = feature_text(features); !text.empty()) lines.emplace_back("features", text);
  lines.emplace_back("stored", stored_types(model.path));
  add_tokenizer(model, lines);
  add_template(model, options, lines);
  std::vector<std::string> ends;
  for (const auto id : model.end_tokens) ends.push_back(token_text(model.tokenizer.get(), id));
  lines.emplace_back("ends at", ends.empty() ? "no token" : join(ends, ", "));
  lines.emplace_back("gguf", gguf_text(model));
  add_unread_settings(model, lines);
  return lines;
}

}  // namespace sqpsych
