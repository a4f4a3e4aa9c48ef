#pragma once
// What expressions of durations come to.

#include <cstdint>
#include <string_view>

#include "rules/promql/ast.h"
#include "rules/promql/durations.h"

namespace nines::promql {

// Milliseconds; places of errors are those in `text`. kInvalid.
Result<std::int64_t> duration_length(const DurationExpr& d, const DurationFacts& facts,
                                     std::string_view text);  // above zero
Result<std::int64_t> duration_offset(const DurationExpr& d, const DurationFacts& facts,
                                     std::string_view text);

}  // namespace nines::promql
