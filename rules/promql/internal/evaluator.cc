#include "rules/promql/internal/evaluator.h"

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "rules/promql/internal/arithmetic.h"
#include "rules/promql/internal/parser.h"
#include "rules/promql/internal/shared_parts.h"

namespace nines::promql {

Error QueryContext::error(TextRange at, std::string_view what) const {
  return Error(ErrorCode::kInvalid, position(query, at.start) + ": " + std::string(what));
}

Result<void> QueryContext::check() const {
  if (stop != nullptr && stop->stop) {
    return Error(ErrorCode::kUnavailable, "query was canceled in expression evaluation");
  }
  if (clock.elapsed() >= deadline) {
    return Error(ErrorCode::kUnavailable, "query timed out in expression evaluation");
  }
  return budget.check();
}

// A sample is 16 bytes; a histogram is worth as many as its bytes and its time's fill, rounded
// down, with the sizes Prometheus gives its parts.
std::uint64_t samples_worth(const Histogram& h) {
  constexpr std::uint64_t kFixed = 168, kTime = 8;
  const std::uint64_t parts = h.positive_spans.size() + h.negative_spans.size() +
                              h.positive_buckets.size() + h.negative_buckets.size() +
                              h.custom_values.size();
  return (kFixed + 8 * parts + kTime) / kSampleBytes;
}

std::size_t work_of(const Histogram& h) {
  constexpr std::size_t kTakenApart = 500, kBucket = 50;  // as measured, beside a cell
  return kTakenApart + kBucket * (h.positive_buckets.size() + h.negative_buckets.size());
}

namespace {

// What scalar() says: the only float of each step, NaN where there is none or another.
Result<Column> the_only_floats(const QueryContext& q, const Block& block) {
  const double nan = std::bit_cast<double>(kNormalNanBits);
  Column out(block.steps, nan);
  std::vector<bool> seen(block.steps);
  Pace pace(q);
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (const Result<void> ok = pace.did(block.steps); !ok) return ok.error();
    for (std::size_t s = 0; s < block.steps; ++s) {
      if (!block.present(i, s) || block.histogram(i, s) != nullptr) continue;
      out[s] = seen[s] ? nan : block.row(i)[s];
      seen[s] = true;
    }
  }
  return out;
}

}  // namespace

Result<Block> Evaluator::broadcast(Block one, const Grid& grid) {
  Block out(grid.count, q_.budget);
  Pace pace(q_);
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (const Result<void> ok = pace.did(grid.count); !ok) return ok.error();
    NINES_TRY(const std::size_t row, out.add_row(std::move(one.series[i])));
    const HistogramPtr* h = one.histogram_row(i);
    for (std::size_t s = 0; s < grid.count; ++s) {
      if (h != nullptr && h[0]) {
        out.set_histogram(row, s, h[0]);
      } else {
        out.row(row)[s] = one.row(i)[0];
      }
    }
  }
  return out;
}

Result<Block> Evaluator::vector(const Expr& expr, const Grid& grid) {
  if (Result<void> ok = q_.check(); !ok) return ok.error();
  if (!expr.step_invariant || grid.count == 1) {
    NINES_TRY(std::optional<Block> known, shared(expr, grid, nullptr, nullptr));
    return known ? *std::move(known) : vector_now(expr, grid);
  }
  const HintMode once(q_.tally.fixed, true);
  NINES_TRY(Block one, vector_now(expr, Grid{grid.start, grid.step, 1}));
  return broadcast(std::move(one), grid);
}

Result<Block> Evaluator::vector_now(const Expr& expr, const Grid& grid) {
  switch (expr.kind()) {
    case ExprKind::kVectorSelector:
      return select(as<VectorSelector>(expr), grid);
    case ExprKind::kCall:
      return call(as<Call>(expr), grid);
    case ExprKind::kAggregate:
      return aggregate(as<Aggregate>(expr), grid);
    case ExprKind::kBinary:
      return binary(as<Binary>(expr), grid);
    case ExprKind::kUnary:
      return unary(as<Unary>(expr), grid);
    case ExprKind::kParen:
      return vector_now(*as<Paren>(expr).expr, grid);
    default:
      return Error(ErrorCode::kInvalid, "expected an instant vector");
  }
}

Result<Column> Evaluator::scalar(const Expr& expr, const Grid& grid) {
  if (Result<void> ok = q_.check(); !ok) return ok.error();
  if (!expr.step_invariant || grid.count == 1) return scalar_now(expr, grid);
  const HintMode once(q_.tally.fixed, true);
  NINES_TRY(const Column one, scalar_now(expr, Grid{grid.start, grid.step, 1}));
  return Column(grid.count, one[0]);
}

Result<Column> Evaluator::scalar_now(const Expr& expr, const Grid& grid) {
  switch (expr.kind()) {
    case ExprKind::kNumber:
      return Column(grid.count, as<NumberLiteral>(expr).value);
    case ExprKind::kParen:
      return scalar_now(*as<Paren>(expr).expr, grid);
    case ExprKind::kUnary: {
      const auto& node = as<Unary>(expr);
      NINES_TRY(Column column, scalar(*node.expr, grid));
      if (node.negate) {
        for (double& v : column) v = -v;
      }
      return column;
    }
    case ExprKind::kBinary: {
      const auto& node = as<Binary>(expr);
      NINES_TRY(Column lhs, scalar(*node.lhs, grid));
      NINES_TRY(const Column rhs, scalar(*node.rhs, grid));
      for (std::size_t s = 0; s < lhs.size(); ++s)
        lhs[s] = scalar_arithmetic(node.op, lhs[s], rhs[s]);
      return lhs;
    }
    case ExprKind::kCall:
      return scalar_call(as<Call>(expr), grid);
    default:
      return Error(ErrorCode::kInvalid, "expected a scalar");
  }
}

Result<Column> Evaluator::scalar_call(const Call& call, const Grid& grid) {
  Column out(grid.count, 0.0);
  const auto fill = [&](double v) {
    out.assign(grid.count, v);
    return out;
  };
  switch (call.function->id) {
    case Fn::kPi:
      return fill(std::numbers::pi);
    case Fn::kStart:
      return fill(static_cast<double>(q_.grid.start) / 1000);
    case Fn::kEnd:
      return fill(static_cast<double>(q_.query_end) / 1000);
    case Fn::kStep:
      return fill(q_.is_range ? static_cast<double>(q_.grid.step) / 1000 : 0.0);
    case Fn::kRange:
      return fill(static_cast<double>(q_.query_end - q_.grid.start) / 1000);
    case Fn::kTime:
      for (std::size_t s = 0; s < grid.count; ++s) out[s] = static_cast<double>(grid.at(s)) / 1000;
      return out;
    case Fn::kMinOf:
    case Fn::kMaxOf: {
      NINES_TRY(const Column a, scalar(*call.args[0], grid));
      NINES_TRY(const Column b, scalar(*call.args[1], grid));
      const bool least = call.function->id == Fn::kMinOf;
      for (std::size_t s = 0; s < grid.count; ++s) {
        out[s] = std::isnan(a[s]) || (least ? a[s] < b[s] : a[s] > b[s]) ? a[s] : b[s];
      }
      return out;
    }
    case Fn::kScalar: {
      NINES_TRY(const Block block, vector(*call.args[0], grid));
      return the_only_floats(q_, block);
    }
    default:
      return Error(ErrorCode::kInvalid, "expected a scalar function");
  }
}

Result<std::string> Evaluator::text(const Expr& expr) const {
  const Expr& inner = unwrap(expr);
  if (inner.kind() != ExprKind::kString) return Error(ErrorCode::kInvalid, "expected a string");
  return as<StringLiteral>(inner).value;
}

Result<Block> Evaluator::unary(const Unary& node, const Grid& grid) {
  NINES_TRY(Block block, vector(*node.expr, grid));
  if (!node.negate) return block;
  return negated(std::move(block), q_);
}

}  // namespace nines::promql
