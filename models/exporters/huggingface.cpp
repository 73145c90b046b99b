#include "core/error.h"
#include "core/free_space.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/manifest.h"
#include "core/progress.h"
#include "core/text.h"
#include "models/exporters/chat_template_source.h"
#include "models/exporters/export_source.h"
#include "models/generation_config.h"
#include "models/weights/finite.h"
#include "models/weights/safetensors_header.h"
#include "models/weights/sharded_safetensors.h"
#include "models/weights/tokenizer_files.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

constexpr const char* kLicences[] = {"LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE",
                                     "USE_POLICY.md"};

void copy_companions(const fs::path& from, const fs::path& to) {
  copy_tokenizer_files(from, to);
  for (const char* name : kLicences)
    if (fs::is_regular_file(from / name)) write_file_atomic(to / name, read_file(from / name));
}

/// `dtype` is the name that newer configs use, `torch_dtype` the older one.
std::string dtype_name(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return "float32";
    case at::kHalf:
      return "float16";
    case at::kBFloat16:
      return "bfloat16";
    default:
      return "float64";
  }
}

void write_config(const ExportSource& source, at::ScalarType type, const fs::path& folder) {
  auto config = source.config();
  config[config.contains("dtype") ? "dtype" : "torch_dtype"] = dtype_name(type);
  write_file_atomic(folder / "config.json", config.dump(2) + "\n");
}

/// The turns' terminator ends replies in transformers too where we know it.
void write_generation_config(const ExportSource& source, const ChatTemplateSource& chat_template,
                             const Tokenizer& tokenizer, const fs::path& folder) {
  Json generation = source.folder().generation_config();
  const auto end = tokenizer.id_of(chat_template.terminator);
  if (end && tokenizer.is_control(*end))
    generation = with_end_token(generation, source.folder().config(), *end);
  if (!generation.is_null())
    write_file_atomic(folder / "generation_config.json", generation.dump(2) + "\n");
}

void write_card(const ExportSource& source, const fs::path& folder) {
  std::string text =
      "---\nlibrary_name: transformers\npipeline_tag: text-generation\n---\n\n# " + source.name();
  if (const auto& adapter = source.adapter())
    text += format(", merged with the LoRA adapter `{}`",
                   fs::weakly_canonical(adapter->folder).filename().string());
  text +=
      format("\n\nWritten by sqpsych {}; `manifest.json` says what it was made of.\n\n", version());
  text += "For research and education; not for patients, not for crises.\n";
  write_file_atomic(folder / "README.md", text);
}

/// The converted tensor; FormatError when a value is no number or does not fit the type.
at::Tensor converted(const ExportSource& source, const TensorNames& names, at::ScalarType type) {
  throw_if_interrupted("export");
  const auto tensor = source.tensor(names).to(type);
  if (!all_finite(tensor))
    throw FormatError(
        format("export: tensor '{}': found NaN or infinite values in {}, expected "
               "numbers. The weights are broken, or need --type BF16 or F32.",
               names.huggingface, dtype_name(type)));
  return tensor;
}

void write_record(const ExportRequest& request, const ExportSource& source,
                  const ChatTemplateSource& chat_template, const fs::path& folder) {
  Manifest manifest;
  manifest.command = command_line();
  manifest.config = {{"format", request.format}, {"type", request.type}};
  manifest.inputs = {request.model};
  manifest.extra["model"] = source.name();
  if (request.adapter) manifest.inputs.push_back(*request.adapter);
  if (!chat_template.builtin.empty()) manifest.extra["chat_template"] = chat_template.builtin;
  write_manifest(folder, manifest);
}

class HuggingFaceExporter : public Exporter {
 public:
  std::string name() const override { return "huggingface"; }
  std::vector<std::string> types() const override { return {"F32", "F16", "BF16"}; }
  bool writes_folder() const override { return true; }

  ExportSummary write(const ExportRequest& request) const override {
    const ExportSource source(request);
    const auto tokenizer = source.load_tokenizer();
    const auto chat_template = find_chat_template(
        {request.model, request.adapter, request.model_options.chat_template}, *tokenizer);
    Progress progress("writing " + request.output.filename().string(), std::ssize(source.names()),
                      "tensors");
    const auto tensors = plan(source, request.type, progress);
    ExportSummary summary{tensors.size(), 0};
    for (const auto& tensor : tensors) summary.size_bytes += size_bytes(tensor);
    need_free_space(request.output, summary.size_bytes, "export");
    if (request.check_only) return summary;
    write_folder_atomic(
        request.output, request.existing == Existing::kOverwrite, [&](const fs::path& folder) {
          write_model_safetensors(folder, tensors);
          write_config(source, tensors.front().dtype, folder);
          write_generation_config(source, chat_template, *tokenizer, folder);
          copy_companions(request.model, folder);
          if (chat_template.is_chosen)
            record_chat_template(folder, chat_template.builtin, chat_template.jinja);
          write_card(source, folder);
          write_record(request, source, chat_template, folder);
        });
    return summary;
  }

 private:
  /// Without a type every tensor keeps the one it is stored in.
  static std::vector<DeferredTensor> plan(const ExportSource& source, const std::string& type,
                                          Progress& progress) {
    std::vector<DeferredTensor> tensors;
    for (const auto& names : source.names()) {
      const auto dtype = type.empty() ? source.stored_type(names) : *safetensors_scalar_type(type);
      tensors.push_back(
          {names.huggingface, dtype, source.shape(names), [&source, &progress, names, dtype] {
             progress.advance();
             return converted(source, names, dtype);
           }});
    }
    return tensors;
  }
};

}  // namespace

const Exporter& huggingface_exporter() {
  static const HuggingFaceExporter exporter;
  return exporter;
}

}  // namespace sqpsych
