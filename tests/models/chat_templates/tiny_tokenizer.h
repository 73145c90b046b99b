#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/text.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych::testing {

/// One token per character of ASCII and the control tokens of the usual chat formats;
/// `special_tokens` is {"bos_token": "<s>" ...}, further keys of tokenizer_config.json included.
inline std::unique_ptr<Tokenizer> tiny_tokenizer(const Json& special_tokens) {
  Json vocabulary = {{"\n", 10}, {"<unk>", 0}};
  for (int c = 32; c < 127; ++c) vocabulary[std::string(1, static_cast<char>(c))] = c;
  std::vector<std::string> controls = {"<s>",
                                       "</s>",
                                       "<|im_start|>",
                                       "<|im_end|>",
                                       "<|start_header_id|>",
                                       "<|end_header_id|>",
                                       "<|eot_id|>",
                                       "<bos>",
                                       "<eos>",
                                       "<pad>",
                                       "<start_of_turn>",
                                       "<end_of_turn>",
                                       "<|endoftext|>",
                                       "<|end|>",
                                       "<|system|>",
                                       "<|user|>",
                                       "<|assistant|>",
                                       "<extra_id_0>",
                                       "<extra_id_1>",
                                       "<|start|>",
                                       "<|stop|>",
                                       "[ASK]",
                                       "[/ASK]"};
  Json added = Json::array();
  int id = 200;
  for (const auto& token : controls)
    added.push_back({{"id", id++}, {"content", token}, {"special", true}, {"normalized", false}});
  Json file = {
      {"added_tokens", added},
      {"model",
       {{"type", "BPE"}, {"unk_token", "<unk>"}, {"vocab", vocabulary}, {"merges", Json::array()}}},
      {"decoder", {{"type", "Fuse"}}}};
  if (special_tokens.value("add_bos_token", false)) {
    const std::string bos = special_tokens["bos_token"];
    file["post_processor"] = {
        {"type", "TemplateProcessing"},
        {"single",
         {{{"SpecialToken", {{"id", bos}, {"type_id", 0}}}},
          {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
        {"pair", Json::array()},
        {"special_tokens", {{bos, {{"id", bos}, {"ids", {200}}, {"tokens", {bos}}}}}}};
  }
  TemporaryFolder folder;
  write_text(folder / "tokenizer.json", file.dump());
  write_text(folder / "tokenizer_config.json", special_tokens.dump());
  return load_tokenizer(folder.path());
}

}  // namespace sqpsych::testing
