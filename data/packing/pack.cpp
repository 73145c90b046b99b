#include "data/packing/pack.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "core/error.h"

namespace sqpsych {

std::vector<std::vector<std::size_t>> pack_rows(const std::vector<std::size_t>& lengths,
                                                std::size_t max_length) {
  std::vector<std::size_t> order(lengths.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (order.empty()) return {};
  if (max_length == 0) return {1, order};
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lengths[a] > lengths[b]; });
  std::vector<std::vector<std::size_t>> packs;
  std::set<std::pair<std::size_t, std::size_t>> open;  // tokens left, pack
  for (const std::size_t row : order) {
    SQPSYCH_CHECK(lengths[row] <= max_length);
    auto best = open.lower_bound({lengths[row], 0});
    const std::pair<std::size_t, std::size_t> chosen =
        best == open.end() ? std::pair{max_length, packs.size()} : *best;
    if (best == open.end())
      packs.emplace_back();
    else
      open.erase(best);
    packs[chosen.second].push_back(row);
    open.insert({chosen.first - lengths[row], chosen.second});
  }
  for (auto& pack : packs) std::sort(pack.begin(), pack.end());
  std::sort(packs.begin(), packs.end());
  return packs;
}

PackLayout lay_out_pack(const std::vector<TokenizedRow>& rows,
                        const std::vector<std::size_t>& pack) {
  PackLayout layout;
  layout.cu_seqlens.push_back(0);
  for (const std::size_t number : pack) {
    const TokenizedRow& row = rows[number];
    for (std::size_t i = 0; i < row.ids.size(); ++i) {
      layout.ids.push_back(row.ids[i]);
      layout.positions.push_back(static_cast<std::int64_t>(i));
      layout.row_numbers.push_back(static_cast<std::int64_t>(number));
      layout.supervised.push_back(i == 0 ? 0 : row.supervised[i]);
    }
    layout.cu_seqlens.push_back(static_cast<std::int64_t>(layout.ids.size()));
  }
  layout.token_positions = layout.positions;
  return layout;
}

std::vector<std::size_t> lengths_of(const std::vector<TokenizedRow>& rows) {
  std::vector<std::size_t> lengths;
  for (const auto& row : rows) lengths.push_back(row.ids.size());
  return lengths;
}

}  // namespace sqpsych
