#include "models/unread_settings.h"
#include "tests/models/chat_templates/tiny_tokenizer.h"
#include "tests/support/source_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace sqpsych {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::filesystem::path kGoldens = testing::source_path("tests/models/families/goldens");

TEST(UnreadSettings, EverythingThatTransformersWritesIsReadOrWithoutEffect) {
  for (const auto& entry : std::filesystem::directory_iterator(kGoldens)) {
    const auto golden = read_json(entry.path());
    const auto& family = family_by_name(golden["family"].get<std::string>());
    for (const char* key : {"config", "saved_config"})
      EXPECT_THAT(unread_settings(family, golden[key]), IsEmpty()) << entry.path() << " " << key;
  }
}

TEST(UnreadSettings, NamesWhatNobodyReadsAndLeavesOutWhatIsOff) {
  for (const auto* family : families()) {
    DecoderFeatures plain;
    plain.vocabulary_size = plain.hidden_size = 64;
    plain.num_layers = plain.num_heads = plain.num_kv_heads = 4;
    plain.head_dim = plain.rope.dims = 16;
    plain.intermediate_size = 96;
    plain.context_length = 256;
    family->complete(plain);
    auto config = family->config(plain);
    EXPECT_THAT(unread_settings(*family, config), IsEmpty()) << family->name();
    config["mystery_gain"] = 3;
    config["mystery_flag"] = false;
    config["mystery_list"] = Json::array();
    EXPECT_THAT(unread_settings(*family, config), ElementsAre("mystery_gain: 3")) << family->name();
  }
}

TEST(UnreadSettings, LooksIntoBlocks) {
  const auto& family = family_by_name("qwen2");
  Json config = {{"model_type", "qwen2"},
                 {"hidden_size", 64},
                 {"intermediate_size", 96},
                 {"num_hidden_layers", 2},
                 {"num_attention_heads", 4},
                 {"vocab_size", 64},
                 {"max_position_embeddings", 256},
                 {"rope_scaling",
                  {{"type", "yarn"},
                   {"rope_type", "yarn"},
                   {"factor", 4.0},
                   {"original_max_position_embeddings", 64},
                   {"finetuned", true},
                   {"my_key", 3}}}};
  EXPECT_THAT(unread_settings(family, config),
              ElementsAre("rope_scaling.finetuned: true", "rope_scaling.my_key: 3"));
}

TEST(UnreadSettings, WhatADecoderAlwaysDoesIsNoSettingUnlessItSaysOtherwise) {
  const auto& family = family_by_name("cohere2");
  Json config = {{"model_type", "cohere2"}, {"hidden_size", 64}, {"intermediate_size", 96},
                 {"num_hidden_layers", 2},  {"vocab_size", 64},  {"num_attention_heads", 4},
                 {"rotary_pct", 1.0},       {"layer_switch", 4}, {"use_parallel_block", true},
                 {"num_key_value_heads", 4}};
  EXPECT_THAT(unread_settings(family, config), IsEmpty());
  config["rotary_pct"] = 0.5;
  EXPECT_THAT(unread_settings(family, config), ElementsAre("rotary_pct: 0.5"));
}

TEST(UnreadSettings, SamplingOfTheGenerationConfigIsNamed) {
  const Json config = {{"do_sample", true},
                       {"eos_token_id", {1, 2}},
                       {"temperature", 0.6},
                       {"top_p", 0.9},
                       {"transformers_version", "5.0.0"}};
  EXPECT_THAT(unread_generation_settings(config), ElementsAre("temperature: 0.6", "top_p: 0.9"));
  EXPECT_THAT(unread_generation_settings(Json()), IsEmpty());
}

TEST(UnreadSettings, WhatItsTokenizerDoesOtherwiseIsNamed) {
  const auto tokenizer = testing::tiny_tokenizer(Json::object());
  Json config = {{"add_prefix_space", true},
                 {"do_lower_case", false},
                 {"model_max_length", 512},
                 {"split_special_tokens", true}};
  EXPECT_THAT(unread_tokenizer_settings(config, *tokenizer),
              ElementsAre("add_prefix_space: true", "split_special_tokens: true"));
  config = {
      {"add_prefix_space", nullptr}, {"do_lower_case", true}, {"split_special_tokens", false}};
  EXPECT_THAT(unread_tokenizer_settings(config, *tokenizer), ElementsAre("do_lower_case: true"));
  EXPECT_THAT(unread_tokenizer_settings(Json(), *tokenizer), IsEmpty());
}

}  // namespace
}  // namespace sqpsych
