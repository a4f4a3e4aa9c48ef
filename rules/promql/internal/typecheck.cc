// Types of arguments and operands, and which parts of the tree are the same at every step.

#include <algorithm>
#include <string>

#include "base/text/text.h"
#include "rules/promql/internal/functions.h"
#include "rules/promql/internal/parser.h"

namespace nines::promql {
namespace {

class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}
  Result<void> check(Expr& expr);

 private:
  Error error(TextRange at, const std::string& what) const { return parse_error(text_, at, what); }
  Result<void> expect(Expr& expr, ValueType wanted, const std::string& context);
  Result<void> aggregate(Aggregate& node);
  Result<void> binary(Binary& node);
  Result<void> matching(Binary& node);
  Result<void> call(Call& node);
  Result<void> argument_count(const Call& node) const;
  Result<void> info_arguments(Call& node) const;
  Result<void> selector(VectorSelector& node) const;
  TextRange operator_range(const Binary& node) const;

  std::string_view text_;
};

std::string type_name(ValueType type) {
  return std::string(documented_name(type));
}

Result<void> Checker::expect(Expr& expr, ValueType wanted, const std::string& context) {
  if (const Result<void> ok = check(expr); !ok) return ok.error();
  if (expr.type() == wanted) return {};
  return error(expr.range, "expected type " + type_name(wanted) + " in " + context + ", got " +
                               type_name(expr.type()));
}

Result<void> Checker::check(Expr& expr) {
  switch (expr.kind()) {
    case ExprKind::kNumber:
    case ExprKind::kString:
      expr.step_invariant = true;
      return {};
    case ExprKind::kVectorSelector:
      return selector(as<VectorSelector>(expr));
    case ExprKind::kMatrixSelector: {
      auto& node = as<MatrixSelector>(expr);
      if (const Result<void> ok = selector(*node.selector); !ok) return ok.error();
      node.step_invariant = node.selector->step_invariant;
      return {};
    }
    case ExprKind::kSubquery: {
      auto& node = as<Subquery>(expr);
      if (const Result<void> ok = check(*node.expr); !ok) return ok.error();
      if (node.expr->type() != ValueType::kVector) {
        const bool range = node.expr->type() == ValueType::kMatrix;
        return error(node.range,
                     "subquery is only allowed on instant vector, got " +
                         (range ? std::string("matrix") : type_name(node.expr->type())) +
                         " instead");
      }
      node.step_invariant = node.shift.at != AtKind::kNone;
      return {};
    }
    case ExprKind::kCall:
      return call(as<Call>(expr));
    case ExprKind::kAggregate:
      return aggregate(as<Aggregate>(expr));
    case ExprKind::kBinary:
      return binary(as<Binary>(expr));
    case ExprKind::kUnary: {
      auto& node = as<Unary>(expr);
      if (const Result<void> ok = check(*node.expr); !ok) return ok.error();
      if (node.expr->type() != ValueType::kScalar && node.expr->type() != ValueType::kVector) {
        return error(node.range,
                     "unary expression only allowed on expressions of type scalar or instant "
                     "vector, got \"" +
                         type_name(node.expr->type()) + "\"");
      }
      node.step_invariant = node.expr->step_invariant;
      return {};
    }
    case ExprKind::kParen: {
      auto& node = as<Paren>(expr);
      if (const Result<void> ok = check(*node.expr); !ok) return ok.error();
      node.step_invariant = node.expr->step_invariant;
      return {};
    }
  }
  return {};
}

Result<void> Checker::selector(VectorSelector& node) const {
  node.step_invariant = node.shift.at != AtKind::kNone;
  if (!node.name.empty()) {
    for (std::size_t i = 0; i + 1 < node.matchers.size(); ++i) {
      if (node.matchers[i].name() == kMetricName) {
        return error(node.range, "metric name must not be set twice: " + quote_go(node.name) +
                                     " or " + quote_go(node.matchers[i].value()));
      }
    }
    return {};
  }
  const bool any = std::any_of(node.matchers.begin(), node.matchers.end(),
                               [](const Matcher& m) { return !m.matches_empty(); });
  if (!any && !node.may_be_empty) {
    return error(node.range, "vector selector must contain at least one non-empty matcher");
  }
  return {};
}

Result<void> Checker::aggregate(Aggregate& node) {
  if (const Result<void> ok = expect(*node.expr, ValueType::kVector, "aggregation expression");
      !ok) {
    return ok.error();
  }
  node.step_invariant = node.expr->step_invariant;
  if (!node.param) return {};
  const ValueType wanted =
      node.op == AggregateOp::kCountValues ? ValueType::kString : ValueType::kScalar;
  node.step_invariant = node.step_invariant && node.param->step_invariant;
  if (const Result<void> ok = expect(*node.param, wanted, "aggregation parameter"); !ok) {
    return ok.error();
  }
  node.step_invariant = node.expr->step_invariant && node.param->step_invariant;
  return {};
}

TextRange Checker::operator_range(const Binary& node) const {
  std::size_t start = node.lhs->range.end;
  while (start < text_.size() && (text_[start] == ' ' || text_[start] == '\t' ||
                                  text_[start] == '\n' || text_[start] == '\r')) {
    ++start;
  }
  return {start, std::max(start, node.rhs->range.start)};
}

Result<void> Checker::binary(Binary& node) {
  if (const Result<void> ok = check(*node.lhs); !ok) return ok.error();
  if (const Result<void> ok = check(*node.rhs); !ok) return ok.error();
  node.step_invariant = node.lhs->step_invariant && node.rhs->step_invariant;
  const ValueType lhs = node.lhs->type();
  const ValueType rhs = node.rhs->type();
  if (node.return_bool && !is_comparison(node.op)) {
    return error(operator_range(node), "bool modifier can only be used on comparison operators");
  }
  if (is_comparison(node.op) && !node.return_bool && lhs == ValueType::kScalar &&
      rhs == ValueType::kScalar) {
    return error(operator_range(node), "comparisons between scalars must use BOOL modifier");
  }
  for (const std::string& label : node.matching.labels) {
    const auto& include = node.matching.include;
    if (node.matching.on && std::find(include.begin(), include.end(), label) != include.end()) {
      return error(operator_range(node),
                   "label " + quote_go(label) + " must not occur in ON and GROUP clause at once");
    }
  }
  for (const ExprPtr* side : {&node.lhs, &node.rhs}) {
    if ((*side)->type() != ValueType::kScalar && (*side)->type() != ValueType::kVector) {
      return error((*side)->range,
                   "binary expression must contain only scalar and instant vector types");
    }
  }
  return matching(node);
}

Result<void> Checker::matching(Binary& node) {
  const bool vectors =
      node.lhs->type() == ValueType::kVector && node.rhs->type() == ValueType::kVector;
  const bool fills = node.matching.fill_left || node.matching.fill_right;
  const std::string op(to_string(node.op));
  if (!vectors) {
    if (!node.matching.labels.empty()) {
      return error(node.range, "vector matching only allowed between instant vectors");
    }
    if (fills) {
      return error(node.range, "filling in missing series only allowed between instant vectors");
    }
    if (is_set_operator(node.op)) {
      return error(node.range,
                   "set operator " + quote_go(op) + " not allowed in binary scalar expression");
    }
    return {};
  }
  if (is_set_operator(node.op)) {
    if (node.matching.card != Cardinality::kManyToMany) {
      return error(node.range, "no grouping allowed for " + quote_go(op) + " operation");
    }
    if (fills) return error(node.range, "filling in missing series not allowed for set operators");
  }
  return {};
}

Result<void> Checker::argument_count(const Call& node) const {
  const std::size_t named = node.function->args.size();
  const std::size_t given = node.args.size();
  const int variadic = node.function->variadic;
  const std::string call =
      "argument(s) in call to " + quote_go(node.function->name) + ", got " + std::to_string(given);
  if (variadic == 0) {
    if (given == named) return {};
    return error(node.range, "expected " + std::to_string(named) + " " + call);
  }
  if (given + 1 < named) {
    return error(node.range, "expected at least " + std::to_string(named - 1) + " " + call);
  }
  const std::size_t most = named - 1 + static_cast<std::size_t>(std::max(variadic, 0));
  if (variadic > 0 && given > most) {
    return error(node.range, "expected at most " + std::to_string(most) + " " + call);
  }
  return {};
}

Result<void> Checker::info_arguments(Call& node) const {
  if (node.function->id != Fn::kInfo || node.args.size() < 2) return {};
  Expr& labels = *node.args[1];
  if (labels.kind() != ExprKind::kVectorSelector) {
    return error(labels.range, "expected label selectors only");
  }
  if (!as<VectorSelector>(labels).name.empty()) {
    return error(labels.range, "expected label selectors only, got vector selector instead");
  }
  as<VectorSelector>(labels).may_be_empty = true;
  return {};
}

Result<void> Checker::call(Call& node) {
  if (const Result<void> ok = argument_count(node); !ok) return ok.error();
  if (const Result<void> ok = info_arguments(node); !ok) return ok.error();
  const auto& types = node.function->args;
  bool invariant = !node.function->uses_step_time;
  for (std::size_t i = 0; i < node.args.size(); ++i) {
    Expr& arg = *node.args[i];
    if (const Result<void> ok = check(arg); !ok) return ok.error();
    const ValueType wanted = types[std::min(i, types.size() - 1)];
    if (arg.type() != wanted) {
      return error(arg.range, "expected type " + type_name(wanted) + " in call to function " +
                                  quote_go(node.function->name) + ", got " + type_name(arg.type()));
    }
    invariant = invariant && arg.step_invariant;
  }
  node.step_invariant = invariant;
  return {};
}

}  // namespace

Result<void> type_check(std::string_view text, Expr& expr) {
  return Checker(text).check(expr);
}

}  // namespace nines::promql
