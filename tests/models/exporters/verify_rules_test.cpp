#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "models/exporters/verify.h"
#include "models/weights/gguf_file.h"
#include "tests/models/exporters/broken_structures.h"
#include "tests/models/exporters/sound_drafts.h"
#include "tests/support/error_text.h"
#include "tests/support/source_path.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::Draft;
using testing::TemporaryFolder;

using testing::add_block;
using testing::good_adapter;
using testing::good_byte_level_model;
using testing::good_model;
using testing::Texts;
using testing::u32;

std::set<std::string> broken_rules(const std::filesystem::path& file) {
  std::set<std::string> rules;
  for (const auto& finding : verify_gguf(file)) rules.insert(finding.rule);
  return rules;
}

struct Case {
  const char* rule;
  const char* what;
  std::function<void(Draft&)> change;
};

std::vector<Case> model_cases() {
  const std::string text = "x";
  return {
      {"key-missing", "no architecture", [](Draft& d) { d.remove("general.architecture"); }},
      {"architecture", "unknown",
       [&](Draft& d) { d.set("general.architecture", std::string("opt")); }},
      {"general-type", "other", [](Draft& d) { d.set("general.type", std::string("mmproj")); }},
      {"key-type", "name is no text", [](Draft& d) { d.set("general.name", u32(1)); }},
      {"key-type", "file_type", [](Draft& d) { d.set("general.file_type", std::int32_t{0}); }},
      {"quantization-version", "wrong",
       [](Draft& d) { d.set("general.quantization_version", u32(1)); }},
      {"quantization-version", "absent in a quantised file",
       [](Draft& d) { d.tensor("token_embd.weight").type = GgmlType::kQ8_0; }},
      {"key-missing", "context", [](Draft& d) { d.remove("llama.context_length"); }},
      {"key-missing", "embedding", [](Draft& d) { d.remove("llama.embedding_length"); }},
      {"key-missing", "blocks", [](Draft& d) { d.remove("llama.block_count"); }},
      {"key-missing", "feed forward", [](Draft& d) { d.remove("llama.feed_forward_length"); }},
      {"key-missing", "heads", [](Draft& d) { d.remove("llama.attention.head_count"); }},
      {"key-missing", "epsilon",
       [](Draft& d) { d.remove("llama.attention.layer_norm_rms_epsilon"); }},
      {"key-type", "context as u64",
       [](Draft& d) { d.set("llama.context_length", std::uint64_t{64}); }},
      {"key-type", "blocks as i32", [](Draft& d) { d.set("llama.block_count", std::int32_t{2}); }},
      {"key-type", "epsilon as f64",
       [](Draft& d) { d.set("llama.attention.layer_norm_rms_epsilon", 1e-5); }},
      {"key-type", "heads as f32", [](Draft& d) { d.set("llama.attention.head_count", 4.0F); }},
      {"key-type", "base as f64", [](Draft& d) { d.set("llama.rope.freq_base", 1e4); }},
      {"key-type", "vocab_size", [](Draft& d) { d.set("llama.vocab_size", std::uint64_t{4}); }},
      {"key-type", "window", [](Draft& d) { d.set("llama.attention.sliding_window", 4.0F); }},
      {"key-value", "context 0", [](Draft& d) { d.set("llama.context_length", u32(0)); }},
      {"key-value", "too many blocks", [](Draft& d) { d.set("llama.block_count", u32(513)); }},
      {"key-value", "epsilon 0",
       [](Draft& d) { d.set("llama.attention.layer_norm_rms_epsilon", 0.0F); }},
      {"key-value", "heads 0", [](Draft& d) { d.set("llama.attention.head_count", u32(0)); }},
      {"key-value", "kv heads no divisor",
       [](Draft& d) {
         d.set("llama.attention.head_count_kv", u32(3));
         for (const char* name : {"blk.0.attn_k", "blk.0.attn_v", "blk.1.attn_k", "blk.1.attn_v"})
           d.tensor(std::string(name) + ".weight").shape = {24, 32};
       }},
      {"key-value", "one entry for two layers",
       [](Draft& d) { d.set("llama.feed_forward_length", std::vector<std::uint32_t>{64}); }},
      {"key-value", "huge head",
       [](Draft& d) { d.set("llama.attention.head_count", 0xFFFFFFFFU); }},
      {"rope-dimensions", "half", [](Draft& d) { d.set("llama.rope.dimension_count", u32(4)); }},
      {"rope-scaling", "llama3",
       [](Draft& d) { d.set("llama.rope.scaling.type", std::string("llama3")); }},
      {"tensor-shape", "GQA without head_count_kv",
       [](Draft& d) {
         d.remove("llama.attention.head_count_kv");
         for (const char* name : {"attn_k", "attn_v"})
           d.tensor(format("blk.1.{}.weight", name)).shape = {32, 32};
         d.tensor("blk.0.attn_v.weight").shape = {32, 32};
       }},
      {"tensor-shape", "transposed",
       [](Draft& d) {
         d.tensor("blk.1.ffn_up.weight").shape = {32, 64};
       }},
      {"tensor-shape", "width",
       [](Draft& d) {
         d.tensor("token_embd.weight").shape = {4, 64};
       }},
      {"token-count", "more rows",
       [](Draft& d) {
         d.tensor("token_embd.weight").shape = {5, 32};
       }},
      {"token-count", "output rows",
       [](Draft& d) {
         d.tensors.push_back({"output.weight", {3, 32}});
       }},
      {"tensor-missing", "one", [](Draft& d) { d.remove_tensor("blk.1.ffn_down.weight"); }},
      {"tensor-extra", "stray",
       [](Draft& d) {
         d.tensors.push_back({"blk.0.extra.weight", {2}});
       }},
      {"tensor-extra", "a layer too many",
       [](Draft& d) {
         d.tensors.push_back({"blk.2.attn_q.weight", {32, 32}});
       }},
      {"tensor-type-f32", "norm",
       [](Draft& d) { d.tensor("output_norm.weight").type = GgmlType::kF16; }},
      {"tensor-type-f32", "bias",
       [](Draft& d) {
         d.tensors.push_back({"blk.0.attn_q.bias", {32}, GgmlType::kBF16});
       }},
      {"tensor-shape", "rope factors",
       [](Draft& d) {
         d.tensors.push_back({"rope_freqs.weight", {8}});
       }},
      {"key-missing", "tokenizer model", [](Draft& d) { d.remove("tokenizer.ggml.model"); }},
      {"tokenizer-model", "unknown",
       [](Draft& d) { d.set("tokenizer.ggml.model", std::string("bpe")); }},
      {"key-missing", "tokens", [](Draft& d) { d.remove("tokenizer.ggml.tokens"); }},
      {"key-type", "tokens",
       [](Draft& d) { d.set("tokenizer.ggml.tokens", std::vector<float>{1}); }},
      {"token-duplicate", "twice",
       [](Draft& d) {
         d.set("tokenizer.ggml.tokens", Texts{"<unk>", "a", "</s>", "a"});
       }},
      {"name-tokens", "without <|endoftext|>",
       [](Draft& d) { d.set("general.name", std::string("My Phi-3 child")); }},
      {"name-tokens", "in one word", [](Draft& d) { d.set("general.name", std::string("PHI3")); }},
      {"key-missing", "scores", [](Draft& d) { d.remove("tokenizer.ggml.scores"); }},
      {"key-type", "scores as f64",
       [](Draft& d) {
         d.set("tokenizer.ggml.scores", std::vector<double>{0, 0, 0, 0});
       }},
      {"score-count", "short",
       [](Draft& d) {
         d.set("tokenizer.ggml.scores", std::vector<float>{0, 0, 0});
       }},
      {"token-type", "short",
       [](Draft& d) { d.set("tokenizer.ggml.token_type", std::vector<std::int32_t>{1}); }},
      {"token-type", "7",
       [](Draft& d) {
         d.set("tokenizer.ggml.token_type", std::vector<std::int32_t>{2, 3, 7, 1});
       }},
      {"key-type", "token types as u32",
       [](Draft& d) {
         d.set("tokenizer.ggml.token_type", std::vector<std::uint32_t>{2, 3, 3, 1});
       }},
      {"special-id", "beyond", [](Draft& d) { d.set("tokenizer.ggml.eot_token_id", u32(4)); }},
      {"key-type", "id as i32",
       [](Draft& d) { d.set("tokenizer.ggml.eos_token_id", std::int32_t{2}); }},
      {"key-type", "flag as u8",
       [](Draft& d) { d.set("tokenizer.ggml.add_bos_token", std::uint8_t{1}); }},
      {"key-type", "template list", [](Draft& d) { d.set("tokenizer.chat_template", Texts{"a"}); }},
      {"chat-template", "named but absent",
       [](Draft& d) { d.set("tokenizer.chat_templates", Texts{"tool_use"}); }},
  };
}

std::vector<Case> byte_level_cases() {
  return {
      {"tokenizer-pre", "absent", [](Draft& d) { d.remove("tokenizer.ggml.pre"); }},
      {"tokenizer-pre", "unknown", [](Draft& d) { d.set("tokenizer.ggml.pre", std::string("x")); }},
      {"key-missing", "merges", [](Draft& d) { d.remove("tokenizer.ggml.merges"); }},
      {"merge", "no space", [](Draft& d) { d.set("tokenizer.ggml.merges", Texts{"ab"}); }},
      {"special-id", "no bos", [](Draft& d) { d.remove("tokenizer.ggml.bos_token_id"); }},
      {"special-id", "no eos", [](Draft& d) { d.remove("tokenizer.ggml.eos_token_id"); }},
  };
}

std::vector<Case> adapter_cases() {
  return {
      {"key-missing", "type", [](Draft& d) { d.remove("adapter.type"); }},
      {"adapter-type", "other", [](Draft& d) { d.set("adapter.type", std::string("ia3")); }},
      {"adapter-alpha", "absent", [](Draft& d) { d.remove("adapter.lora.alpha"); }},
      {"adapter-alpha", "0", [](Draft& d) { d.set("adapter.lora.alpha", 0.0F); }},
      {"key-type", "alpha as f64", [](Draft& d) { d.set("adapter.lora.alpha", 16.0); }},
      {"adapter-suffix", "full matrix",
       [](Draft& d) {
         d.tensors.push_back({"output.weight", {4, 32}});
       }},
      {"adapter-pair", "half", [](Draft& d) { d.remove_tensor("blk.0.attn_q.weight.lora_b"); }},
      {"adapter-base", "unknown",
       [](Draft& d) {
         d.tensor("blk.0.attn_q.weight.lora_a").name = "blk.0.gate.weight.lora_a";
         d.tensor("blk.0.attn_q.weight.lora_b").name = "blk.0.gate.weight.lora_b";
       }},
      {"adapter-base", "a norm",
       [](Draft& d) {
         d.tensor("blk.0.attn_q.weight.lora_a").name = "blk.0.attn_norm.weight.lora_a";
         d.tensor("blk.0.attn_q.weight.lora_b").name = "blk.0.attn_norm.weight.lora_b";
       }},
      {"adapter-shape", "ranks",
       [](Draft& d) {
         d.tensor("blk.0.attn_q.weight.lora_a").shape = {3, 32};
       }},
      {"adapter-shape", "vector",
       [](Draft& d) { d.tensor("blk.0.attn_q.weight.lora_b").shape = {32}; }},
      {"tensor-missing", "empty", [](Draft& d) { d.tensors.clear(); }},
  };
}

void expect_each_named(Draft (*good)(), const std::vector<Case>& cases) {
  TemporaryFolder folder;
  const auto path = folder / "draft.gguf";
  good().write(path);
  for (const auto& finding : verify_gguf(path))
    ADD_FAILURE() << "good file: " << finding.rule << ": " << finding.detail;
  for (const auto& broken : cases) {
    auto draft = good();
    broken.change(draft);
    draft.write(path);
    std::set<std::string> rules;
    std::string details;
    for (const auto& finding : verify_gguf(path)) {
      rules.insert(finding.rule);
      details += finding.rule + ": " + finding.detail + "\n";
      EXPECT_THAT(finding.detail, ::testing::HasSubstr("found"));
      EXPECT_THAT(finding.detail, ::testing::HasSubstr("expected"));
    }
    EXPECT_THAT(rules, ::testing::ElementsAre(broken.rule)) << broken.what << "\n" << details;
  }
}

TEST(VerifyRules, NamesJustTheBrokenRuleOfAModel) { expect_each_named(good_model, model_cases()); }
TEST(VerifyRules, NamesJustTheBrokenRuleOfAByteLevelVocabulary) {
  expect_each_named(good_byte_level_model, byte_level_cases());
}
TEST(VerifyRules, NamesJustTheBrokenRuleOfAnAdapter) {
  expect_each_named(good_adapter, adapter_cases());
}

TEST(VerifyRules, NamesATensorWithoutDimensions) {
  TemporaryFolder folder;
  auto draft = good_model();
  draft.tensor("output_norm.weight").shape = {};
  draft.write(folder / "draft.gguf");
  EXPECT_THAT(broken_rules(folder / "draft.gguf"), ::testing::Contains("tensor-shape"));
}

TEST(VerifyRules, AcceptsSizesPerLayer) {
  TemporaryFolder folder;
  auto draft = good_model();
  draft.set("llama.feed_forward_length", std::vector<std::int32_t>{64, 32});
  draft.tensor("blk.1.ffn_gate.weight").shape = {32, 32};
  draft.tensor("blk.1.ffn_up.weight").shape = {32, 32};
  draft.tensor("blk.1.ffn_down.weight").shape = {32, 32};
  draft.write(folder / "draft.gguf");
  EXPECT_TRUE(verify_gguf(folder / "draft.gguf").empty());
}

TEST(VerifyRules, KnowsWhatOtherArchitecturesAskFor) {
  TemporaryFolder folder;
  auto draft = good_model();
  draft.tensors.push_back({"output.weight", {4, 32}});
  for (auto& [key, value] : draft.keys) key = replace_all(key, "llama.", "gemma2.");
  draft.set("general.architecture", std::string("gemma2"));
  draft.set("gemma2.rope.dimension_count", u32(4));
  draft.write(folder / "draft.gguf");
  std::set<std::string> rules;
  std::string details;
  for (const auto& finding : verify_gguf(folder / "draft.gguf")) {
    rules.insert(finding.rule);
    details += finding.detail;
  }
  EXPECT_THAT(rules, ::testing::ElementsAre("tensor-extra", "tensor-missing"));
  EXPECT_THAT(details, ::testing::HasSubstr("'output.weight'"));
  EXPECT_THAT(details, ::testing::HasSubstr("blk.0.post_attention_norm.weight"));
}

/// Rules that a command-r model of so many layers breaks.
std::set<std::string> findings_of_parallel_blocks(std::uint32_t layers, bool has_head_norms) {
  auto draft = good_model();
  for (auto& [key, value] : draft.keys) key = replace_all(key, "llama.", "command-r.");
  draft.set("general.architecture", std::string("command-r"));
  draft.set("command-r.block_count", u32(layers));
  draft.remove("command-r.attention.layer_norm_rms_epsilon");
  draft.set("command-r.attention.layer_norm_epsilon", 1e-5F);
  draft.set("command-r.logit_scale", 0.5F);
  for (std::uint32_t layer = 2; layer < layers; ++layer) add_block(draft, format("blk.{}.", layer));
  std::erase_if(draft.tensors,
                [](const auto& entry) { return entry.name.ends_with("ffn_norm.weight"); });
  for (std::uint32_t layer = 0; has_head_norms && layer < layers; ++layer) {
    draft.tensors.push_back({format("blk.{}.attn_q_norm.weight", layer), {4, 8}});
    draft.tensors.push_back({format("blk.{}.attn_k_norm.weight", layer), {2, 8}});
  }
  const TemporaryFolder folder;
  draft.write(folder / "draft.gguf");
  return broken_rules(folder / "draft.gguf");
}

TEST(VerifyRules, KnowsTensorsThatOnlyDeepModelsHave) {
  using ::testing::ElementsAre;
  using ::testing::IsEmpty;
  EXPECT_THAT(findings_of_parallel_blocks(2, false), IsEmpty());
  EXPECT_THAT(findings_of_parallel_blocks(64, true), IsEmpty());
  EXPECT_THAT(findings_of_parallel_blocks(2, true), ElementsAre("tensor-extra"));
  EXPECT_THAT(findings_of_parallel_blocks(64, false), ElementsAre("tensor-missing"));
}

TEST(VerifyRules, WantsTheHeadSizeThatAnArchitectureDerives) {
  TemporaryFolder folder;
  auto draft = good_model();
  for (auto& [key, value] : draft.keys) key = replace_all(key, "llama.", "qwen2.");
  draft.set("general.architecture", std::string("qwen2"));
  draft.set("qwen2.attention.key_length", u32(16));
  draft.set("qwen2.attention.head_count", u32(2));
  draft.set("qwen2.attention.head_count_kv", u32(1));
  draft.set("qwen2.attention.value_length", u32(16));
  draft.write(folder / "good.gguf");
  EXPECT_TRUE(verify_gguf(folder / "good.gguf").empty());
  draft.set("qwen2.attention.key_length", u32(8));
  draft.set("qwen2.attention.value_length", u32(8));
  draft.set("qwen2.attention.head_count", u32(2));
  draft.write(folder / "wrong.gguf");
  EXPECT_THAT(broken_rules(folder / "wrong.gguf"), ::testing::Contains("head-size"));
}

TEST(VerifyRules, AreAllInTheReadmeAndTested) {
  const auto readme = read_file(testing::source_path("models/exporters/README.md"));
  std::set<std::string> listed;
  for (const auto& line : split(readme, "\n"))
    if (line.starts_with("| `")) listed.insert(line.substr(3, line.find('`', 3) - 3));
  std::set<std::string> tested = testing::rules_of_broken_structures();
  tested.insert("head-size");
  for (const auto& cases : {model_cases(), byte_level_cases(), adapter_cases()})
    for (const auto& broken : cases) tested.insert(broken.rule);
  EXPECT_EQ(listed, tested);
}

TEST(WriteVerified, LeavesNothingOfAFileThatWouldNotLoad) {
  TemporaryFolder folder;
  GgufWriter writer;
  writer.set("general.architecture", std::string("opt"));
  EXPECT_THAT(testing::error_text<FormatError>([&] { write_verified(writer, folder / "x.gguf"); }),
              ::testing::HasSubstr("architecture: general.architecture: found 'opt'"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace sqpsych
