#include <gmock/gmock.h>

#include "core/text.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/shared_data.h"

namespace sqpsych {
namespace {

const char* const kText =
    " leading, \xF0\x9F\xA6\x99\xF0\x9F\x9A\x80 \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E, e\xCC\x81, "
    "\xEA\xB0\x81\n\n tabs\t and  spaces ";

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
