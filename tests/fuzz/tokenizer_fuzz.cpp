// libFuzzer target: any bytes as tokenizer.json. A file is either refused by an Error or gives a
// tokenizer that encodes, decodes and streams without a fault.

#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/temporary_folder.h"

namespace {

using sqpsych::TokenId;
using sqpsych::Tokenizer;

constexpr std::string_view kTexts[] = {
    "",
    " ",
    "the client felt  tired.\n\n",
    "I've 1234 \xE6\x97\xA5\xE6\x9C\xAC e\xCC\x81 \xF0\x9F\xA6\x99",
    "<s>x</s> <x>word",
    "\xE2\x96\x81 \xE2\x96\x81\xE2\x96\x81"};

void use(const Tokenizer& tokenizer) {
  for (const auto text : kTexts) {
    const auto encoding = tokenizer.encode(text, {});
    tokenizer.decode(encoding.ids, true);
    sqpsych::StreamDecoder stream(tokenizer, false);
    for (const TokenId id : encoding.ids)
      if (!sqpsych::is_valid_utf8(stream.push(id))) __builtin_trap();
    stream.finish();
  }
  try {
    tokenizer.vocabulary();
  } catch (const sqpsych::FormatError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sqpsych::testing::TemporaryFolder folder;
  sqpsych::testing::write_text(folder / "tokenizer.json",
                               std::string(reinterpret_cast<const char*>(data), size));
  try {
    use(*sqpsych::load_tokenizer(folder.path()));
  } catch (const sqpsych::Error&) {
  }
  return 0;
}
