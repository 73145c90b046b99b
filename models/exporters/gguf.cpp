#include <ATen/core/Tensor.h>
#include <ATen/ops/stack.h>

#include "core/error.h"
#include "core/free_space.h"
#include "core/log.h"
#include "core/text.h"
#include "models/codecs/codec.h"
#include "models/exporters/chat_template_source.h"
#include "models/exporters/export_source.h"
#include "models/exporters/gguf_metadata.h"
#include "models/exporters/verify.h"

namespace sqpsych {
namespace {

/// Vectors, norms and biases stay F32; matrices take the file's type.
GgmlType stored_type_of(const TensorNames& names, const std::vector<std::int64_t>& shape,
                        GgmlType type) {
  // Routers stay F32 too, as in llama.cpp's converter: they decide by small differences.
  const bool is_matrix = shape.size() > 1 && names.gguf.ends_with(".weight") &&
                         !names.gguf.ends_with("_norm.weight") &&
                         !names.gguf.ends_with("ffn_gate_inp.weight");
  return is_matrix ? type : GgmlType::kF32;
}

/// Parameters that share one GGUF tensor, in its order.
using Stack = std::vector<TensorNames>;

at::Tensor gguf_tensor(const ExportSource& source, const Stack& stack) {
  std::vector<at::Tensor> parts;
  for (const auto& names : stack)
    parts.push_back(to_gguf_layout(source.tensor(names), names.transform, source.features()));
  return stack[0].gguf_slice < 0 ? parts[0] : at::stack(parts);
}

void add_tensors(const ExportSource& source, GgmlType type, GgufWriter& writer) {
  const auto& all = source.names();
  for (std::size_t i = 0; i < all.size();) {
    Stack stack = {all[i++]};
    while (i < all.size() && all[i].gguf == stack[0].gguf) stack.push_back(all[i++]);
    auto shape = source.shape(stack[0]);
    if (stack[0].gguf_slice >= 0) shape.insert(shape.begin(), std::ssize(stack));
    writer.add(stack[0].gguf, shape, stored_type_of(stack[0], shape, type),
               [&source, stack] { return gguf_tensor(source, stack); });
  }
}

class GgufExporter : public Exporter {
 public:
  std::string name() const override { return "gguf"; }
  std::vector<std::string> types() const override { return codec_names(); }
  bool writes_folder() const override { return false; }

  ExportSummary write(const ExportRequest& request) const override {
    const ExportSource source(request);
    const auto tokenizer = source.load_tokenizer();
    const auto chat_template = find_chat_template(
        {request.model, request.adapter, request.model_options.chat_template}, *tokenizer);
    if (chat_template.jinja.empty())
      log_warning(
          "export: the model has no chat template, so the file carries none; set "
          "chat_template to a built-in one to add it.");
    const auto type = ggml_type_of(request.type.empty() ? "F16" : request.type);
    GgufWriter writer;
    write_general_keys(source, *tokenizer, type, writer);
    source.family().write_gguf_keys(source.features(), writer);
    write_vocabulary_keys(source, chat_template, *tokenizer, writer);
    add_tensors(source, type, writer);
    need_free_space(request.output, writer.data_bytes(), "export");
    if (!request.check_only) write_verified(writer, request.output);
    return {writer.tensor_count(), writer.data_bytes()};
  }
};

}  // namespace

const Exporter& gguf_exporter() {
  static const GgufExporter exporter;
  return exporter;
}

}  // namespace sqpsych
