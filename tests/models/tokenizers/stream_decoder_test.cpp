#include <gmock/gmock.h>

#include <random>

#include "core/text.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/shared_data.h"

namespace sqpsych {
namespace {

const char* const kText =
    " leading, \xF0\x9F\xA6\x99\xF0\x9F\x9A\x80 \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E, e\xCC\x81, "
    "\xEA\xB0\x81\n\n tabs\t and  spaces ";

/// Every byte that is part of no character is U+FFFD.
std::string with_replacements(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const std::size_t valid = std::min(find_invalid_utf8(bytes), bytes.size());
    text += bytes.substr(0, valid);
    if (valid < bytes.size()) text += "\xEF\xBF\xBD";
    bytes.remove_prefix(std::min(valid + 1, bytes.size()));
  }
  return text;
}

class Streams : public ::testing::TestWithParam<const char*> {};

TEST_P(Streams, GiveWholeCharactersThatJoinToTheText) {
  SQPSYCH_NEED_SHARED(folder, std::string("data/") + GetParam());
  const auto tokenizer = load_tokenizer(folder, {"qwen2"});
  std::string text;
  for (int i = 0; i < 20; ++i) text += kText;
  StreamDecoder stream(*tokenizer, true);
  std::string streamed;
  for (const TokenId id : tokenizer->encode_ids(text, true)) {
    const std::string part = stream.push(id);
    EXPECT_TRUE(is_valid_utf8(part));
    streamed += part;
  }
  EXPECT_EQ(streamed + stream.finish(), text);
}

INSTANTIATE_TEST_SUITE_P(All, Streams, ::testing::Values("tok-llama2", "tok-phi3", "tok-qwen2"),
                         [](const auto& test) { return replace_all(test.param, "-", "_"); });

/// Any ids in any order: half characters, bytes that are none, control tokens.
TEST_P(Streams, OfRandomIdsAreTheWholeTextWithReplacements) {
  SQPSYCH_NEED_SHARED(folder, std::string("data/") + GetParam());
  const auto tokenizer = load_tokenizer(folder, {"qwen2"});
  const auto bytes = tokenizer->encode_ids("\xF0\x9F\xA6\x99\xE6\x97\xA5\xC3\xA9", false);
  std::mt19937 random(4);
  for (int round = 0; round < 200; ++round) {
    StreamDecoder stream(*tokenizer, false);
    std::vector<TokenId> ids;
    std::string streamed;
    for (int i = 0; i < 120; ++i) {
      const bool is_byte = random() % 2 == 0;
      ids.push_back(is_byte ? bytes[random() % bytes.size()]
                            : static_cast<TokenId>(random() % 32000));
      const std::string part = stream.push(ids.back());
      ASSERT_TRUE(is_valid_utf8(part));
      streamed += part;
    }
    ASSERT_EQ(streamed + stream.finish(), with_replacements(tokenizer->decode(ids, false)));
  }
}

TEST(StreamDecoder, ReplacesBytesThatCanNeverBecomeACharacter) {
  SQPSYCH_NEED_SHARED(folder, "data/tok-llama2");
  const auto tokenizer = load_tokenizer(folder);
  const auto byte = [&](const char* name) { return *tokenizer->id_of(name); };
  StreamDecoder stream(*tokenizer, true);
  EXPECT_EQ(stream.push(byte("<0xF0>")), "");
  EXPECT_EQ(stream.push(byte("<0x9F>")), "");
  EXPECT_EQ(stream.push(byte("<0x41>")),
            "\xEF\xBF\xBD\xEF\xBF\xBD"
            "A");
  EXPECT_EQ(stream.push(byte("<0xFF>")), "\xEF\xBF\xBD");
  EXPECT_EQ(stream.push(byte("<0xE6>")), "");
  EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD");
}

}  // namespace
}  // namespace sqpsych
