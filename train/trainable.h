#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "models/model.h"
#include "models/weights/adapter_dir.h"
#include "train/config.h"
#include "train/optimizer.h"

namespace sqpsych {

/// Hugging Face module paths of the linear layers that `targets` means: "all-linear" (without the
/// head), a regular expression for the whole path, or a list of path endings (PEFT's rules).
/// ConfigError lists the last segments that exist when the text, or one entry of the list, fits
/// none.
std::vector<std::string> choose_lora_modules(const Json& targets,
                                             const std::vector<std::string>& modules);

/// `target_modules` that make PEFT reach exactly `chosen` among `modules`: last path segments when
/// they suffice, else whole paths.
std::vector<std::string> adapter_target_names(const std::vector<std::string>& chosen,
                                              const std::vector<std::string>& modules);

/// What a training changes in a model, and how that is written and read back.
class Trainable {
 public:
  /// method lora: attaches low-rank factors; A as PEFT starts it (Kaiming uniform with a = sqrt(5),
  /// i.e. uniform in +-1/sqrt(in)) from the seed and the module's path alone, B zero.
  /// method full: every weight.
  Trainable(Model& model, const TrainConfig& config);

  const std::vector<TrainedParameter>& parameters() const { return parameters_; }
  std::int64_t parameter_count() const;
  bool is_adapter() const { return config_.method == "lora"; }

  /// A folder that PEFT (adapter) or transformers (whole model) loads, without tokenizer files.
  void write(const std::filesystem::path& folder) const;
  /// Weights back from such a folder, bit for bit. FormatError when they do not fit.
  void read(const std::filesystem::path& folder);

 private:
  void attach_lora();
  void collect_all_weights();
  void write_adapter(const std::filesystem::path& folder) const;
  void write_model(const std::filesystem::path& folder) const;
  void read_adapter(const std::filesystem::path& folder);
  void read_model(const std::filesystem::path& folder);

  Model& model_;
  TrainConfig config_;
  std::map<std::string, Linear*> linears_;  ///< by Hugging Face module path
  std::vector<std::string> modules_;        ///< the paths, in the decoder's order
  std::vector<std::string> chosen_;         ///< those with low-rank factors
  std::vector<TrainedParameter> parameters_;
};

/// Puts beside the weights in `folder` what write() leaves out: the tokenizer's files, the chat
/// template in use (null: as the model has it), and its terminator among the end tokens of a whole
/// model's generation_config.json.
void write_companions(const Model& model, const std::filesystem::path& folder,
                      const ChatTemplate* chat_template);

}  // namespace sqpsych
