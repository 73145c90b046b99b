#include "models/generation_config.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {
namespace {

struct Case {
  const char* generation;
  const char* config;
  const char* expected;
};
const Case kCases[] = {
    {R"({"eos_token_id": 2})", R"({"eos_token_id": 2})", R"({"eos_token_id": [2, 7]})"},
    {R"({"eos_token_id": [2, 9], "top_p": 0.9})", "{}",
     R"({"eos_token_id": [2, 9, 7], "top_p": 0.9})"},
    {R"({"eos_token_id": [7, 2]})", "{}", R"({"eos_token_id": [7, 2]})"},
    {R"({"top_p": 0.9})", R"({"eos_token_id": 2})", R"({"top_p": 0.9, "eos_token_id": [2, 7]})"},
    {R"({"eos_token_id": null})", R"({})", R"({"eos_token_id": 7})"},
    {"null", R"({"eos_token_id": 2, "bos_token_id": 1})",
     R"({"bos_token_id": 1, "eos_token_id": [2, 7]})"},
    {"null", R"({"eos_token_id": 7})", "null"},
};

TEST(GenerationConfig, EndsAtTheTurnsTerminatorToo) {
  for (const auto& [generation, config, expected] : kCases)
    EXPECT_EQ(with_end_token(Json::parse(generation), Json::parse(config), 7),
              Json::parse(expected))
        << generation;
}

TEST(GenerationConfig, EndTokensAreOneIdOrAListWithinTheRows) {
  const auto ids = [](const char* text) { return end_token_ids(Json::parse(text), 10, "file"); };
  EXPECT_EQ(ids(R"({"eos_token_id": 2})"), (std::vector<TokenId>{2}));
  EXPECT_EQ(ids(R"({"eos_token_id": [9, 2, -1, null]})"), (std::vector<TokenId>{9, 2}));
  for (const char* absent : {"{}", "null", R"({"eos_token_id": null})"})
    EXPECT_TRUE(ids(absent).empty()) << absent;
  for (const char* bad : {"10", "4294967298", "\"2\"", "[1.5]"})
    EXPECT_THROW(ids(format("{{\"eos_token_id\": {}}}", bad).c_str()), FormatError) << bad;
}

}  // namespace
}  // namespace sqpsych
