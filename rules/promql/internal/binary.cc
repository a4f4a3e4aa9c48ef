// Binary operators between vectors and scalars, and the set operators.

#include <utility>

#include "rules/promql/internal/arithmetic.h"
#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/grouping.h"

namespace nines::promql {
namespace {

std::string_view kind_of(const Operand& o) {
  return o.histogram != nullptr ? "histogram" : "float";
}

}  // namespace

// What an operation on two samples had to say, as annotations of the whole expression.
void annotate(Annotations& annotations, const Binary& node, const Operand& a, const Operand& b,
              const Outcome& outcome) {
  const std::string_view op = to_string(node.op);
  if (outcome.incompatible_types) {
    annotations.incompatible_types(kind_of(a), op, kind_of(b), node.range);
  }
  if (outcome.incompatible_buckets) {
    annotations.warn(
        "incompatible bucket layout encountered for binary operator " + std::string(op),
        node.range);
  }
  const std::string_view doing = node.op == BinaryOp::kAdd ? "addition" : "subtraction";
  if (outcome.reset_collision) annotations.reset_collision(doing, node.range);
  if (outcome.bounds_reconciled) annotations.buckets_reconciled(doing, node.range);
}

Result<Block> Evaluator::filtered(const Expr& expr, const Grid& grid, const FloatFilter& filter) {
  const Expr& inner = unwrap(expr);
  if (inner.step_invariant && grid.count > 1) return vector(expr, grid);
  if (Result<void> ok = q_.check(); !ok) return ok.error();
  NINES_TRY(std::optional<Block> known, shared(inner, grid, &filter, nullptr));
  if (known) return *std::move(known);
  switch (inner.kind()) {
    case ExprKind::kVectorSelector:
      return select(as<VectorSelector>(inner), grid, Take::kValue, nullptr, &filter);
    case ExprKind::kCall:
      return call(as<Call>(inner), grid, nullptr, &filter);
    case ExprKind::kBinary:
      return filtered_binary(as<Binary>(inner), grid, filter);
    default:
      return vector(expr, grid);
  }
}

Result<Block> Evaluator::filtered_binary(const Binary& node, const Grid& grid,
                                         const FloatFilter& filter) {
  const bool trims = node.op == BinaryOp::kTrimUpper || node.op == BinaryOp::kTrimLower;
  if (is_comparison(node.op) || is_set_operator(node.op) || trims) return binary(node, grid);
  const HintMode mode(resolve_hints_, false);
  const bool scalar_left = node.lhs->type() == ValueType::kScalar;
  if (!scalar_left && node.rhs->type() != ValueType::kScalar) {
    NINES_TRY(Block lhs, vector(*node.lhs, grid));
    NINES_TRY(Block rhs, vector(*node.rhs, grid));
    return binary_vectors(node, std::move(lhs), std::move(rhs), &filter);
  }
  NINES_TRY(const Column scalars, scalar(scalar_left ? *node.lhs : *node.rhs, grid));
  const FloatFilter before = filter.after({node.op, scalars, scalar_left});
  NINES_TRY(Block some, filtered(scalar_left ? *node.rhs : *node.lhs, grid, before));
  return binary_with_scalar(node, std::move(some), scalars, scalar_left);
}

Result<Block> Evaluator::binary(const Binary& node, const Grid& grid) {
  const HintMode mode(resolve_hints_, false);
  const bool scalar_left = node.lhs->type() == ValueType::kScalar;
  const bool scalar_right = node.rhs->type() == ValueType::kScalar;
  if (scalar_left || scalar_right) {
    NINES_TRY(const Column scalars, scalar(scalar_left ? *node.lhs : *node.rhs, grid));
    const Expr& other = scalar_left ? *node.rhs : *node.lhs;
    if (is_comparison(node.op) && !node.return_bool) {
      const FloatFilter filter({node.op, scalars, scalar_left});
      NINES_TRY(Block some, filtered(other, grid, filter));
      return binary_with_scalar(node, std::move(some), scalars, scalar_left);
    }
    NINES_TRY(Block block, vector(other, grid));
    return binary_with_scalar(node, std::move(block), scalars, scalar_left);
  }
  NINES_TRY(Block lhs, vector(*node.lhs, grid));
  NINES_TRY(Block rhs, vector(*node.rhs, grid));
  if (is_set_operator(node.op)) return set_operator(node, std::move(lhs), std::move(rhs));
  return binary_vectors(node, std::move(lhs), std::move(rhs));
}

Result<Block> Evaluator::binary_with_scalar(const Binary& node, Block block, const Column& scalars,
                                            bool scalar_left) {
  const bool filter = is_comparison(node.op) && !node.return_bool;
  const bool trims = node.op == BinaryOp::kTrimUpper || node.op == BinaryOp::kTrimLower;
  const bool floats_only = block.histograms.empty();
  Pace pace(q_);
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (const Result<void> ok = pace.did(block.steps); !ok) return ok.error();
    if (!filter && !trims) block.series[i].drop_name = true;
    double* row = block.row(i);
    for (std::size_t s = 0; s < block.steps; ++s) {
      if (is_absent(row[s])) continue;
      if (floats_only && !is_comparison(node.op) && !trims) {  // the common case, without ceremony
        row[s] = scalar_left ? scalar_arithmetic(node.op, scalars[s], row[s])
                             : scalar_arithmetic(node.op, row[s], scalars[s]);
        continue;
      }
      const Operand sample{row[s], block.histogram(i, s)};
      if (sample.histogram != nullptr) {
        if (const Result<void> ok = pace.did(work_of(*sample.histogram)); !ok) return ok.error();
      }
      const Operand number{scalars[s], nullptr};
      const Operand& a = scalar_left ? number : sample;
      const Operand& b = scalar_left ? sample : number;
      Outcome outcome = apply(node.op, a, b);
      annotate(q_.annotations, node, a, b, outcome);
      if (outcome.incompatible_types || outcome.incompatible_buckets) {
        block.clear_cell(i, s);
      } else if (node.return_bool) {
        block.clear_cell(i, s);
        row[s] = outcome.keep ? 1 : 0;
      } else if (!outcome.keep) {
        block.clear_cell(i, s);
      } else if (outcome.histogram) {
        block.set_histogram(i, s, std::move(outcome.histogram));
      } else if (!filter) {
        row[s] = outcome.value;
      }
    }
  }
  return block;
}

Result<Block> Evaluator::set_operator(const Binary& node, Block lhs, Block rhs) {
  Grouping grouping(node.matching.on, node.matching.labels);
  std::vector<std::size_t> left(lhs.size());
  std::vector<std::size_t> right(rhs.size());
  Pace pace(q_);
  for (std::size_t i = 0; i < lhs.size(); ++i) {
    if (const Result<void> ok = pace.did(16); !ok) return ok.error();
    left[i] = grouping.group_of(lhs.series[i].labels);
  }
  for (std::size_t i = 0; i < rhs.size(); ++i) {
    if (const Result<void> ok = pace.did(16); !ok) return ok.error();
    right[i] = grouping.group_of(rhs.series[i].labels);
  }
  // Which steps of each group the deciding side has a sample at.
  const bool is_or = node.op == BinaryOp::kOr;
  const Block& decider = is_or ? lhs : rhs;
  const std::vector<std::size_t>& group = is_or ? left : right;
  const std::size_t steps = lhs.steps;
  Charge held(q_.budget);
  const std::size_t size = grouping.size() * steps;
  if (const Result<void> ok = held.add(size / 8 + 1, size); !ok) return ok.error();
  std::vector<std::uint8_t> has(size);
  for (std::size_t i = 0; i < decider.size(); ++i) {
    if (const Result<void> ok = pace.did(steps); !ok) return ok.error();
    for (std::size_t s = 0; s < steps; ++s) {
      if (decider.present(i, s)) has[group[i] * steps + s] = 1;
    }
  }
  if (!is_or) {
    const bool wanted = node.op == BinaryOp::kAnd;
    for (std::size_t i = 0; i < lhs.size(); ++i) {
      if (const Result<void> ok = pace.did(steps); !ok) return ok.error();
      for (std::size_t s = 0; s < steps; ++s) {
        if (lhs.present(i, s) && (has[left[i] * steps + s] != 0) != wanted) lhs.clear_cell(i, s);
      }
    }
    return lhs;
  }
  for (std::size_t i = 0; i < rhs.size(); ++i) {
    if (const Result<void> ok = pace.did(steps); !ok) return ok.error();
    NINES_TRY(const std::size_t row, lhs.add_row(rhs.series[i]));
    for (std::size_t s = 0; s < steps; ++s) {
      if (rhs.present(i, s) && has[right[i] * steps + s] == 0) lhs.copy_cell(row, s, rhs, i);
    }
    if (lhs.row_empty(row)) lhs.pop_row();
  }
  return merge_equal_rows(std::move(lhs), q_);
}

}  // namespace nines::promql
