#pragma once

#include <string>
#include <vector>

#include "data/packing/row_plan.h"
#include "models/tokenized_row.h"
#include "models/tokenizers/tokenizer.h"

namespace sqpsych {

/// The text that each token adds. A token that ends inside a character adds nothing; the one that
/// completes the character adds it. Control tokens show their name.
std::vector<std::string> token_texts(const Tokenizer& tokenizer, const std::vector<TokenId>& ids);

/// What is looked at: token rows and where they came from (`report.origins`, same order).
struct Inspection {
  const std::vector<TokenizedRow>& rows;
  const RowPlanReport& report;
  const Tokenizer& tokenizer;
  std::size_t limit = 0;  ///< token rows shown; 0: all
};

enum class InspectStyle {
  kPlain,  ///< supervised runs stand between ⟦ and ⟧
  kAnsi,   ///< supervised tokens on green, in two shades so that boundaries show; the rest is dim
};

/// For the terminal: the report, then each row under a line with its counts and cuts.
std::string inspect_text(const Inspection& inspection, InspectStyle style);

/// The same as one self-contained HTML page; a token's id and place show when the pointer rests on
/// it.
std::string inspect_html(const Inspection& inspection, const std::string& title);

}  // namespace sqpsych
