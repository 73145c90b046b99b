#pragma once

#include <filesystem>

namespace sqpsych::testing {

/// A small random model folder with its own tokenizer and the chatml template.
void write_tiny_model(const std::filesystem::path& folder);

/// train.jsonl (`num_rows` short chats of num_rows / 2 clients) and validation.jsonl.
void write_tiny_data(const std::filesystem::path& folder, int num_rows = 20);

}  // namespace sqpsych::testing
