#pragma once
// The syntax tree of a PromQL query, after parsing and type checking. Immutable once a Query owns
// it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/model/matcher.h"
#include "rules/promql/engine.h"

namespace nines::promql {

enum class ValueType : std::uint8_t { kNone, kScalar, kVector, kMatrix, kString };
std::string_view documented_name(ValueType type) noexcept;  // "scalar", "instant vector", ...

enum class ExprKind : std::uint8_t {
  kNumber,
  kString,
  kVectorSelector,
  kMatrixSelector,
  kSubquery,
  kCall,
  kAggregate,
  kBinary,
  kUnary,
  kParen
};

class Expr {
 public:
  virtual ~Expr() = default;
  ExprKind kind() const { return kind_; }
  ValueType type() const { return type_; }

  TextRange range;
  int height = 1;               // of the tree below, itself included
  bool step_invariant = false;  // the same answer at every step: evaluated once

 protected:
  Expr(ExprKind kind, ValueType type) : type_(type), kind_(kind) {}
  ValueType type_;

 private:
  ExprKind kind_;
};
using ExprPtr = std::unique_ptr<Expr>;

// The node as its own type; the kind must be right.
template <typename T>
const T& as(const Expr& expr) {
  return static_cast<const T&>(expr);
}
template <typename T>
T& as(Expr& expr) {
  return static_cast<T&>(expr);
}
// What stands inside any number of parentheses.
const Expr& unwrap(const Expr& expr);

// Arithmetic over durations, in seconds: literals, step(), range(), min_of(), max_of().
struct DurationExpr {
  enum class Op : std::uint8_t {
    kLiteral,
    kStep,
    kRange,
    kMin,
    kMax,
    kPlus,
    kNegate,
    kAdd,
    kSub,
    kMul,
    kDiv,
    kMod,
    kPow
  };
  Op op = Op::kLiteral;
  double seconds = 0;
  bool is_duration = true;  // printed as 1h30m rather than as a number
  bool wrapped = false;     // in parentheses
  std::unique_ptr<DurationExpr> lhs, rhs;
  TextRange range;
};
using DurationPtr = std::unique_ptr<DurationExpr>;

enum class AtKind : std::uint8_t { kNone, kTime, kStart, kEnd };

// offset and @: what moves a selector in time.
struct TimeShift {
  DurationPtr offset;  // null: none
  AtKind at = AtKind::kNone;
  std::int64_t at_ms = 0;
};

struct NumberLiteral final : Expr {
  explicit NumberLiteral(double v, bool duration = false)
      : Expr(ExprKind::kNumber, ValueType::kScalar), value(v), is_duration(duration) {}
  double value;
  bool is_duration;
};

struct StringLiteral final : Expr {
  explicit StringLiteral(std::string v)
      : Expr(ExprKind::kString, ValueType::kString), value(std::move(v)) {}
  std::string value;
};

struct VectorSelector final : Expr {
  VectorSelector() : Expr(ExprKind::kVectorSelector, ValueType::kVector) {}
  std::string name;               // written outside the braces; empty otherwise
  std::vector<Matcher> matchers;  // the name's, when there is one, last
  TimeShift shift;
  bool anchored = false;
  bool smoothed = false;
  bool may_be_empty = false;  // the label selector of info()
};

struct MatrixSelector final : Expr {
  MatrixSelector() : Expr(ExprKind::kMatrixSelector, ValueType::kMatrix) {}
  std::unique_ptr<VectorSelector> selector;  // holds the time shift too
  DurationPtr length;
};

struct Subquery final : Expr {
  Subquery() : Expr(ExprKind::kSubquery, ValueType::kMatrix) {}
  ExprPtr expr;
  DurationPtr length;
  DurationPtr step;  // null: the engine's default
  TimeShift shift;
};

struct FunctionInfo;  // rules/promql/internal/functions.h

struct Call final : Expr {
  Call(const FunctionInfo& f, ValueType result) : Expr(ExprKind::kCall, result), function(&f) {}
  const FunctionInfo* function;
  std::vector<ExprPtr> args;
};

enum class AggregateOp : std::uint8_t {
  kSum,
  kAvg,
  kMin,
  kMax,
  kCount,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kQuantile,
  kCountValues,
  kLimitk,
  kLimitRatio
};
std::string_view to_string(AggregateOp op) noexcept;
bool takes_parameter(AggregateOp op) noexcept;

struct Aggregate final : Expr {
  explicit Aggregate(AggregateOp o) : Expr(ExprKind::kAggregate, ValueType::kVector), op(o) {}
  AggregateOp op;
  ExprPtr expr;
  ExprPtr param;  // null when the operator has none
  std::vector<std::string> grouping;
  bool without = false;
};

enum class BinaryOp : std::uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kGreater,
  kLessEqual,
  kGreaterEqual,
  kTrimUpper,
  kTrimLower,
  kAnd,
  kOr,
  kUnless
};
std::string_view to_string(BinaryOp op) noexcept;
bool is_comparison(BinaryOp op) noexcept;
bool is_set_operator(BinaryOp op) noexcept;

enum class Cardinality : std::uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };

struct VectorMatching {
  Cardinality card = Cardinality::kOneToOne;
  bool on = false;  // labels is on()'s list; else ignoring()'s
  std::vector<std::string> labels;
  std::vector<std::string> include;  // of group_left() / group_right()
  std::optional<double> fill_left, fill_right;
};

struct Binary final : Expr {
  explicit Binary(BinaryOp o) : Expr(ExprKind::kBinary, ValueType::kVector), op(o) {}
  void settle_type();  // once both sides are there
  BinaryOp op;
  ExprPtr lhs, rhs;
  VectorMatching matching;
  bool return_bool = false;
};

struct Unary final : Expr {
  Unary(bool minus, ExprPtr operand)
      : Expr(ExprKind::kUnary, operand->type()), negate(minus), expr(std::move(operand)) {}
  bool negate;
  ExprPtr expr;
};

struct Paren final : Expr {
  explicit Paren(ExprPtr inner) : Expr(ExprKind::kParen, inner->type()), expr(std::move(inner)) {}
  ExprPtr expr;
};

// One line, as Prometheus's formatter prints it.
std::string print(const Expr& expr);

}  // namespace nines::promql
