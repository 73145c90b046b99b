#include <set>
#include <unordered_map>

#include "core/text.h"
#include "models/exporters/rules/gguf_rules.h"
#include "models/weights/gguf_types.h"

namespace sqpsych {
namespace {

const std::string kTokenizerPrefix = "tokenizer.ggml.";
using Texts = std::vector<std::string>;

const Texts& known_models() {
  static const Texts names = {"llama", "gpt2", "t5", "bert", "rwkv", "plamo2", "gemma4", "none"};
  return names;
}

/// Split names of llama.cpp's loader (src/llama-vocab.cpp).
const std::set<std::string>& known_splits() {
  static const std::set<std::string> names = {"default",
                                              "llama3",
                                              "llama-v3",
                                              "llama-bpe",
                                              "falcon3",
                                              "falcon-h1",
                                              "pixtral",
                                              "midm-2.0",
                                              "lfm2",
                                              "jina-v5-nano",
                                              "minicpm5",
                                              "deepseek-llm",
                                              "deepseek-coder",
                                              "deepseek-v3",
                                              "youtu",
                                              "falcon",
                                              "mpt",
                                              "starcoder",
                                              "gpt-2",
                                              "phi-2",
                                              "jina-es",
                                              "jina-de",
                                              "gigachat",
                                              "jina-v1-en",
                                              "jina-v2-es",
                                              "jina-v2-de",
                                              "jina-v2-code",
                                              "roberta-bpe",
                                              "a.x-4.0",
                                              "mellum",
                                              "mellum2",
                                              "modern-bert",
                                              "jais-2",
                                              "sarvam-moe",
                                              "refact",
                                              "command-r",
                                              "qwen2",
                                              "qwen35",
                                              "deepseek-r1-qwen",
                                              "kormo",
                                              "f2llmv2",
                                              "stablelm2",
                                              "olmo",
                                              "dbrx",
                                              "smaug-bpe",
                                              "poro-chat",
                                              "glm4",
                                              "chatglm-bpe",
                                              "viking",
                                              "jais",
                                              "tekken",
                                              "smollm",
                                              "codeshell",
                                              "bloom",
                                              "gpt3-finnish",
                                              "exaone",
                                              "exaone4",
                                              "exaone-moe",
                                              "chameleon",
                                              "minerva-7b",
                                              "megrez",
                                              "gpt-4o",
                                              "llama4",
                                              "kanana2",
                                              "superbpe",
                                              "trillion",
                                              "granite-docling",
                                              "bailingmoe",
                                              "bailingmoe2",
                                              "llada-moe",
                                              "seed-coder",
                                              "hunyuan",
                                              "hunyuan-dense",
                                              "joyai-llm",
                                              "kimi-k2",
                                              "grok-2",
                                              "afmoe",
                                              "minimax-m2",
                                              "solar-open",
                                              "tiny_aya"};
  return names;
}

void check_duplicates(GgufExamination& examination, const Texts& tokens) {
  std::unordered_map<std::string, std::size_t> seen;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const auto [first, is_new] = seen.emplace(tokens[id], id);
    if (!is_new)
      return examination.add("token-duplicate",
                             format("{}tokens: found '{}' as {} and {}, expected "
                                    "every text once",
                                    kTokenizerPrefix, tokens[id], first->second, id));
  }
}

void check_scores(GgufExamination& examination, std::size_t tokens, bool is_required) {
  const auto key = kTokenizerPrefix + "scores";
  const auto* found = examination.file.find(key);
  if (!found) {
    if (is_required) examination.required<std::vector<float>>(key);
    return;
  }
  std::size_t count = 0;
  if (const auto* floats = std::get_if<std::vector<float>>(found))
    count = floats->size();
  else if (const auto* integers = std::get_if<std::vector<std::int32_t>>(found))
    count = integers->size();
  else
    return examination.add("key-type",
                           format("{}: found {}, expected f32[]", key, gguf_type_name(*found)));
  if (count < tokens)
    examination.add("score-count",
                    format("{}: found {}, expected one per token ({})", key, count, tokens));
}

void check_types(GgufExamination& examination, std::size_t tokens) {
  const auto key = kTokenizerPrefix + "token_type";
  const auto* types = examination.value<std::vector<std::int32_t>>(key);
  if (!types) return;
  if (types->size() < tokens)
    examination.add("token-type", format("{}: found {}, expected one per token ({})", key,
                                         types->size(), tokens));
  for (auto type : *types)
    if (type < 1 || type > 6)
      return examination.add("token-type", format("{}: found {}, expected 1 to 6", key, type));
}

void check_merges(GgufExamination& examination) {
  const auto* merges = examination.required<Texts>(kTokenizerPrefix + "merges");
  if (!merges) return;
  for (const auto& merge : *merges)
    if (merge.find(' ', 1) == std::string::npos)
      return examination.add(
          "merge", format("{}merges: found '{}', expected 'left right'", kTokenizerPrefix, merge));
}

void check_special_ids(GgufExamination& examination, std::size_t tokens, bool needs_ends) {
  for (const char* name : {"bos", "eos", "eot", "eom", "unknown", "seperator", "padding", "mask",
                           "fim_pre", "fim_suf", "fim_mid", "fim_pad", "fim_rep", "fim_sep"}) {
    const auto key = kTokenizerPrefix + name + "_token_id";
    const auto* id = examination.value<std::uint32_t>(key);
    if (id && *id >= tokens)
      examination.add("special-id",
                      format("{}: found {}, expected less than {} (the tokens)", key, *id, tokens));
  }
  for (const char* name : {"add_bos_token", "add_eos_token", "add_sep_token", "add_space_prefix",
                           "remove_extra_whitespaces"})
    examination.value<bool>(kTokenizerPrefix + name);
  if (!needs_ends) return;
  for (const char* name : {"bos_token_id", "eos_token_id"})
    if (!examination.file.find(kTokenizerPrefix + name))
      examination.add("special-id", format("{}{}: found nothing, expected the id: without it a "
                                           "byte-level vocabulary gets 11, whatever that is",
                                           kTokenizerPrefix, name));
}

void check_split(GgufExamination& examination) {
  const auto key = kTokenizerPrefix + "pre";
  const auto* split_name = examination.value<std::string>(key);
  if (examination.file.find(key) && !split_name) return;
  if (!split_name || !known_splits().count(*split_name))
    examination.add("tokenizer-pre",
                    format("{}: found {}, expected the name of a known split such as "
                           "'llama-bpe', 'qwen2' or 'tekken'",
                           key, split_name ? "'" + *split_name + "'" : "nothing"));
}

void check_name(GgufExamination& examination, const Texts& tokens) {
  const auto* name = examination.value<std::string>("general.name");
  if (!name || find_quirky_name(*name) == std::string::npos) return;
  if (const auto missing = tokens_missing_for_quirks(tokens); !missing.empty())
    examination.add("name-tokens",
                    format("general.name: found '{}', expected a name for which no loader looks "
                           "up tokens that this vocabulary has not: {}",
                           *name, quoted_list(missing)));
}

void check_chat_templates(GgufExamination& examination) {
  examination.value<std::string>("tokenizer.chat_template");
  const auto* names = examination.value<Texts>("tokenizer.chat_templates");
  if (!names) return;
  for (const auto& name : *names)
    if (!examination.file.find("tokenizer.chat_template." + name))
      examination.add("chat-template",
                      format("tokenizer.chat_templates: found '{}', expected the key "
                             "tokenizer.chat_template.{} too",
                             name, name));
}

}  // namespace

std::optional<std::int64_t> check_tokenizer(GgufExamination& examination) {
  check_chat_templates(examination);
  const auto* model = examination.required<std::string>(kTokenizerPrefix + "model");
  if (!model) return std::nullopt;
  if (std::find(known_models().begin(), known_models().end(), *model) == known_models().end()) {
    examination.add("tokenizer-model",
                    format("{}model: found '{}', expected one of {}", kTokenizerPrefix, *model,
                           quoted_list(known_models())));
    return std::nullopt;
  }
  if (*model == "none") return std::nullopt;
  const auto* tokens = examination.required<Texts>(kTokenizerPrefix + "tokens");
  if (!tokens) return std::nullopt;
  const bool has_merges = *model == "gpt2";
  check_duplicates(examination, *tokens);
  check_name(examination, *tokens);
  check_scores(examination, tokens->size(), *model == "llama");
  check_types(examination, tokens->size());
  if (has_merges) check_merges(examination);
  if (has_merges) check_split(examination);
  check_special_ids(examination, tokens->size(), has_merges);
  return static_cast<std::int64_t>(tokens->size());
}

}  // namespace sqpsych
