#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "data/profiles/bound_mapping.h"
#include "data/profiles/profile.h"

namespace sqpsych {

/// Why a row gave no profile.
enum class SkipReason {
  kOutOfRange,
  kUnknownContent,
  kBadRow,
  kNoClientId,
  kDuplicate,
  kNothingAnswered,
  kNoScore,
  kIncomplete,
};
/// As written in skipped.jsonl: "out_of_range", ...
std::string name_of(SkipReason reason);
/// A row may lack answers; everything else is a fault of the file, at which `strict` stops.
bool is_fault(SkipReason reason);

struct RowProblem {
  SkipReason reason;
  std::string column;  ///< empty when the row as a whole is meant
  std::string detail;  ///< "found 7, expected 0 to 3"
};

struct BuiltProfile {
  Profile profile;        ///< without client_id
  std::string source_id;  ///< what the source calls the person
};

/// Makes the profile of one row, or says everything that is wrong with it.
std::variant<BuiltProfile, std::vector<RowProblem>> build_profile(const BoundMapping& mapping,
                                                                  const JoinedAnswers& answers,
                                                                  const JoinedRow& row);

}  // namespace sqpsych
