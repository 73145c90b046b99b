#include "train/setup.h"

#include <algorithm>
#include <set>

#include "core/hash.h"
#include "core/log.h"
#include "core/text.h"
#include "models/weights/model_dir.h"
#include "train/sample_replies.h"

namespace fs = std::filesystem;

namespace sqpsych {
namespace {

fs::path split_file(const fs::path& data, const std::string& split) {
  if (!fs::is_directory(data)) return split == "train" ? data : fs::path{};
  const fs::path file = data / (split + ".jsonl");
  return fs::exists(file) ? file : fs::path{};
}

/// The settings that train without validation rows: whatever needs them is turned off as well.
std::string without_evaluation(const TrainConfig& config) {
  std::vector<std::string> sets = {"eval_strategy=no"};
  if (config.eval_steps > 0) sets.push_back("eval_steps=0");
  if (config.load_best_model_at_end) sets.push_back("load_best_model_at_end=false");
  if (config.early_stopping_patience) sets.push_back("early_stopping_patience=null");
  if (config.num_sample_replies > 0) sets.push_back("num_sample_replies=0");
  return "--set " + join(sets, " --set ");
}

void check_paths(const TrainRequest& request) {
  if (!fs::exists(request.data))
    throw ConfigError(format(
        "train: --data: found no '{}', expected a folder with train.jsonl or a JSON Lines file.",
        request.data.string()));
  if (split_file(request.data, "train").empty())
    throw ConfigError(
        format("train: --data: found no train.jsonl in '{}'. Make one with `sqpsych dataset`.",
               request.data.string()));
  if (request.config.evaluates() && split_file(request.data, "validation").empty())
    throw ConfigError(format(
        "train: eval_strategy: found '{}' but no validation.jsonl in '{}'. Add the file, or train "
        "without it: {}",
        request.config.eval_strategy, request.data.string(), without_evaluation(request.config)));
}

std::unique_ptr<Model> load_for_training(const fs::path& folder, const TrainConfig& config) {
  if (!fs::is_directory(folder))
    throw ConfigError(
        format("train: --model: found '{}', expected a Hugging Face folder (GGUF files cannot be "
               "trained).",
               folder.string()));
  auto model = std::make_unique<Model>(load_model(folder, std::nullopt, config.model));
  if (!model->tokenizer)
    throw FormatError(
        format("train: '{}': found no tokenizer files, expected tokenizer.json or "
               "tokenizer.model.",
               folder.string()));
  return model;
}

void resolve_max_length(TrainConfig& config, const Model& model) {
  const std::int64_t context = model.decoder->features().context_length;
  std::int64_t& length = config.row_plan.max_length;
  if (length == 0) length = context;
  if (length > context)
    throw ConfigError(
        format("train: max_length: found {}, expected at most the model's context of {} tokens.",
               length, context));
}

SplitRows read_split(const fs::path& file, const std::string& if_empty) {
  SplitRows split;
  split.file = file;
  split.dataset_rows = read_dataset_rows(file);
  if (split.dataset_rows.empty())
    throw FormatError(
        format("train: '{}': found no rows, expected at least one. {}", file.string(), if_empty));
  return split;
}

void tokenize_split(SplitRows& split, const TrainingSetup& setup) {
  split.rows = tokenize_rows(split.dataset_rows, *setup.model->tokenizer, setup.chat_template.get(),
                             setup.config.row_plan, split.report);
  if (split.rows.empty())
    throw FormatError(
        format("train: '{}': found no row within max_length {}, expected at least one. "
               "Use over_length=window or a larger max_length.",
               split.file.string(), setup.config.row_plan.max_length));
  std::vector<std::string> empty_rows;
  for (const auto& row : split.rows) {
    const std::int64_t units = setup.objective->units(row);
    if (units == 0) empty_rows.push_back(row.id);
    split.units += units;
  }
  if (!empty_rows.empty())
    throw FormatError(
        format("train: '{}': found no supervised token in {}, expected at least one "
               "in every row. Is the reply empty or its weight 0?",
               split.file.string(), quoted_list(empty_rows)));
}

bool has_chat_rows(const std::vector<DatasetRow>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const DatasetRow& row) { return !row.is_raw(); });
}

void hash_clients(TrainingSetup& setup) {
  std::set<std::string> ids;
  for (const auto& row : setup.train.dataset_rows) ids.insert(row.client_id);
  std::string lines;
  for (const auto& id : ids) lines += id + "\n";
  setup.num_clients = static_cast<std::int64_t>(ids.size());
  setup.client_ids_sha256 = sha256_hex(lines);
}

Json input_hashes(const TrainingSetup& setup) {
  Json inputs = {{"schema", "sqpsych.training_inputs/1"}, {"data", Json::object()}};
  for (const fs::path& file : {setup.train.file, setup.validation.file})
    if (!file.empty()) inputs["data"][file.filename().string()] = sha256_hex_of_file(file);
  if (const auto& prompts = setup.config.sample_prompts; !prompts.empty())
    inputs["data"]["sample_prompts"] = sha256_hex_of_file(prompts.path);
  inputs["model"] = model_file_hashes(setup.model->path);
  return inputs;
}

}  // namespace

TrainingSetup prepare_training(const TrainRequest& request) {
  check_paths(request);
  TrainingSetup setup;
  setup.config = request.config;
  for (const auto& sentence : request.config.settings_without_effect())
    warn_once("train: " + sentence);
  setup.objective = &objective_by_name(setup.config.objective);
  setup.train =
      read_split(split_file(request.data, "train"), "Did the dataset's filters drop everything?");
  if (setup.config.evaluates())
    setup.validation = read_split(split_file(request.data, "validation"),
                                  "Make the data set with a larger split.validation, or train "
                                  "without it: " +
                                      without_evaluation(setup.config));

  setup.model = load_for_training(request.model, setup.config);
  resolve_max_length(setup.config, *setup.model);
  const auto samples = sample_rows(setup);
  if (has_chat_rows(setup.train.dataset_rows) || has_chat_rows(setup.validation.dataset_rows) ||
      has_chat_rows(samples))
    setup.chat_template = chat_template_of(*setup.model, setup.config.model);
  tokenize_split(setup.train, setup);
  if (setup.config.evaluates()) tokenize_split(setup.validation, setup);
  setup.samples = choose_sample_prompts(setup, samples);

  setup.trainable = std::make_unique<Trainable>(*setup.model, setup.config);
  hash_clients(setup);
  setup.inputs = input_hashes(setup);
  return setup;
}

}  // namespace sqpsych
