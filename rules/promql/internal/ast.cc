#include "rules/promql/ast.h"

#include <array>

#include "base/text/text.h"
#include "rules/promql/internal/parser.h"

namespace nines::promql {

std::string_view documented_name(ValueType type) noexcept {
  switch (type) {
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kVector:
      return "instant vector";
    case ValueType::kMatrix:
      return "range vector";
    case ValueType::kString:
      return "string";
    case ValueType::kNone:
      break;
  }
  return "none";
}

const Expr& unwrap(const Expr& expr) {
  const Expr* inner = &expr;
  while (inner->kind() == ExprKind::kParen) inner = as<Paren>(*inner).expr.get();
  return *inner;
}

std::string_view to_string(AggregateOp op) noexcept {
  static constexpr std::array<std::string_view, 14> kNames = {
      "sum",    "avg",  "min",     "max",      "count",        "group",  "stddev",
      "stdvar", "topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"};
  return kNames[static_cast<std::size_t>(op)];
}

bool takes_parameter(AggregateOp op) noexcept {
  return op >= AggregateOp::kTopk;
}

std::string_view to_string(BinaryOp op) noexcept {
  static constexpr std::array<std::string_view, 18> kNames = {"+",   "-",     "*",     "/",  "%",
                                                              "^",   "atan2", "==",    "!=", "<",
                                                              ">",   "<=",    ">=",    "</", ">/",
                                                              "and", "or",    "unless"};
  return kNames[static_cast<std::size_t>(op)];
}

bool is_comparison(BinaryOp op) noexcept {
  return op >= BinaryOp::kEqual && op <= BinaryOp::kGreaterEqual;
}

bool is_set_operator(BinaryOp op) noexcept {
  return op >= BinaryOp::kAnd;
}

void Binary::settle_type() {
  const bool scalars = lhs->type() == ValueType::kScalar && rhs->type() == ValueType::kScalar;
  type_ = scalars ? ValueType::kScalar : ValueType::kVector;
}

Result<Query> Query::parse(std::string_view text, const EngineOptions& options) {
  if (text.size() > options.text_bytes_max) {
    return Error(ErrorCode::kLimit,
                 "query is longer than " + std::to_string(options.text_bytes_max) +
                     " bytes; `max_text` of [query] allows more");
  }
  NINES_TRY(ExprPtr root, Parser(text, options.depth_max).parse());
  return Query(std::string(text), std::shared_ptr<const Expr>(std::move(root)));
}

std::string Query::to_string() const {
  return print(*root_);
}

}  // namespace nines::promql
