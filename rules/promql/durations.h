#pragma once
// Lengths, steps and offsets that are expressions, as foo[step() * 2].

#include "base/core/result.h"
#include "rules/promql/engine.h"

namespace nines::promql {

// What expressions of durations may ask for; a step of zero for an instant.
struct DurationFacts {
  double step_seconds = 0;
  double range_seconds = 0;
};

// Whether each length and step of the query is above zero and each offset bearable, so that a
// caller can refuse the query before it runs. kInvalid with the text that running it would give:
// `1:5: duration must be greater than 0`.
Result<void> check_durations(const Query& query, const DurationFacts& facts);

}  // namespace nines::promql
