#include "rules/alerts/internal/rule_query.h"

#include <utility>

namespace nines::alerts {
namespace {

Result<promql::Vector> to_vector(promql::QueryResult result, Timestamp at) {
  if (auto* vector = std::get_if<promql::Vector>(&result.value)) return std::move(*vector);
  if (const auto* scalar = std::get_if<promql::Scalar>(&result.value)) {
    return promql::Vector{{LabelSet(), at, scalar->value, nullptr}};
  }
  return Error(ErrorCode::kInvalid, "rule result is not a vector or scalar");
}

}  // namespace

Result<RuleQuery> RuleQuery::parse(const std::string& expr, bool logql,
                                   const promql::EngineOptions& options) {
  RuleQuery out;
  out.text_ = expr;
  if (logql) {
    NINES_TRY(logql::LogQuery query, logql::LogQuery::parse(expr));
    if (!query.is_metric()) {
      return Error(ErrorCode::kInvalid,
                   "the LogQL gives lines, a rule needs numbers: count_over_time(...)");
    }
    out.logs_ = std::move(query);
    return out;
  }
  NINES_TRY(promql::Query query, promql::Query::parse(expr, options));
  for (const std::vector<Matcher>& matchers : query.selectors()) {
    std::string text = "{";
    for (const Matcher& matcher : matchers) {
      text += (text.size() > 1 ? "," : "") + matcher.to_string();
    }
    // A selector that may not stand alone is left out: it cannot show that there is data.
    if (auto selector = promql::Query::parse(text + "}", options)) {
      out.selectors_.push_back(*std::move(selector));
    }
  }
  out.metrics_ = std::move(query);
  return out;
}

Result<promql::Vector> RuleQuery::ask(const ManagerParts& parts, Timestamp at,
                                      std::vector<std::string>& warnings,
                                      promql::SharedResults* shared) const {
  if (logs_) {
    if (parts.logs == nullptr) {
      return Error(ErrorCode::kUnavailable, "LogQL rules need the log store");
    }
    NINES_TRY(promql::QueryResult result, parts.logs->instant(*logs_, at));
    return to_vector(std::move(result), at);
  }
  promql::QueryRequest request;
  request.shared = shared;
  NINES_TRY(promql::QueryResult result, parts.engine.instant(*metrics_, at, request));
  for (std::string& warning : result.warnings) warnings.push_back(std::move(warning));
  return to_vector(std::move(result), at);
}

Result<bool> RuleQuery::has_data(const ManagerParts& parts, Timestamp at) const {
  if (selectors_.empty()) return true;
  for (const promql::Query& selector : selectors_) {
    NINES_TRY(promql::QueryResult result, parts.engine.instant(selector, at));
    const auto* vector = std::get_if<promql::Vector>(&result.value);
    if (vector == nullptr || !vector->empty()) return true;
  }
  return false;
}

}  // namespace nines::alerts
