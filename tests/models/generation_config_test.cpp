#include "models/generation_config.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace sqpsych
