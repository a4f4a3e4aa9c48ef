#include "rules/alerts/internal/result_labels.h"

#include <algorithm>

#include "base/text/text.h"

namespace nines::alerts {
namespace {

using promql::ExprKind;

std::string_view text_of(const promql::Expr& expr, std::string_view text) {
  const std::size_t start = std::min(expr.range.start, text.size());
  const std::size_t end = std::clamp(expr.range.end, start, text.size());
  return text.substr(start, end - start);
}

std::string function_name(const promql::Call& call, std::string_view text) {
  const std::string_view own = text_of(call, text);
  return std::string(trim(own.substr(0, own.find('('))));
}

bool is_absent(const std::string& function) {
  return function == "absent" || function == "absent_over_time";
}

ResultLabels closed(std::set<std::string> names = {}) {
  return {true, std::move(names)};
}

void remove(ResultLabels& from, const std::string& name) {
  if (from.closed) {
    from.names.erase(name);
  } else {
    from.names.insert(name);
  }
}

void add(ResultLabels& to, const std::string& name) {
  if (to.closed) {
    to.names.insert(name);
  } else {
    to.names.erase(name);
  }
}

// Labels that either of the two may have.
ResultLabels either(const ResultLabels& a, const ResultLabels& b) {
  if (!a.closed && b.closed) return either(b, a);
  ResultLabels out = b;
  if (a.closed) {
    for (const std::string& name : a.names) add(out, name);
    return out;
  }
  out.names.clear();
  std::set_intersection(a.names.begin(), a.names.end(), b.names.begin(), b.names.end(),
                        std::inserter(out.names, out.names.begin()));
  return out;
}

ResultLabels of_selector(const promql::VectorSelector& selector) {
  ResultLabels out;
  for (const Matcher& matcher : selector.matchers) {
    if (matcher.op() == MatchOp::kEqual && matcher.value().empty()) remove(out, matcher.name());
  }
  return out;
}

// absent() has the labels that its selector asks for by equality.
ResultLabels of_absent(const promql::Expr& argument) {
  const promql::Expr& inner = promql::unwrap(argument);
  const promql::VectorSelector* selector = nullptr;
  if (inner.kind() == ExprKind::kVectorSelector) {
    selector = &promql::as<promql::VectorSelector>(inner);
  } else if (inner.kind() == ExprKind::kMatrixSelector) {
    selector = promql::as<promql::MatrixSelector>(inner).selector.get();
  }
  ResultLabels out = closed();
  if (selector == nullptr) return out;
  for (const Matcher& matcher : selector->matchers) {
    if (matcher.op() == MatchOp::kEqual) out.names.insert(matcher.name());
  }
  return out;
}

ResultLabels of_call(const promql::Call& call, std::string_view text) {
  const std::string function = function_name(call, text);
  if (is_absent(function) && !call.args.empty()) return of_absent(*call.args[0]);
  if (function == "info") return {};  // adds what it finds
  ResultLabels out = closed();
  for (const promql::ExprPtr& argument : call.args) {
    const auto type = argument->type();
    if (type == promql::ValueType::kVector || type == promql::ValueType::kMatrix) {
      out = result_labels(*argument, text);
      break;
    }
  }
  const bool makes_label = function == "label_replace" || function == "label_join";
  if (makes_label && call.args.size() > 1 && call.args[1]->kind() == ExprKind::kString) {
    add(out, promql::as<promql::StringLiteral>(*call.args[1]).value);
  }
  if (function == "histogram_quantile" || function == "histogram_fraction") remove(out, "le");
  return out;
}

ResultLabels of_aggregate(const promql::Aggregate& aggregate, std::string_view text) {
  using Op = promql::AggregateOp;
  ResultLabels inner = result_labels(*aggregate.expr, text);
  const Op op = aggregate.op;
  if (op == Op::kTopk || op == Op::kBottomk || op == Op::kLimitk || op == Op::kLimitRatio) {
    return inner;
  }
  ResultLabels out = closed();
  if (aggregate.without) {
    out = inner;
    for (const std::string& name : aggregate.grouping) remove(out, name);
  } else {
    for (const std::string& name : aggregate.grouping) {
      if (inner.may_have(name)) out.names.insert(name);
    }
  }
  if (op == Op::kCountValues && aggregate.param && aggregate.param->kind() == ExprKind::kString) {
    add(out, promql::as<promql::StringLiteral>(*aggregate.param).value);
  }
  return out;
}

ResultLabels of_binary(const promql::Binary& binary, std::string_view text) {
  const bool left = binary.lhs->type() == promql::ValueType::kVector;
  const bool right = binary.rhs->type() == promql::ValueType::kVector;
  if (!left && !right) return closed();
  if (!right) return result_labels(*binary.lhs, text);
  if (!left) return result_labels(*binary.rhs, text);
  ResultLabels lhs = result_labels(*binary.lhs, text);
  if (binary.op == promql::BinaryOp::kOr) return either(lhs, result_labels(*binary.rhs, text));
  if (promql::is_set_operator(binary.op)) return lhs;
  const promql::VectorMatching& matching = binary.matching;
  if (matching.card == promql::Cardinality::kOneToOne) {
    if (matching.on) {
      ResultLabels out = closed();
      for (const std::string& name : matching.labels) {
        if (lhs.may_have(name)) out.names.insert(name);
      }
      return out;
    }
    for (const std::string& name : matching.labels) remove(lhs, name);
    return lhs;
  }
  ResultLabels many =
      matching.card == promql::Cardinality::kOneToMany ? result_labels(*binary.rhs, text) : lhs;
  for (const std::string& name : matching.include) add(many, name);
  return many;
}

template <typename Visit>
void walk(const promql::Expr& expr, const Visit& visit) {
  visit(expr);
  switch (expr.kind()) {
    case ExprKind::kSubquery:
      return walk(*promql::as<promql::Subquery>(expr).expr, visit);
    case ExprKind::kCall:
      for (const auto& argument : promql::as<promql::Call>(expr).args) walk(*argument, visit);
      return;
    case ExprKind::kAggregate:
      return walk(*promql::as<promql::Aggregate>(expr).expr, visit);
    case ExprKind::kBinary:
      walk(*promql::as<promql::Binary>(expr).lhs, visit);
      return walk(*promql::as<promql::Binary>(expr).rhs, visit);
    case ExprKind::kUnary:
      return walk(*promql::as<promql::Unary>(expr).expr, visit);
    case ExprKind::kParen:
      return walk(*promql::as<promql::Paren>(expr).expr, visit);
    default:
      return;
  }
}

}  // namespace

ResultLabels result_labels(const promql::Expr& expr, std::string_view text) {
  switch (expr.kind()) {
    case ExprKind::kVectorSelector:
      return of_selector(promql::as<promql::VectorSelector>(expr));
    case ExprKind::kMatrixSelector:
      return of_selector(*promql::as<promql::MatrixSelector>(expr).selector);
    case ExprKind::kSubquery:
      return result_labels(*promql::as<promql::Subquery>(expr).expr, text);
    case ExprKind::kCall:
      return of_call(promql::as<promql::Call>(expr), text);
    case ExprKind::kAggregate:
      return of_aggregate(promql::as<promql::Aggregate>(expr), text);
    case ExprKind::kBinary:
      return of_binary(promql::as<promql::Binary>(expr), text);
    case ExprKind::kUnary:
      return result_labels(*promql::as<promql::Unary>(expr).expr, text);
    case ExprKind::kParen:
      return result_labels(*promql::as<promql::Paren>(expr).expr, text);
    case ExprKind::kNumber:
    case ExprKind::kString:
      break;
  }
  return closed();
}

std::set<std::string> absent_arguments(const promql::Expr& expr, std::string_view text) {
  std::set<std::string> out;
  walk(expr, [&](const promql::Expr& one) {
    if (one.kind() != ExprKind::kCall) return;
    const auto& call = promql::as<promql::Call>(one);
    if (!is_absent(function_name(call, text)) || call.args.empty()) return;
    const auto query = promql::Query::parse(text_of(*call.args[0], text));
    if (!query) return;
    for (const auto& matchers : query->selectors()) {
      std::string selector;
      for (const Matcher& matcher : matchers) selector += matcher.to_string() + ",";
      out.insert(selector);
    }
  });
  return out;
}

std::optional<std::set<std::string>> made_labels(const promql::Expr& expr, std::string_view text) {
  std::set<std::string> made;
  bool any = false;
  const auto note = [&](const promql::Expr* name) {
    if (name != nullptr && name->kind() == ExprKind::kString) {
      made.insert(promql::as<promql::StringLiteral>(*name).value);
    } else {
      any = true;
    }
  };
  walk(expr, [&](const promql::Expr& one) {
    if (one.kind() == ExprKind::kAggregate) {
      const auto& aggregate = promql::as<promql::Aggregate>(one);
      if (aggregate.op == promql::AggregateOp::kCountValues) note(aggregate.param.get());
    }
    if (one.kind() != ExprKind::kCall) return;
    const auto& call = promql::as<promql::Call>(one);
    const std::string function = function_name(call, text);
    any |= function == "info";
    if (function != "label_replace" && function != "label_join") return;
    note(call.args.size() > 1 ? call.args[1].get() : nullptr);
  });
  if (any) return std::nullopt;
  return made;
}

std::vector<Grouping> groupings(const promql::Expr& expr, std::string_view text) {
  std::vector<Grouping> out;
  walk(expr, [&](const promql::Expr& one) {
    if (one.kind() != ExprKind::kAggregate) return;
    const auto& aggregate = promql::as<promql::Aggregate>(one);
    if (aggregate.without) return;
    for (const std::string& label : aggregate.grouping)
      out.push_back({label, std::string(text_of(*aggregate.expr, text))});
  });
  return out;
}

}  // namespace nines::alerts
