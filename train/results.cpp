#include "train/results.h"

#include "core/files.h"
#include "core/manifest.h"
#include "core/text.h"
#include "models/weights/model_dir.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

std::string front_matter(const TrainingSetup& setup) {
  std::string text = "---\n";
  // Front matter takes repository ids only; the text below names a local folder.
  if (const auto id = hub_id_of(setup.model->path); !id.empty())
    text += format("base_model: {}\n", id);
  text += format("library_name: {}\n", setup.trainable->is_adapter() ? "peft" : "transformers");
  text += "pipeline_tag: text-generation\ntags:\n";
  text += format("- {}\n- {}\n- sqpsych\n---\n\n", setup.config.objective,
                 setup.trainable->is_adapter() ? "lora" : "full");
  return text;
}

std::string how_trained(const TrainingSetup& setup, const Json& results) {
  const TrainConfig& config = setup.config;
  std::string text = "## How it was trained\n\n| | |\n|---|---|\n";
  const auto row = [&text](const std::string& name, const std::string& value) {
    text += format("| {} | {} |\n", name, value);
  };
  row("base model", model_name(setup.model->path));
  row("method",
      config.method == "lora"
          ? format("LoRA, r {}, alpha {}, dropout {}, target modules {}", config.lora_r,
                   config.lora_alpha, config.lora_dropout, config.lora_target_modules.dump())
          : "every weight");
  row("rows", with_thousands(static_cast<std::int64_t>(setup.train.rows.size())));
  row("clients", with_thousands(setup.num_clients));
  row("supervised tokens", with_thousands(setup.train.units));
  row("steps", with_thousands(results["step"].get<std::int64_t>()));
  row("epochs", format("{:.2f}", results["epoch"].get<double>()));
  row("peak learning rate", format("{} ({})", config.learning_rate, config.lr_scheduler_type));
  row("mean training loss", format("{:.4f}", results["train_loss"].get<double>()));
  row("chat template", setup.chat_template ? setup.chat_template->name() : "none (raw text)");
  row("longest row", format("{} tokens", config.row_plan.max_length));
  row("seed", std::to_string(config.seed));
  return text + format("\nTrained with sqpsych {}.\n", version());
}

std::string model_card(const TrainingSetup& setup, const Json& results) {
  return front_matter(setup) +
         format("# {} fine-tuned for counseling dialogues\n\n", model_name(setup.model->path)) +
         "For research and education. Not for patients, not for crises: replies are not checked by "
         "a clinician and may be wrong or harmful.\n\n" +
         how_trained(setup, results);
}

Manifest manifest_of(const TrainingSetup& setup) {
  Manifest manifest;
  manifest.command = command_line();
  manifest.config = config_to_json(setup.config);
  manifest.inputs = {setup.train.file};
  if (!setup.validation.file.empty()) manifest.inputs.push_back(setup.validation.file);
  if (fs::exists(setup.model->path / "manifest.json"))
    manifest.parents.push_back(setup.model->path);
  manifest.extra = {
      {"model", {{"path", setup.model->path.string()}, {"files", setup.inputs["model"]}}},
      {"chat_template", setup.chat_template ? Json(setup.chat_template->name()) : Json(nullptr)},
      {"clients", setup.num_clients},
      {"client_ids_sha256", setup.client_ids_sha256}};
  return manifest;
}

}  // namespace

void write_results(const RunFolder& folder, const TrainingSetup& setup, const Json& results) {
  write_folder_atomic(folder.result(setup.trainable->is_adapter()), true,
                      [&](const fs::path& path) {
                        setup.trainable->write(path);
                        write_companions(*setup.model, path, setup.chat_template.get());
                        write_file_atomic(path / "README.md", model_card(setup, results));
                      });
  write_manifest(folder.path, manifest_of(setup));
  write_file_atomic(folder.results(), results.dump(2) + "\n");
}

}  // namespace sqpsych
