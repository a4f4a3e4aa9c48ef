#include "rules/alerts/internal/expr_advice.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text/text.h"
#include "rules/alerts/internal/result_labels.h"
#include "rules/promql/ast.h"

namespace nines::alerts {
namespace {

using promql::ExprKind;
using Names = std::set<std::string>;

bool is_vector(const promql::Expr& expr) {
  return expr.type() == promql::ValueType::kVector || expr.type() == promql::ValueType::kMatrix;
}

// The metric that the selector names, empty when it names none.
std::string metric_of(const promql::VectorSelector& selector) {
  for (const Matcher& matcher : selector.matchers) {
    if (matcher.name() == kMetricName && matcher.op() == MatchOp::kEqual) return matcher.value();
  }
  return selector.name;
}

const promql::VectorSelector* selector_of(const promql::Expr& expr) {
  const promql::Expr& inner = promql::unwrap(expr);
  if (inner.kind() == ExprKind::kVectorSelector) return &promql::as<promql::VectorSelector>(inner);
  if (inner.kind() == ExprKind::kMatrixSelector)
    return promql::as<promql::MatrixSelector>(inner).selector.get();
  return nullptr;
}

class Adviser {
 public:
  Adviser(const promql::Query& query, const Names& filtered)
      : text_(query.text()), filtered_(filtered) {}

  // Whether some of what is read may be left out because of its value.
  bool filters(const promql::Expr& expr) const {
    switch (expr.kind()) {
      case ExprKind::kVectorSelector: {
        const std::string metric = metric_of(promql::as<promql::VectorSelector>(expr));
        return filtered_.contains(metric) || metric == "ALERTS" || metric == "ALERTS_FOR_STATE";
      }
      case ExprKind::kMatrixSelector:
        return filters(*promql::as<promql::MatrixSelector>(expr).selector);
      case ExprKind::kSubquery:
        return filters(*promql::as<promql::Subquery>(expr).expr);
      case ExprKind::kCall: {
        const std::string function = name_of(promql::as<promql::Call>(expr));
        if (function == "absent" || function == "absent_over_time") return true;
        const auto& args = promql::as<promql::Call>(expr).args;
        return std::any_of(args.begin(), args.end(),
                           [&](const auto& arg) { return is_vector(*arg) && filters(*arg); });
      }
      case ExprKind::kAggregate:
        return filters(*promql::as<promql::Aggregate>(expr).expr);
      case ExprKind::kBinary:
        return filters_binary(promql::as<promql::Binary>(expr));
      case ExprKind::kUnary:
        return filters(*promql::as<promql::Unary>(expr).expr);
      case ExprKind::kParen:
        return filters(*promql::as<promql::Paren>(expr).expr);
      case ExprKind::kNumber:
      case ExprKind::kString:
        break;
    }
    return false;
  }

  void condition(const promql::Expr& expr) {
    if (!reads_series(expr) || filters(expr)) return;
    if (uses_bool_) {
      say("condition",
          "a comparison with `bool` gives 0 or 1 for every series, and either fires: "
          "drop `bool`, or compare the result");
    } else {
      say("condition",
          "there is no condition: it fires for every series that exists; compare with "
          "a threshold");
    }
  }

  void walk(const promql::Expr& expr, bool alerting) {
    switch (expr.kind()) {
      case ExprKind::kSubquery:
        return walk(*promql::as<promql::Subquery>(expr).expr, alerting);
      case ExprKind::kCall: {
        const auto& call = promql::as<promql::Call>(expr);
        const bool of_histograms = name_of(call).starts_with("histogram_");
        look_at_call(call);
        histograms_ += of_histograms ? 1 : 0;
        for (const auto& arg : call.args) walk(*arg, alerting);
        histograms_ -= of_histograms ? 1 : 0;
        return;
      }
      case ExprKind::kAggregate:
        look_at_aggregate(promql::as<promql::Aggregate>(expr), alerting);
        return walk(*promql::as<promql::Aggregate>(expr).expr, alerting);
      case ExprKind::kBinary:
        look_at_binary(promql::as<promql::Binary>(expr));
        walk(*promql::as<promql::Binary>(expr).lhs, alerting);
        return walk(*promql::as<promql::Binary>(expr).rhs, alerting);
      case ExprKind::kUnary:
        return walk(*promql::as<promql::Unary>(expr).expr, alerting);
      case ExprKind::kParen:
        return walk(*promql::as<promql::Paren>(expr).expr, alerting);
      default:
        return;
    }
  }

  std::vector<ExprAdvice> take() { return std::move(advice_); }

 private:
  void say(const char* check, std::string text) { advice_.push_back({check, std::move(text)}); }

  std::string written(const promql::Expr& expr) const {
    const std::size_t start = std::min(expr.range.start, text_.size());
    const std::size_t end = std::clamp(expr.range.end, start, text_.size());
    return "`" + std::string(trim(text_.substr(start, end - start))) + "`";
  }
  std::string name_of(const promql::Call& call) const {
    const std::string shown = written(call);
    return std::string(trim(std::string_view(shown).substr(1, shown.find('(') - 1)));
  }

  bool filters_binary(const promql::Binary& binary) const {
    const bool left = is_vector(*binary.lhs) && filters(*binary.lhs);
    const bool right = is_vector(*binary.rhs) && filters(*binary.rhs);
    if (binary.op == promql::BinaryOp::kOr) return left && right;
    if (binary.op == promql::BinaryOp::kUnless) return true;
    if (binary.op == promql::BinaryOp::kAnd)
      return true;  // what the other side has not is left out
    if (promql::is_comparison(binary.op) || binary.op == promql::BinaryOp::kTrimUpper ||
        binary.op == promql::BinaryOp::kTrimLower) {
      if (binary.return_bool) uses_bool_ = true;
      if (!binary.return_bool) return true;
    }
    return left || right;
  }

  bool reads_series(const promql::Expr& expr) const {
    bool found = false;
    look(expr, [&](const promql::Expr& one) {
      found |= one.kind() == ExprKind::kVectorSelector || one.kind() == ExprKind::kMatrixSelector;
    });
    return found;
  }

  template <typename Visit>
  void look(const promql::Expr& expr, const Visit& visit) const {
    visit(expr);
    switch (expr.kind()) {
      case ExprKind::kSubquery:
        return look(*promql::as<promql::Subquery>(expr).expr, visit);
      case ExprKind::kCall:
        for (const auto& arg : promql::as<promql::Call>(expr).args) look(*arg, visit);
        return;
      case ExprKind::kAggregate:
        return look(*promql::as<promql::Aggregate>(expr).expr, visit);
      case ExprKind::kBinary:
        look(*promql::as<promql::Binary>(expr).lhs, visit);
        return look(*promql::as<promql::Binary>(expr).rhs, visit);
      case ExprKind::kUnary:
        return look(*promql::as<promql::Unary>(expr).expr, visit);
      case ExprKind::kParen:
        return look(*promql::as<promql::Paren>(expr).expr, visit);
      default:
        return;
    }
  }

  void look_at_call(const promql::Call& call) {
    static constexpr std::array<std::string_view, 3> kOfCounters = {"rate", "irate", "increase"};
    static constexpr std::array<std::string_view, 4> kOfGauges = {"delta", "idelta", "deriv",
                                                                  "predict_linear"};
    const std::string function = name_of(call);
    if (call.args.empty()) return;
    const auto among = [&](const auto& names) {
      return std::find(names.begin(), names.end(), function) != names.end();
    };
    if (among(kOfCounters)) return look_at_counter(call, function);
    const promql::VectorSelector* selector = selector_of(*call.args[0]);
    if (selector == nullptr || !among(kOfGauges)) return;
    const std::string metric = metric_of(*selector);
    if (metric.ends_with("_total")) {
      say("rate", written(call) + ": " + metric +
                      " is a counter by its name, which goes back to 0 at restarts; use rate() or "
                      "increase()");
    }
  }

  void look_at_counter(const promql::Call& call, const std::string& function) {
    static constexpr std::array<std::string_view, 9> kGaugeEndings = {
        "_bytes", "_seconds",   "_ratio",   "_percent", "_celsius",
        "_info",  "_timestamp", "_current", "_limit"};
    const promql::Expr& argument = promql::unwrap(*call.args[0]);
    if (argument.kind() == ExprKind::kSubquery) {
      const promql::Expr& inner = promql::unwrap(*promql::as<promql::Subquery>(argument).expr);
      if (inner.kind() == ExprKind::kAggregate) {
        say("rate", written(call) + ": " + function +
                        "() of an aggregation sees a restart of one member as a reset of all; "
                        "aggregate the rates instead");
      }
      return;
    }
    const promql::VectorSelector* selector = selector_of(argument);
    if (selector == nullptr) return;
    const std::string metric = metric_of(*selector);
    const bool gauge = std::any_of(kGaugeEndings.begin(), kGaugeEndings.end(),
                                   [&](std::string_view end) { return metric.ends_with(end); });
    if (gauge && histograms_ == 0) {  // native histograms have such names, too
      say("rate", written(call) + ": " + metric +
                      " is a gauge by its name, and every fall of it counts as a reset; use "
                      "delta() or deriv()");
    }
  }

  void look_at_aggregate(const promql::Aggregate& aggregate, bool alerting) {
    using Op = promql::AggregateOp;
    const Op op = aggregate.op;
    if (alerting &&
        (op == Op::kTopk || op == Op::kBottomk || op == Op::kLimitk || op == Op::kLimitRatio)) {
      say("fragile", written(aggregate) +
                         " chooses other series from one evaluation to the next: alerts begin and "
                         "end without anything having changed for them");
    }
  }

  void look_at_binary(const promql::Binary& binary) {
    if (!is_vector(*binary.lhs) || !is_vector(*binary.rhs)) return;
    if (binary.op == promql::BinaryOp::kOr) return;
    const promql::VectorMatching& matching = binary.matching;
    const ResultLabels left = result_labels(*binary.lhs, text_);
    const ResultLabels right = result_labels(*binary.rhs, text_);
    const auto lacks = [&](const promql::Expr& side, const std::string& label, const char* where) {
      say("vector-matching", std::string(where) + " names the label " + quote_go(label) +
                                 ", which " + written(side) + " does not have");
    };
    if (matching.on) {
      for (const std::string& label : matching.labels) {
        if (label == kMetricName) continue;
        const bool l = left.may_have(label);
        const bool r = right.may_have(label);
        if (l != r) lacks(l ? *binary.rhs : *binary.lhs, label, "on()");
      }
    }
    const bool one_left = matching.card == promql::Cardinality::kOneToMany;
    for (const std::string& label : matching.include) {
      if (!(one_left ? left : right).may_have(label)) {
        lacks(one_left ? *binary.lhs : *binary.rhs, label,
              one_left ? "group_right()" : "group_left()");
      }
    }
    if (!matching.on) look_at_whole_labels(binary, left, right);
    look_at_without(binary);
  }

  // Without on() the two sides must agree in every label but the ignored ones.
  void look_at_whole_labels(const promql::Binary& binary, const ResultLabels& left,
                            const ResultLabels& right) {
    if (!left.closed || !right.closed) return;
    const auto& ignored = binary.matching.labels;
    const auto odd = [&](const ResultLabels& a, const ResultLabels& b) {
      std::string out;
      for (const std::string& label : a.names) {
        if (b.names.contains(label) || label == kMetricName) continue;
        if (std::find(ignored.begin(), ignored.end(), label) != ignored.end()) continue;
        out += (out.empty() ? "" : ", ") + label;
      }
      return out;
    };
    const std::string of_left = odd(left, right);
    const std::string of_right = odd(right, left);
    if (of_left.empty() && of_right.empty()) return;
    const promql::Expr& has = of_left.empty() ? *binary.rhs : *binary.lhs;
    const promql::Expr& has_not = of_left.empty() ? *binary.lhs : *binary.rhs;
    say("vector-matching", written(has) + " has the label " +
                               (of_left.empty() ? of_right : of_left) + ", " + written(has_not) +
                               " has not: they never match; use on() or ignoring(), or aggregate " +
                               "both alike");
  }

  void look_at_without(const promql::Binary& binary) {
    if (binary.matching.on || promql::is_set_operator(binary.op)) return;
    const auto aggregate_without = [](const promql::Expr& side) {
      const promql::Expr& inner = promql::unwrap(side);
      return inner.kind() == ExprKind::kAggregate && promql::as<promql::Aggregate>(inner).without;
    };
    const bool left = aggregate_without(*binary.lhs);
    const bool right = aggregate_without(*binary.rhs);
    if (left == right) return;  // both: they keep what the same exporters have
    say("fragile", written(left ? *binary.lhs : *binary.rhs) +
                       " keeps whatever labels there are: a new one stops it from matching the "
                       "other side; use by(), or on()");
  }

  std::string_view text_;
  const Names& filtered_;
  mutable bool uses_bool_ = false;
  int histograms_ = 0;  // calls of histogram functions around what is looked at
  std::vector<ExprAdvice> advice_;
};

}  // namespace

std::vector<ExprAdvice> advice_on(const promql::Query& query, bool alerting,
                                  const std::set<std::string>& filtered) {
  Adviser adviser(query, filtered);
  if (alerting) adviser.condition(query.expr());
  adviser.walk(query.expr(), alerting);
  return adviser.take();
}

bool is_condition(const promql::Query& query, const std::set<std::string>& filtered) {
  return Adviser(query, filtered).filters(query.expr());
}

}  // namespace nines::alerts
