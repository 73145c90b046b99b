#include "train/sample_replies.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "core/random.h"
#include "models/engine/engine.h"

namespace sqpsych {
namespace {

/// Messages before the last assistant message that follows a user message.
std::size_t reply_position(const Conversation& messages) {
  for (std::size_t i = messages.size(); i-- > 1;)
    if (messages[i].role == "assistant" && messages[i - 1].role == "user") return i;
  return messages.size();
}

Json messages_json(const Conversation& messages) {
  Json list = Json::array();
  for (const auto& message : messages)
    list.push_back({{"role", message.role}, {"content", message.content}});
  return list;
}

/// Leaves out the oldest turns (a user message and what follows it) until the prompt fits.
bool render_fitting(const TrainingSetup& setup, Conversation messages, std::size_t room,
                    SamplePrompt& sample) {
  const auto is_system = [](const Message& message) { return message.role == "system"; };
  while (true) {
    sample.ids =
        tokenize_conversation(*setup.model->tokenizer, *setup.chat_template, messages, true).ids;
    sample.prompt = messages_json(messages);
    if (sample.ids.size() <= room) return true;
    const auto first = std::find_if_not(messages.begin(), messages.end(), is_system);
    if (messages.end() - first < 2) return false;
    const auto next_user =
        std::find_if(first + 1, messages.end(), [](const Message& m) { return m.role == "user"; });
    if (next_user == messages.end()) return false;
    messages.erase(first, next_user);
  }
}

bool make_sample(const TrainingSetup& setup, const DatasetRow& row, SamplePrompt& sample) {
  const std::int64_t context = setup.model->decoder->features().context_length;
  const std::int64_t room = context - setup.config.sampling.max_tokens;
  if (room < 1)
    throw ConfigError(
        format("train: sampling.max_tokens: found {}, expected less than the context of {}.",
               setup.config.sampling.max_tokens, context));
  sample.id = row.id;
  if (row.is_raw()) {
    sample.ids = setup.model->tokenizer->encode_ids(row.prompt, true);
    sample.prompt = row.prompt;
    sample.reference = row.completion;
    return !sample.ids.empty() && static_cast<std::int64_t>(sample.ids.size()) <= room;
  }
  const std::size_t end = reply_position(row.messages);
  if (!setup.chat_template || end == 0) return false;
  const Conversation before(row.messages.begin(),
                            row.messages.begin() + static_cast<std::ptrdiff_t>(end));
  if (end < row.messages.size()) sample.reference = row.messages[end].content;
  return render_fitting(setup, before, static_cast<std::size_t>(room), sample);
}

}  // namespace

std::vector<DatasetRow> sample_rows(const TrainingSetup& setup) {
  if (setup.config.num_sample_replies == 0) return {};
  if (setup.config.sample_prompts.empty()) return setup.validation.dataset_rows;
  return read_dataset_rows(setup.config.sample_prompts.path);
}

std::vector<SamplePrompt> choose_sample_prompts(const TrainingSetup& setup,
                                                const std::vector<DatasetRow>& rows) {
  std::vector<SamplePrompt> samples;
  const std::size_t wanted = static_cast<std::size_t>(setup.config.num_sample_replies);
  if (wanted == 0) return samples;
  const std::size_t count = std::min(wanted, rows.size());
  for (std::size_t i = 0; i < count; ++i) {
    SamplePrompt sample;
    if (make_sample(setup, rows[i * rows.size() / count], sample))
      samples.push_back(std::move(sample));
  }
  if (samples.empty())
    throw ConfigError(
        "train: num_sample_replies: found no prompt that fits the context, expected at least one. "
        "Lower sampling.max_tokens or give sample_prompts.");
  return samples;
}

std::vector<Json> sample_replies(const TrainingSetup& setup, std::int64_t step) {
  const at::NoGradGuard no_grad;
  Engine engine(*setup.model);
  std::vector<Json> records;
  for (const auto& sample : setup.samples) {
    GenerationRequest request;
    request.prompt = sample.ids;
    request.sampling = setup.config.sampling;
    request.seed = derive_seed({"sample reply", setup.config.seed, sample.id});
    request.end_tokens = setup.model->end_tokens;
    const Generation generation = engine.generate(request);
    records.push_back({{"schema", "sqpsych.sample/1"},
                       {"step", step},
                       {"id", sample.id},
                       {"prompt", sample.prompt},
                       {"reply", generation.text},
                       {"reference", sample.reference},
                       {"stop_reason", generation.stop_reason},
                       {"reply_tokens", generation.ids.size()}});
  }
  return records;
}

}  // namespace sqpsych
