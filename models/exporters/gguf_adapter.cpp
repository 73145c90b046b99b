#include <ATen/TensorOperators.h>

#include <cmath>

#include "core/error.h"
#include "core/free_space.h"
#include "core/manifest.h"
#include "core/text.h"
#include "models/codecs/codec.h"
#include "models/exporters/export_source.h"
#include "models/exporters/gguf_metadata.h"
#include "models/exporters/verify.h"
#include "models/weights/merge.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

double rank_of(const AdapterFactors& factors) { return static_cast<double>(factors.a_RI.size(0)); }

/// The file's one alpha: runtimes scale by alpha / rank, so rsLoRA is folded in. 0 would mean "no
/// scaling" to them, hence the first module that has any effect, else 1.
double alpha_of(const AdapterDir& adapter) {
  for (const auto& [module, factors] : adapter.modules)
    if (factors.scale != 0) return factors.scale * rank_of(factors);
  return 1;
}

/// B with what its module's own scale differs from the file's, in the rows' GGUF order.
at::Tensor b_of(const AdapterFactors& factors, double alpha, const TensorNames& names,
                const DecoderFeatures& features) {
  auto b_OR = factors.b_OR.to(at::kFloat);
  const auto ratio = factors.scale * rank_of(factors) / alpha;
  if (std::fabs(ratio - 1) > 1e-12) b_OR = b_OR * ratio;
  return to_gguf_layout(b_OR, names.transform, features);
}

/// With tied embeddings llama.cpp finds a token_embd adapter while it computes the output, and
/// aborts; an output adapter it does not find at all.
void refuse_tied_modules(const ExportSource& source) {
  if (!source.features().tied_embeddings) return;
  for (const auto& names : source.names())
    if (names.own == "embedding.weight" &&
        source.adapter()->modules.count(module_of_weight(names.huggingface)))
      throw FormatError(
          format("{}: module '{}': found an adapter on a tied embedding, expected none: "
                 "no GGUF adapter can express it. Export the merged model instead "
                 "(--format gguf).",
                 source.adapter()->folder.string(), module_of_weight(names.huggingface)));
}

/// The experts of a layer are one stacked tensor there: factors for one of them have no name.
void refuse_expert_modules(const ExportSource& source) {
  for (const auto& names : source.names())
    if (names.gguf_slice >= 0 &&
        source.adapter()->modules.count(module_of_weight(names.huggingface)))
      throw FormatError(
          format("{}: module '{}': found factors for one expert, expected none: no GGUF adapter "
                 "can express them. Export the merged model instead (--format gguf).",
                 source.adapter()->folder.string(), module_of_weight(names.huggingface)));
}

void write_keys(const ExportSource& source, double alpha, GgufWriter& writer) {
  writer.set("general.architecture", source.family().gguf_architecture());
  writer.set("general.type", std::string("adapter"));
  writer.set("general.name", fs::weakly_canonical(source.adapter()->folder).filename().string());
  writer.set("general.description", format("Exported by sqpsych {}", version()));
  writer.set("general.base_model.count", std::uint32_t{1});
  writer.set("general.base_model.0.name", source.name());
  writer.set("adapter.type", std::string("lora"));
  writer.set("adapter.lora.alpha", static_cast<float>(alpha));
}

class GgufAdapterExporter : public Exporter {
 public:
  std::string name() const override { return "gguf-adapter"; }
  std::vector<std::string> types() const override { return codec_names(); }
  bool writes_folder() const override { return false; }

  ExportSummary write(const ExportRequest& request) const override {
    if (!request.adapter)
      throw ConfigError(
          "export: --adapter: found nothing, expected an adapter folder for --format "
          "gguf-adapter.");
    const ExportSource source(request);
    refuse_tied_modules(source);
    refuse_expert_modules(source);
    const auto type = ggml_type_of(request.type.empty() ? "F32" : request.type);
    const auto alpha = alpha_of(*source.adapter());
    GgufWriter writer;
    write_keys(source, alpha, writer);
    for (const auto& names : source.names()) {
      const auto found = source.adapter()->modules.find(module_of_weight(names.huggingface));
      if (found == source.adapter()->modules.end() || !names.gguf.ends_with(".weight")) continue;
      writer.add(names.gguf + ".lora_a", found->second.a_RI, type);
      writer.add(names.gguf + ".lora_b", b_of(found->second, alpha, names, source.features()),
                 type);
    }
    need_free_space(request.output, writer.data_bytes(), "export");
    if (!request.check_only) write_verified(writer, request.output);
    return {writer.tensor_count(), writer.data_bytes()};
  }
};

}  // namespace

const Exporter& gguf_adapter_exporter() {
  static const GgufAdapterExporter exporter;
  return exporter;
}

}  // namespace sqpsych
