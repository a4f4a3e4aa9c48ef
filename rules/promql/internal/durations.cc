#include "rules/promql/durations.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "rules/promql/internal/duration_values.h"
#include "rules/promql/internal/parser.h"

namespace nines::promql {
namespace {

constexpr double kSecondsMost = 9223372036.0;  // that fit in 64 bits of nanoseconds

Error wrong(std::string_view text, TextRange at, std::string_view what) {
  return Error(ErrorCode::kInvalid, position(text, at.start) + ": " + std::string(what));
}

Result<double> seconds(const DurationExpr& d, const DurationFacts& facts, std::string_view text) {
  double lhs = 0;
  double rhs = 0;
  if (d.lhs) {
    NINES_TRY(lhs, seconds(*d.lhs, facts, text));
  }
  if (d.rhs) {
    NINES_TRY(rhs, seconds(*d.rhs, facts, text));
  }
  switch (d.op) {
    case DurationExpr::Op::kLiteral:
      return d.seconds;
    case DurationExpr::Op::kStep:
      return facts.step_seconds;
    case DurationExpr::Op::kRange:
      return facts.range_seconds;
    case DurationExpr::Op::kMin:
      return std::min(lhs, rhs);
    case DurationExpr::Op::kMax:
      return std::max(lhs, rhs);
    case DurationExpr::Op::kPlus:
      return lhs;
    case DurationExpr::Op::kNegate:
      return -lhs;
    case DurationExpr::Op::kAdd:
      return lhs + rhs;
    case DurationExpr::Op::kSub:
      return lhs - rhs;
    case DurationExpr::Op::kMul:
      return lhs * rhs;
    case DurationExpr::Op::kPow:
      return std::pow(lhs, rhs);
    case DurationExpr::Op::kDiv:
      if (rhs == 0) return wrong(text, d.range, "division by zero");
      return lhs / rhs;
    case DurationExpr::Op::kMod:
      if (rhs == 0) return wrong(text, d.range, "modulo by zero");
      return std::fmod(lhs, rhs);
  }
  return 0.0;
}

class Checker {
 public:
  Checker(const DurationFacts& facts, std::string_view text) : facts_(facts), text_(text) {}

  Result<void> check(const Expr& expr) const {
    switch (expr.kind()) {
      case ExprKind::kNumber:
      case ExprKind::kString:
        return {};
      case ExprKind::kVectorSelector:
        return shift(as<VectorSelector>(expr).shift);
      case ExprKind::kMatrixSelector: {
        const auto& node = as<MatrixSelector>(expr);
        if (Result<void> ok = length(node.length); !ok) return ok;
        return shift(node.selector->shift);
      }
      case ExprKind::kSubquery: {
        const auto& node = as<Subquery>(expr);
        if (Result<void> ok = length(node.length); !ok) return ok;
        if (Result<void> ok = length(node.step); !ok) return ok;
        if (Result<void> ok = shift(node.shift); !ok) return ok;
        return check(*node.expr);
      }
      case ExprKind::kCall:
        for (const ExprPtr& arg : as<Call>(expr).args) {
          if (Result<void> ok = check(*arg); !ok) return ok;
        }
        return {};
      case ExprKind::kAggregate: {
        const auto& node = as<Aggregate>(expr);
        if (Result<void> ok = check(*node.expr); !ok || !node.param) return ok;
        return check(*node.param);
      }
      case ExprKind::kBinary:
        if (Result<void> ok = check(*as<Binary>(expr).lhs); !ok) return ok;
        return check(*as<Binary>(expr).rhs);
      case ExprKind::kUnary:
        return check(*as<Unary>(expr).expr);
      case ExprKind::kParen:
        return check(*as<Paren>(expr).expr);
    }
    return {};
  }

 private:
  Result<void> length(const DurationPtr& d) const {
    if (!d) return {};
    const Result<std::int64_t> ms = duration_length(*d, facts_, text_);
    return ms ? Result<void>() : ms.error();
  }
  Result<void> shift(const TimeShift& shift) const {
    if (!shift.offset) return {};
    const Result<std::int64_t> ms = duration_offset(*shift.offset, facts_, text_);
    return ms ? Result<void>() : ms.error();
  }

  const DurationFacts& facts_;
  std::string_view text_;
};

}  // namespace

Result<std::int64_t> duration_offset(const DurationExpr& d, const DurationFacts& facts,
                                     std::string_view text) {
  NINES_TRY(const double value, seconds(d, facts, text));
  if (!(std::fabs(value) < kSecondsMost)) return wrong(text, d.range, "duration is out of range");
  return static_cast<std::int64_t>(std::llround(value * 1000));
}

Result<std::int64_t> duration_length(const DurationExpr& d, const DurationFacts& facts,
                                     std::string_view text) {
  NINES_TRY(const double value, seconds(d, facts, text));
  if (value >= kSecondsMost) return wrong(text, d.range, "duration is out of range");
  const auto ms = value > 0 ? static_cast<std::int64_t>(std::llround(value * 1000)) : 0;
  if (ms <= 0) return wrong(text, d.range, "duration must be greater than 0");
  return ms;
}

Result<void> check_durations(const Query& query, const DurationFacts& facts) {
  return Checker(facts, query.text()).check(query.expr());
}

}  // namespace nines::promql
