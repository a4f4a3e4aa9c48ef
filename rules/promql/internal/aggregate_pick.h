#pragma once
// Aggregations that answer with some of their input whatever its values: limitk, limit_ratio.

#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/grouping.h"

namespace nines::promql {

// The extremes of a parameter over all steps; NaN apart.
struct ParamRange {
  explicit ParamRange(const Column& column);
  double least, most;
  bool any_nan = false;
};

// An error when a parameter is no number of series.
Result<void> check_count(const Column& param);

Result<Block> pick_series(QueryContext& q, const Aggregate& node, const Block& in,
                          Grouping& grouping, const Column& param);

}  // namespace nines::promql
