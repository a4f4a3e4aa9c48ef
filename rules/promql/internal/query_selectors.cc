// The selectors of a query, wherever they stand in it.
#include "rules/promql/ast.h"
#include "rules/promql/engine.h"

namespace nines::promql {
namespace {

void collect(const Expr& expr, std::vector<std::vector<Matcher>>& out) {
  switch (expr.kind()) {
    case ExprKind::kNumber:
    case ExprKind::kString:
      return;
    case ExprKind::kVectorSelector:
      // The label selector of info() may match everything: it selects no series by itself.
      if (!as<VectorSelector>(expr).may_be_empty) out.push_back(as<VectorSelector>(expr).matchers);
      return;
    case ExprKind::kMatrixSelector:
      return collect(*as<MatrixSelector>(expr).selector, out);
    case ExprKind::kSubquery:
      return collect(*as<Subquery>(expr).expr, out);
    case ExprKind::kCall:
      for (const ExprPtr& arg : as<Call>(expr).args) collect(*arg, out);
      return;
    case ExprKind::kAggregate:
      if (as<Aggregate>(expr).param) collect(*as<Aggregate>(expr).param, out);
      return collect(*as<Aggregate>(expr).expr, out);
    case ExprKind::kBinary:
      collect(*as<Binary>(expr).lhs, out);
      return collect(*as<Binary>(expr).rhs, out);
    case ExprKind::kUnary:
      return collect(*as<Unary>(expr).expr, out);
    case ExprKind::kParen:
      return collect(*as<Paren>(expr).expr, out);
  }
}

}  // namespace

std::vector<std::vector<Matcher>> Query::selectors() const {
  std::vector<std::vector<Matcher>> out;
  collect(*root_, out);
  return out;
}

}  // namespace nines::promql
