#include <algorithm>
#include <bit>

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/merge_table.h"

namespace sqpsych::tokenizers {

MergeTable::MergeTable(const std::vector<MergeRule>& rules) {
  slots_.resize(std::bit_ceil(std::max<std::size_t>(rules.size() * 2, 16)));
  mask_ = slots_.size() - 1;
  for (const MergeRule& rule : rules) {
    const std::uint64_t key = key_of(rule.left, rule.right);
    std::size_t i = place_of(key);
    while (slots_[i].key != key && slots_[i].key != kFree) i = (i + 1) & mask_;
    slots_[i] = {key, {rule.rank, rule.result}};
  }
}

std::vector<MergeRule> merge_rules(
    const TokenIndex& ids, const std::vector<std::pair<std::string_view, std::string_view>>& merges,
    std::string_view prefix, const std::string& where) {
  std::vector<MergeRule> rules;
  rules.reserve(merges.size());
  const auto id_of = [&](std::string_view token) {
    const TokenId id = ids.find(token);
    if (id == kNoToken)
      throw FormatError(
          format("{}: merge {}: found token '{}', which is not in the vocabulary. The "
                 "vocabulary and the merges are not of one tokenizer.",
                 where, rules.size(), token));
    return id;
  };
  std::string joined;
  for (const auto& [left, right] : merges) {
    const TokenId left_id = id_of(left);
    const TokenId right_id = id_of(right);
    joined.assign(left).append(right.starts_with(prefix) ? right.substr(prefix.size()) : right);
    rules.push_back({left_id, right_id, id_of(joined), static_cast<std::int32_t>(rules.size())});
  }
  return rules;
}

std::vector<MergeRule> merge_rules_of_ranks(const std::vector<std::string>& tokens) {
  TokenIndex ids;
  ids.reserve(tokens.size());
  for (std::size_t id = 0; id < tokens.size(); ++id)
    if (!tokens[id].empty()) ids.insert(tokens[id], static_cast<TokenId>(id));
  std::vector<MergeRule> rules;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const std::string_view token = tokens[id];
    const auto first = static_cast<std::ptrdiff_t>(rules.size());
    for (std::size_t cut = 1; cut < token.size(); ++cut) {
      const TokenId left = ids.find(token.substr(0, cut));
      const TokenId right = ids.find(token.substr(cut));
      if (left != kNoToken && right != kNoToken)
        rules.push_back({left, right, static_cast<TokenId>(id), static_cast<std::int32_t>(id)});
    }
    std::sort(rules.begin() + first, rules.end(), [](const MergeRule& a, const MergeRule& b) {
      return a.left != b.left ? a.left < b.left : a.right < b.right;
    });
  }
  return rules;
}

}  // namespace sqpsych::tokenizers
