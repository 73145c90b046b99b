#include <fstream>
#include <map>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::shared_data;
using Ids = std::vector<TokenId>;

TEST(TokenizerJson, MatchesHuggingFaceOnTheSmallModel) {
  SQPSYCH_NEED_SHARED(folder, "data/tinystories-656k");
  const auto tokenizer = load_tokenizer(folder);
  // tokenizers 0.23.3, Tokenizer.from_file(...).encode(text, add_special_tokens=False).ids
  EXPECT_EQ(tokenizer->encode_ids("Hello <|end_story|>x", false), (Ids{80, 1288, 67, 2, 76}));
  EXPECT_EQ(tokenizer->encode_ids("Hello<|end_story|>", false),
            (Ids{80, 1288, 67, 208, 183, 209, 210}));
  EXPECT_EQ(tokenizer->encode_ids("<|start_story|>Hello", false), (Ids{1, 1288, 67}));
  EXPECT_EQ(tokenizer->encode_ids("", false), Ids{});
  EXPECT_EQ(tokenizer->encode_ids("\xC3\xA9\xF0\x9F\xA6\x99", false), (Ids{80, 0}));
}

TEST(TokenizerJson, StripsSpacesBehindMarkersAsTheirFlagsSay) {
  SQPSYCH_NEED_SHARED(folder, "data/tok-phi3");
  const auto tokenizer = load_tokenizer(folder);
  EXPECT_EQ(tokenizer->encode_ids("Hello<|end|>  x", false), (Ids{15043, 32007, 921}));
  EXPECT_EQ(tokenizer->encode_ids("Hello</s> \n x", false), (Ids{15043, 2, 921}));
  EXPECT_EQ(tokenizer->encode_ids("<unk>x", false), (Ids{0, 921}));
  EXPECT_EQ(tokenizer->encode_ids("<0x0A>", false), (Ids{529, 29900, 29916, 29900, 29909, 29958}));
}

// transformers 5.23.0, AutoTokenizer.from_pretrained(folder) with these two files.
TEST(TokenizerJson, TheSmallFilesDeclareTokensAndFlagsButNotWhatStandsAround) {
  testing::TemporaryFolder folder;
  testing::write_text(folder / "tokenizer.json", R"({
    "added_tokens": [{"id": 3, "content": "<s>", "special": true},
                     {"id": 4, "content": "<m>", "special": true, "lstrip": false}],
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, " ": 2}, "merges": []},
    "post_processor": {"type": "TemplateProcessing", "pair": [],
                       "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
                       "special_tokens": {"<s>": {"id": "<s>", "ids": [3], "tokens": ["<s>"]}}},
    "decoder": {"type": "Fuse"}})");
  testing::write_text(folder / "tokenizer_config.json", R"({
    "bos_token": "<s>", "eos_token": "<|done|>", "add_bos_token": false, "add_eos_token": true,
    "added_tokens_decoder": {"3": {"content": "<s>", "special": true},
                             "4": {"content": "<m>", "special": true, "lstrip": true},
                             "5": {"content": "<|done|>", "special": true}}})");
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->size(), 6);
  EXPECT_EQ(tokenizer->eos(), TokenId{5});
  EXPECT_EQ(tokenizer->encode_ids("a <m>b<|done|>", true), (Ids{3, 0, 4, 1, 5}));
  EXPECT_EQ(tokenizer->encode_ids("a <m>b<|done|>", false), (Ids{0, 4, 1, 5}));
}

// transformers 5.23.0, AutoTokenizer.from_pretrained(folder): ids and special_tokens_map. (There
// tokens outside the vocabulary get ids that no embedding has; here they stay text.)
TEST(TokenizerJson, SpecialTokensThatTheSmallFilesNameAreFoundInTheVocabulary) {
  testing::TemporaryFolder folder;
  testing::write_text(folder / "tokenizer.json", R"({
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, " ": 2, "<m>": 3, "<e>": 4, "<x>": 5, "<v>": 6,
                                       "<": 7, "p": 8, ">": 9, "m": 10}, "merges": []},
    "decoder": {"type": "Fuse"}})");
  testing::write_text(folder / "tokenizer_config.json", R"({
    "bos_token": "a", "eos_token": "b", "pad_token": "<p>", "unk_token": null, "add_bos_token": true,
    "mask_token": {"__type": "AddedToken", "content": "<m>", "lstrip": true},
    "additional_special_tokens": ["<x>"], "extra_special_tokens": {"video_token": "<v>"}})");
  testing::write_text(folder / "special_tokens_map.json", R"({
    "eos_token": {"content": "<e>", "lstrip": false}, "sep_token": "<e>"})");
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->special_texts(),
            (std::map<std::string, std::string>{{"bos_token", "a"},
                                                {"eos_token", "<e>"},
                                                {"mask_token", "<m>"},
                                                {"pad_token", "<p>"},
                                                {"sep_token", "<e>"},
                                                {"video_token", "<v>"}}));
  EXPECT_EQ(tokenizer->eos(), TokenId{4});
  EXPECT_EQ(tokenizer->padding(), std::nullopt);
  EXPECT_EQ(tokenizer->encode_ids("b <m>b<e><x><v>", false), (Ids{1, 3, 1, 4, 5, 6}));
  EXPECT_EQ(tokenizer->encode_ids("<p>", false), (Ids{7, 8, 9}));
  for (const TokenId id : {0, 3, 4, 5, 6}) EXPECT_TRUE(tokenizer->is_control(id)) << id;
  EXPECT_EQ(tokenizer->encode("a<m>", {false, {{0, 4}}, {}}).ids, (Ids{0, 7, 10, 9}));
}

// tokenizers 0.23.3 with this file: the merge tells whether both stand in one piece.
TEST(TokenizerJson, NumbersOfLatin1AreWordCharactersOutsideBrackets) {
  const std::pair<const char*, Ids> cases[] = {{R"(\\w+)", {2}}, {R"([\\w]+)", {0, 1}},
                                               {R"(\\W)", {2}},  {R"([^\\w])", {0, 1}},
                                               {R"(\\b)", {2}},  {R"([[:word:]]+)", {0, 1}}};
  for (const auto& [pattern, expected] : cases) {
    testing::TemporaryFolder folder;
    testing::write_text(folder / "tokenizer.json",
                        format(R"({{"model": {{"type": "BPE", "vocab": {{"a": 0, "¾": 1, "a¾": 2}},
                              "merges": [["a", "¾"]]}},
                   "pre_tokenizer": {{"type": "Split", "pattern": {{"Regex": "{}"}},
                                      "behavior": "Isolated", "invert": false}}}})",
                               pattern));
    EXPECT_EQ(load_tokenizer(folder.path())->encode_ids("a¾", false), expected) << pattern;
  }
}

}  // namespace
}  // namespace sqpsych
