#include "tests/train/tiny_files.h"

#include "core/json.h"
#include "core/text.h"
#include "models/new_model.h"
#include "tests/support/temporary_folder.h"

namespace fs = std::filesystem;

namespace sqpsych::testing {
namespace {

std::string feeling(int number) {
  static const char* words[] = {"tired", "calm", "sad", "worried", "hopeful", "lonely", "angry"};
  return words[number % 7];
}

std::string chat_row(int number) {
  const std::string user =
      format("I felt {} today, about {} hours long.", feeling(number), number % 9);
  const std::string reply =
      format("You felt {}. What happened before you were {}?", feeling(number), feeling(number));
  const Json row = {{"messages",
                     {{{"role", "system"}, {"content", "You are a counselor."}},
                      {{"role", "user"}, {"content", user}},
                      {{"role", "assistant"}, {"content", reply}}}},
                    {"id", format("row-{}", number)},
                    {"client_id", format("client-{}", number / 2)},
                    {"meta", Json::object()}};
  return row.dump() + "\n";
}

std::string chat_rows(int first, int count) {
  std::string lines;
  for (int i = first; i < first + count; ++i) lines += chat_row(i);
  return lines;
}

}  // namespace

void write_tiny_model(const fs::path& folder) {
  const TemporaryFolder texts;
  write_text(texts / "texts.jsonl", chat_rows(0, 60));
  NewModelConfig config;
  config.vocabulary_size = 400;
  config.hidden_size = 16;
  config.intermediate_size = 32;
  config.max_position_embeddings = 128;
  write_new_model(config, {texts / "texts.jsonl"}, folder, Existing::kRefuse);
}

void write_tiny_data(const fs::path& folder, int num_rows) {
  write_text(folder / "train.jsonl", chat_rows(0, num_rows));
  write_text(folder / "validation.jsonl", chat_rows(1000, 4));
}

}  // namespace sqpsych::testing
