#pragma once
// The binary operators on two samples.

#include <cstdint>

#include "base/core/result.h"
#include "base/model/histogram.h"
#include "rules/promql/ast.h"
#include "rules/promql/internal/values.h"

namespace nines::promql {

struct QueryContext;

// Between scalars; comparisons give 0 or 1.
double scalar_arithmetic(BinaryOp op, double a, double b);
// Whether the comparison holds.
bool compare(BinaryOp op, double a, double b);

// One sample: a histogram when `histogram` is set.
struct Operand {
  double value = 0;
  const Histogram* histogram = nullptr;
};

struct Outcome {
  bool keep = false;  // a filter let it pass, or the operation gave something
  double value = 0;
  HistogramPtr histogram;  // when the result is one
  bool incompatible_types = false;
  bool incompatible_buckets = false;
  bool reset_collision = false;
  bool bounds_reconciled = false;
};
// Comparisons keep and return the left operand when they hold.
Outcome apply(BinaryOp op, const Operand& a, const Operand& b);

Result<Block> negated(Block block, const QueryContext& q);  // the query's error when it is to end

}  // namespace nines::promql
