#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/tokenized_row.h"

namespace sqpsych {

/// Distributes rows over packs of at most `max_length` tokens: greedy best-fit in the order of
/// falling length (Ding et al. 2024, arXiv 2404.10830, section 3). Deterministic; a row is never
/// cut. Rows stand in rising order inside a pack, packs in the order of their first row.
/// `max_length` 0: one pack. BugError when a row is longer than max_length (tokenize_rows cuts
/// them).
std::vector<std::vector<std::size_t>> pack_rows(const std::vector<std::size_t>& lengths,
                                                std::size_t max_length);

/// Rows laid end to end: what PackedIds and DropoutKey (models/layers) need, as plain numbers.
struct PackLayout {
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> positions;        ///< restarts at 0 in every row
  std::vector<std::int64_t> cu_seqlens;       ///< 0, end of row 1, ..., number of tokens
  std::vector<std::int64_t> row_numbers;      ///< per token: its row's index in `rows`
  std::vector<std::int64_t> token_positions;  ///< per token: equal to positions
  std::vector<std::uint8_t> supervised;       ///< per token; 0 at every row's first token
};

/// Lays out the rows `pack` of `rows`.
PackLayout lay_out_pack(const std::vector<TokenizedRow>& rows,
                        const std::vector<std::size_t>& pack);

/// Lengths in tokens, for pack_rows.
std::vector<std::size_t> lengths_of(const std::vector<TokenizedRow>& rows);

}  // namespace sqpsych
