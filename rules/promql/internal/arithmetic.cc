#include "rules/promql/internal/arithmetic.h"

#include <cmath>
#include <utility>

#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/histogram_math.h"

namespace nines::promql {
namespace {

bool is_trim(BinaryOp op) {
  return op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower;
}

Outcome of_histogram(Histogram h) {
  Outcome out;
  out.keep = true;
  out.histogram = std::make_shared<Histogram>(std::move(h));
  return out;
}

Outcome wrong_types() {
  Outcome out;
  out.incompatible_types = true;
  return out;
}

Outcome between_histograms(BinaryOp op, const Histogram& a, const Histogram& b) {
  if (op == BinaryOp::kEqual || op == BinaryOp::kNotEqual) {
    Outcome out = of_histogram(a);
    out.keep = equal(a, b) == (op == BinaryOp::kEqual);
    return out;
  }
  if (op != BinaryOp::kAdd && op != BinaryOp::kSub) return wrong_types();
  Histogram sum = a;
  const MergeOutcome merged = op == BinaryOp::kAdd ? add(sum, b) : subtract(sum, b);
  if (merged.result == Merge::kIncompatible) {
    Outcome out;
    out.incompatible_buckets = true;
    return out;
  }
  if (op == BinaryOp::kSub) sum.reset_hint = ResetHint::kGauge;
  compact(sum);
  Outcome out = of_histogram(std::move(sum));
  out.reset_collision = merged.reset_collision;
  out.bounds_reconciled = merged.bounds_reconciled;
  return out;
}

Outcome histogram_and_float(BinaryOp op, const Histogram& a, double b) {
  Histogram h = a;
  switch (op) {
    case BinaryOp::kMul:
      scale(h, b);
      compact(h);
      return of_histogram(std::move(h));
    case BinaryOp::kDiv:
      divide(h, b);
      compact(h);
      return of_histogram(std::move(h));
    case BinaryOp::kTrimUpper:
    case BinaryOp::kTrimLower: {
      Outcome out;
      out.keep = true;
      out.histogram = trim(a, b, op == BinaryOp::kTrimUpper);
      return out;
    }
    default:
      return wrong_types();
  }
}

}  // namespace

bool compare(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kEqual:
      return a == b;
    case BinaryOp::kNotEqual:
      return a != b;
    case BinaryOp::kLess:
      return a < b;
    case BinaryOp::kGreater:
      return a > b;
    case BinaryOp::kLessEqual:
      return a <= b;
    case BinaryOp::kGreaterEqual:
      return a >= b;
    default:
      return false;
  }
}

double scalar_arithmetic(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kAdd:
      return a + b;
    case BinaryOp::kSub:
      return a - b;
    case BinaryOp::kMul:
      return a * b;
    case BinaryOp::kDiv:
      return a / b;
    case BinaryOp::kMod:
      return std::fmod(a, b);
    case BinaryOp::kPow:
      return std::pow(a, b);
    case BinaryOp::kAtan2:
      return std::atan2(a, b);
    default:
      return compare(op, a, b) ? 1.0 : 0.0;
  }
}

Outcome apply(BinaryOp op, const Operand& a, const Operand& b) {
  if (a.histogram != nullptr && b.histogram != nullptr) {
    return between_histograms(op, *a.histogram, *b.histogram);
  }
  if (a.histogram != nullptr) return histogram_and_float(op, *a.histogram, b.value);
  if (b.histogram != nullptr) {
    if (op != BinaryOp::kMul) return wrong_types();
    return histogram_and_float(op, *b.histogram, a.value);
  }
  if (is_trim(op)) return wrong_types();
  Outcome out;
  if (is_comparison(op)) {
    out.keep = compare(op, a.value, b.value);
    out.value = a.value;
  } else {
    out.keep = true;
    out.value = scalar_arithmetic(op, a.value, b.value);
  }
  return out;
}

Result<Block> negated(Block block, const QueryContext& q) {
  Pace pace(q);
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (const Result<void> ok = pace.did(block.steps); !ok) return ok.error();
    block.series[i].drop_name = true;
    for (std::size_t s = 0; s < block.steps; ++s) {
      if (!block.present(i, s)) continue;
      if (const Histogram* h = block.histogram(i, s); h != nullptr) {
        if (const Result<void> ok = pace.did(work_of(*h)); !ok) return ok.error();
        auto copy = std::make_shared<Histogram>(*h);
        scale(*copy, -1);
        block.set_histogram(i, s, std::move(copy));
      } else {
        double& v = block.row(i)[s];
        v = -v;
      }
    }
  }
  return block;
}

}  // namespace nines::promql
