#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/pipeline_tokenizer.h"

namespace sqpsych::tokenizers {

void TokenTable::reserve(std::size_t count) { ids_.reserve(count); }

void TokenTable::add(std::string_view text, std::int64_t id) {
  constexpr std::int64_t kMaxId = std::numeric_limits<TokenId>::max() - 1;
  if (id < 0 || id > kMaxId)
    throw FormatError(format("{}: token '{}': found id {}, expected one between 0 and {}.", where_,
                             text, id, kMaxId));
  if (text.empty()) throw FormatError(format("{}: id {}: found an empty token text.", where_, id));
  const auto wanted = static_cast<TokenId>(id);
  largest_ = std::max(largest_, wanted);
  if (ids_.insert(text, wanted) || ids_.find(text) == wanted) return;
  throw FormatError(format("{}: token '{}': found ids {} and {}, expected one.", where_, text,
                           ids_.find(text), id));
}

std::optional<TokenId> TokenTable::find(std::string_view text) const {
  const TokenId id = ids_.find(text);
  return id == kNoToken ? std::nullopt : std::optional(id);
}

std::vector<std::string> TokenTable::by_id() const {
  constexpr std::int64_t kMaxGaps = 65536;
  if (ids_.size() == 0) throw FormatError(format("{}: found an empty vocabulary.", where_));
  const auto gaps = std::int64_t{largest_} + 1 - static_cast<std::int64_t>(ids_.size());
  if (gaps > kMaxGaps)
    throw FormatError(
        format("{}: found {} ids without a token below the largest id {}, expected at most "
               "{}. An id in the file is wrong.",
               where_, gaps, largest_, kMaxGaps));
  std::vector<std::string> tokens(static_cast<std::size_t>(largest_) + 1);
  ids_.for_each([&](std::string_view text, TokenId id) {
    std::string& place = tokens[static_cast<std::size_t>(id)];
    if (!place.empty())
      throw FormatError(format("{}: id {}: found tokens '{}' and '{}', expected one.", where_, id,
                               std::min<std::string_view>(place, text),
                               std::max<std::string_view>(place, text)));
    place = text;
  });
  return tokens;
}

}  // namespace sqpsych::tokenizers
