#include <gtest/gtest.h>

#include "core/json.h"
#include "core/text.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/shared_data.h"
#include "tests/support/source_path.h"
#include "tests/support/temporary_folder.h"

// goldens/{parts,files}.json are made by scripts/goldens/tokenizer_ids.py with Hugging Face
// tokenizers and SentencePiece; versions and seed stand in the files.
namespace sqpsych {
namespace {

using testing::TemporaryFolder;
using testing::write_text;
using Ids = std::vector<TokenId>;

Json read_goldens(const char* name) {
  return read_json(testing::source_path("tests/models/tokenizers/goldens") / name);
}

void apply_members(const Json& members, Json& model) {
  for (const auto& [key, value] : members.items()) {
    if (key != "merges_as_texts") {
      model[key] = value;
      continue;
    }
    for (Json& merge : model["merges"])
      merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  }
}

std::unique_ptr<Tokenizer> load_variant(const Json& goldens, const Json& variant) {
  const auto name = variant["model"].get<std::string>();
  Json file = variant;
  file["model"] = goldens["models"][name];
  file["added_tokens"] = goldens["added_tokens"][name];
  apply_members(variant["members"], file["model"]);
  file.erase("members");
  file.erase("cases");
  const TemporaryFolder folder;
  write_text(folder / "tokenizer.json", file.dump());
  return load_tokenizer(folder.path());
}

void expect_spans_in_order(const Tokenizer& tokenizer, const std::string& text) {
  const Encoding encoding = tokenizer.encode(text, {});
  ASSERT_EQ(encoding.ids.size(), encoding.spans.size());
  std::size_t begin = 0;
  for (const ByteSpan span : encoding.spans) {
    EXPECT_LE(begin, span.begin);
    EXPECT_LE(span.begin, span.end);
    EXPECT_LE(span.end, text.size());
    begin = span.begin;
  }
}

/// The text of the ids token by token: whole characters only, together what `decode` gives, where
/// bytes that are no UTF-8 are U+FFFD.
std::string streamed(const Tokenizer& tokenizer, const Ids& ids) {
  StreamDecoder stream(tokenizer, false);
  std::string text;
  for (const TokenId id : ids) {
    const std::string part = stream.push(id);
    EXPECT_TRUE(is_valid_utf8(part));
    text += part;
  }
  text += stream.finish();
  const std::string whole = tokenizer.decode(ids, false);
  if (is_valid_utf8(whole)) {
    EXPECT_EQ(text, whole);
  }
  return text;
}

TEST(TokenizerGoldens, EveryPartOfTokenizerJson) {
  const Json goldens = read_goldens("parts.json");
  EXPECT_GE(goldens["variants"].size(), 110U);
  for (const auto& [name, variant] : goldens["variants"].items()) {
    SCOPED_TRACE(name);
    const auto tokenizer = load_variant(goldens, variant);
    for (const Json& golden : variant["cases"]) {
      const auto text = golden[0].get<std::string>();
      SCOPED_TRACE(golden[0].dump());
      const auto ids = golden[1].get<Ids>();
      EXPECT_EQ(tokenizer->encode_ids(text, true), ids);
      const bool decodes_to_itself = golden.size() == 2;
      EXPECT_EQ(streamed(*tokenizer, ids), decodes_to_itself ? text : golden[2].get<std::string>());
      expect_spans_in_order(*tokenizer, text);
    }
  }
}

/// The folder itself, or a fresh one with that file alone where the loader would prefer another.
std::unique_ptr<Tokenizer> load_file(const std::filesystem::path& folder, const Json& golden) {
  const auto file = golden["file"].get<std::string>();
  const auto split = golden["split"].get<std::string>();
  if (file.ends_with(".json")) return load_tokenizer(folder, {split});
  const TemporaryFolder alone;
  std::filesystem::create_symlink(folder / file,
                                  alone / (file.ends_with(".tiktoken") ? file : "tokenizer.model"));
  return load_tokenizer(alone.path(), {split});
}

TEST(TokenizerGoldens, VocabulariesOfRealModels) {
  const Json goldens = read_goldens("files.json");
  const auto texts = goldens["texts"].get<std::vector<std::string>>();
  ASSERT_EQ(goldens["files"].size(), 9U);
  for (const Json& golden : goldens["files"]) {
    SQPSYCH_NEED_SHARED(folder, "data/" + golden["folder"].get<std::string>());
    SCOPED_TRACE(golden["folder"].get<std::string>() + "/" + golden["file"].get<std::string>());
    const auto tokenizer = load_file(folder, golden);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto ids = golden["ids"][i].get<Ids>();
      EXPECT_EQ(tokenizer->encode_ids(texts[i], false), ids) << texts[i];
      expect_spans_in_order(*tokenizer, texts[i]);
      const bool is_byte_level = !golden["split"].get<std::string>().empty();
      const std::string decoded = streamed(*tokenizer, ids);
      if (is_byte_level) {
        EXPECT_EQ(decoded, texts[i]);
      }
    }
  }
}

}  // namespace
}  // namespace sqpsych
