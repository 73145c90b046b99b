#include "core/json.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "core/text.h"
#include "tests/support/error_text.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;

TEST(ParseJson, ReadsWhatTheLibraryReads) {
  for (const char* text :
       {"null", "true", "[]", "{}", " [1, -2, 3.5e-3, 0, -0, 18446744073709551615, 1e2] ",
        R"({"b": {"a": [[], {}]}, "a": "x"})", R"("\" \\ \/ \b \f \n \r \t \u00e9 \ud83e\udd99 é")",
        "-9223372036854775808", "123456789012345678901234567890", "[\n\t\r 1]"}) {
    const Json expected = Json::parse(text);
    const Json found = parse_json(text, "x");
    EXPECT_EQ(found, expected) << text;
    EXPECT_EQ(found.dump(), expected.dump()) << text;
    EXPECT_EQ(found.type(), expected.type()) << text;
  }
  EXPECT_TRUE(parse_json("7", "x").is_number_unsigned());
  EXPECT_EQ(parse_json("\xEF\xBB\xBF[1]", "x").dump(), "[1]");
  EXPECT_EQ(parse_json("// a\n[1, /* b */ 2] // c", "x", true).dump(), "[1,2]");
}

TEST(ParseJson, RefusesEverythingElseWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "column 1: found the end, expected a value"},
      {"[1,]", "column 4: found ']', expected a value"},
      {"[1 2]", "column 4: found '2', expected ',' or ']'"},
      {"{\"a\" 1}", "column 6: found '1', expected ':'"},
      {"{a: 1}", "column 2: found 'a', expected a key in quotes"},
      {"{\"a\": 1, \"a\": 2}", "key 'a' appears twice"},
      {"[01]", "column 3: found '1'"},
      {"[1.]", "column 4: found ']', expected a digit"},
      {"[+1]", "column 2: found '+', expected a value"},
      {"[NaN]", "column 2: found 'N'"},
      {"[1e999]", "expected a number that a double can hold"},
      {"\"a", "column 3: found the end"},
      {"\"a\nb\"", "line 1, column 3: found U+000A"},
      {"\"\\x\"", "expected one of the escapes"},
      {"\"\\u12g4\"", "expected four hexadecimal digits"},
      {"\"\\ud800\"", "expected a pair of surrogates"},
      {"\"\\udc00\"", "expected a pair of surrogates"},
      {"tru", "column 1: found 't', expected a value"},
      {"{}\n\n x", "line 3, column 2: found 'x', expected the end of the text"},
      {"// no", "column 1: found '/'"},
      {"[\"\xFF\"]", "not UTF-8 at offset 2"},
      {std::string(201, '[') + std::string(201, ']'), "nested deeper than 200"},
      {std::string(1000000, '['), "nested deeper than 200"},
  };
  for (const auto& [text, expected] : cases) {
    const auto error = testing::error_text<FormatError>([&] { parse_json(text, "file.json"); });
    EXPECT_THAT(error, HasSubstr(expected)) << text.substr(0, 40);
    EXPECT_THAT(error, HasSubstr("file.json: ")) << text.substr(0, 40);
  }
  EXPECT_NO_THROW(parse_json(std::string(200, '[') + std::string(200, ']'), "x"));
  EXPECT_THROW(parse_json("/* x", "x", true), FormatError);
}

TEST(ParseJson, LargeObjectsKeepTheirOrderAndRefuseDuplicates) {
  constexpr int kKeys = 200000;
  std::string text = "{";
  for (int i = kKeys; i > 0; --i) text += format("\"key {}\": {},", i, i);
  const Json object = parse_json(text + "\"last\": 0}", "x");
  ASSERT_EQ(object.size(), kKeys + 1U);
  EXPECT_EQ(object.begin().key(), "key 200000");
  EXPECT_THROW(parse_json(text + "\"key 77\": 0}", "x"), FormatError);
}

}  // namespace
}  // namespace sqpsych
