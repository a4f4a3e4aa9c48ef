// The tree as text that parses to the same tree, in the form of Prometheus's formatter.

#include <algorithm>
#include <cmath>
#include <string>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/promql/ast.h"
#include "rules/promql/format.h"
#include "rules/promql/internal/functions.h"

namespace nines::promql {
namespace {

std::string number_text(double v) {
  return format_double_g(v);
}

std::string seconds_text(double seconds, bool is_duration) {
  if (!is_duration) return number_text(seconds);
  const Duration d(std::llround(std::fabs(seconds) * 1000));
  return (std::signbit(seconds) ? "-" : "") + format_duration(d);
}

std::string_view symbol(DurationExpr::Op op) {
  switch (op) {
    case DurationExpr::Op::kAdd:
      return " + ";
    case DurationExpr::Op::kSub:
      return " - ";
    case DurationExpr::Op::kMul:
      return " * ";
    case DurationExpr::Op::kDiv:
      return " / ";
    case DurationExpr::Op::kMod:
      return " % ";
    case DurationExpr::Op::kPow:
      return " ^ ";
    default:
      return "";
  }
}

std::string duration_text(const DurationExpr& d) {
  std::string out;
  switch (d.op) {
    case DurationExpr::Op::kLiteral:
      out = seconds_text(d.seconds, true);
      break;
    case DurationExpr::Op::kStep:
      out = "step()";
      break;
    case DurationExpr::Op::kRange:
      out = "range()";
      break;
    case DurationExpr::Op::kMin:
    case DurationExpr::Op::kMax:
      out = d.op == DurationExpr::Op::kMin ? "min_of(" : "max_of(";
      out += duration_text(*d.lhs) + ", " + duration_text(*d.rhs) + ")";
      break;
    case DurationExpr::Op::kPlus:
      out = (d.wrapped ? "" : "+") + duration_text(*d.lhs);
      break;
    case DurationExpr::Op::kNegate:
      out = "-" + duration_text(*d.lhs);
      break;
    default:
      out = duration_text(*d.lhs);
      out += symbol(d.op);
      out += duration_text(*d.rhs);
  }
  return d.wrapped ? "(" + out + ")" : out;
}

std::string label_text(const std::string& label) {
  return is_legacy_label_name(label) ? label : quote_go(label);
}

std::string labels_text(const std::vector<std::string>& labels) {
  std::vector<std::string> parts;
  for (const std::string& label : labels) parts.push_back(label_text(label));
  return join(parts, ", ");
}

std::string shift_text(const TimeShift& shift) {
  std::string out;
  if (shift.at == AtKind::kStart) out += " @ start()";
  if (shift.at == AtKind::kEnd) out += " @ end()";
  if (shift.at == AtKind::kTime) {
    const bool negative = shift.at_ms < 0;
    const std::uint64_t ms = negative ? 0 - static_cast<std::uint64_t>(shift.at_ms)
                                      : static_cast<std::uint64_t>(shift.at_ms);
    const std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
    out += " @ " + std::string(negative ? "-" : "") + std::to_string(ms / 1000) + "." + fraction;
  }
  if (shift.offset) out += " offset " + duration_text(*shift.offset);
  return out;
}

std::string selector_text(const VectorSelector& node) {
  std::vector<std::string> parts;
  const std::size_t count = node.matchers.size() - (node.name.empty() ? 0 : 1);
  for (std::size_t i = 0; i < count; ++i) {
    const Matcher& m = node.matchers[i];
    // A quoted metric name stays one; without a second it would read as a matcher.
    if (m.name() == kMetricName && m.op() == MatchOp::kEqual && !is_legacy_metric_name(m.value()) &&
        !m.value().empty() && is_valid_utf8(m.value())) {
      parts.push_back(quote_go(m.value()));
      continue;
    }
    parts.push_back(label_text(m.name()) + std::string(to_string(m.op())) + quote_go(m.value()));
  }
  std::sort(parts.begin(), parts.end());
  std::string out = node.name;
  if (!parts.empty() || node.name.empty()) out += "{" + join(parts, ",") + "}";
  return out;
}

std::string extended_text(const VectorSelector& node) {
  if (node.anchored) return " anchored";
  return node.smoothed ? " smoothed" : "";
}

std::string matching_text(const Binary& node) {
  std::string out;
  if (node.return_bool) out += " bool";
  const VectorMatching& m = node.matching;
  if (m.on || !m.labels.empty()) {
    out += std::string(m.on ? " on (" : " ignoring (") + labels_text(m.labels) + ")";
  }
  if (m.card == Cardinality::kManyToOne || m.card == Cardinality::kOneToMany) {
    out += m.card == Cardinality::kManyToOne ? " group_left" : " group_right";
    out += " (" + labels_text(m.include) + ")";
  }
  if (m.fill_left && m.fill_right && *m.fill_left == *m.fill_right) {
    return out + " fill (" + number_text(*m.fill_left) + ")";
  }
  if (m.fill_left) out += " fill_left (" + number_text(*m.fill_left) + ")";
  if (m.fill_right) out += " fill_right (" + number_text(*m.fill_right) + ")";
  return out;
}

std::string arguments_text(const std::vector<ExprPtr>& args) {
  std::string out;
  for (const ExprPtr& arg : args) out += (out.empty() ? "" : ", ") + print(*arg);
  return "(" + out + ")";
}

// What stands before the parenthesis.
std::string aggregate_head(const Aggregate& node) {
  std::string out(to_string(node.op));
  if (node.without) {
    out += " without (" + labels_text(node.grouping) + ") ";
  } else if (!node.grouping.empty()) {
    out += " by (" + labels_text(node.grouping) + ") ";
  }
  return out;
}

std::string aggregate_text(const Aggregate& node) {
  std::string out = aggregate_head(node) + "(";
  if (node.param) out += print(*node.param) + ", ";
  return out + print(*node.expr) + ")";
}

// What stands behind the expression of a subquery.
std::string subquery_tail(const Subquery& node) {
  return "[" + duration_text(*node.length) + ":" + (node.step ? duration_text(*node.step) : "") +
         "]" + shift_text(node.shift);
}

}  // namespace

std::string print(const Expr& expr) {
  switch (expr.kind()) {
    case ExprKind::kNumber: {
      const auto& node = as<NumberLiteral>(expr);
      return seconds_text(node.value, node.is_duration);
    }
    case ExprKind::kString:
      return quote_go(as<StringLiteral>(expr).value);
    case ExprKind::kVectorSelector: {
      const auto& node = as<VectorSelector>(expr);
      return selector_text(node) + extended_text(node) + shift_text(node.shift);
    }
    case ExprKind::kMatrixSelector: {
      const auto& node = as<MatrixSelector>(expr);
      return selector_text(*node.selector) + "[" + duration_text(*node.length) + "]" +
             extended_text(*node.selector) + shift_text(node.selector->shift);
    }
    case ExprKind::kSubquery: {
      const auto& node = as<Subquery>(expr);
      return print(*node.expr) + subquery_tail(node);
    }
    case ExprKind::kCall: {
      const auto& node = as<Call>(expr);
      return std::string(node.function->name) + arguments_text(node.args);
    }
    case ExprKind::kAggregate:
      return aggregate_text(as<Aggregate>(expr));
    case ExprKind::kBinary: {
      const auto& node = as<Binary>(expr);
      return print(*node.lhs) + " " + std::string(to_string(node.op)) + matching_text(node) + " " +
             print(*node.rhs);
    }
    case ExprKind::kUnary: {
      const auto& node = as<Unary>(expr);
      return (node.negate ? "-" : "+") + print(*node.expr);
    }
    case ExprKind::kParen:
      return "(" + print(*as<Paren>(expr).expr) + ")";
  }
  return {};
}

namespace {

constexpr std::size_t kLineMost = 100;

std::string indent(int level) {
  return std::string(2 * static_cast<std::size_t>(level), ' ');
}

// Each level in a line of its own where a line would be too long.
std::string pretty_at(const Expr& expr, int level) {
  std::string line = print(expr);
  const bool fits = line.size() <= kLineMost;
  switch (expr.kind()) {
    case ExprKind::kSubquery: {
      const auto& node = as<Subquery>(expr);
      return fits ? line : pretty_at(*node.expr, level) + subquery_tail(node);
    }
    case ExprKind::kUnary: {
      const auto& node = as<Unary>(expr);
      const std::string operand = pretty_at(*node.expr, level);
      return indent(level) + (node.negate ? "-" : "+") + std::string(trim(operand));
    }
    case ExprKind::kCall: {
      if (fits) break;
      const auto& node = as<Call>(expr);
      std::string out = indent(level) + std::string(node.function->name) + "(";
      for (const ExprPtr& arg : node.args) {
        out += (&arg == &node.args.front() ? "\n" : ",\n") + pretty_at(*arg, level + 1);
      }
      return out + "\n" + indent(level) + ")";
    }
    case ExprKind::kAggregate: {
      if (fits) break;
      const auto& node = as<Aggregate>(expr);
      std::string out = indent(level) + aggregate_head(node) + "(\n";
      if (node.param) out += pretty_at(*node.param, level + 1) + ",\n";
      return out + pretty_at(*node.expr, level + 1) + "\n" + indent(level) + ")";
    }
    case ExprKind::kBinary: {
      if (fits) break;
      const auto& node = as<Binary>(expr);
      return pretty_at(*node.lhs, level + 1) + "\n" + indent(level) +
             std::string(to_string(node.op)) + matching_text(node) + "\n" +
             pretty_at(*node.rhs, level + 1);
    }
    case ExprKind::kParen:
      if (fits) break;
      return indent(level) + "(\n" + pretty_at(*as<Paren>(expr).expr, level + 1) + "\n" +
             indent(level) + ")";
    default:
      break;
  }
  return indent(level) + line;
}

}  // namespace

std::string pretty(const Expr& expr) {
  return pretty_at(expr, 0);
}

}  // namespace nines::promql
