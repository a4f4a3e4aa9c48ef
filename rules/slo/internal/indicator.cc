#include "rules/slo/internal/indicator.h"

#include <cmath>
#include <utility>

#include "base/text/numbers.h"
#include "rules/promql/ast.h"

namespace nines::slo {
namespace {

Result<std::vector<Matcher>> selector(const char* what, const std::string& text,
                                      const promql::EngineOptions& options) {
  const std::string place = std::string("indicator, ") + what;
  Result<promql::Query> query = promql::Query::parse(text, options);
  if (!query) return std::move(query).error().in(place);
  const promql::Expr& expr = promql::unwrap(query->expr());
  if (expr.kind() != promql::ExprKind::kVectorSelector) {
    return Error(
        ErrorCode::kInvalid,
        place + ": must be a series selector like name{label=\"value\"}, without functions");
  }
  const auto& series = promql::as<promql::VectorSelector>(expr);
  if (series.shift.offset || series.shift.at != promql::AtKind::kNone || series.anchored ||
      series.smoothed) {
    return Error(ErrorCode::kInvalid, place + ": a series selector without modifiers is needed");
  }
  return series.matchers;
}

// A bound as exporters write it: 0.5, 1 and 1.0, 1e+06.
std::string bound_pattern(double bound) {
  const std::string shortest = format_double(bound);
  std::vector<std::string> forms{shortest, format_double_g(bound)};
  if (shortest.find_first_of(".eE") == std::string::npos) forms.push_back(shortest + ".0");
  std::string pattern;
  for (const std::string& form : forms) {
    pattern += pattern.empty() ? "" : "|";
    for (const char c : form) {
      if (c == '.' || c == '+') pattern += '\\';
      pattern += c;
    }
  }
  return pattern;
}

Result<Indicator> of_latency(const IndicatorConfig& config, const promql::EngineOptions& options) {
  if (!(config.threshold > 0) || std::isinf(config.threshold)) {
    return Error(ErrorCode::kInvalid, "indicator: the latency threshold must be above 0");
  }
  NINES_TRY(const std::vector<Matcher> base, selector("histogram", config.total, options));
  Indicator out;
  std::string name;
  for (const Matcher& matcher : base) {
    if (matcher.name() == kMetricName && matcher.op() == MatchOp::kEqual) {
      name = matcher.value();
    } else {
      out.total.push_back(matcher);
    }
  }
  if (name.empty()) {
    return Error(ErrorCode::kInvalid,
                 "indicator, histogram: needs a metric name without _bucket, like "
                 "http_request_duration_seconds{job=\"api\"}");
  }
  out.part = out.total;
  out.total.push_back(Matcher::equal(std::string(kMetricName), name + "_count"));
  out.part.push_back(Matcher::equal(std::string(kMetricName), name + "_bucket"));
  NINES_TRY(Matcher bound, Matcher::make(MatchOp::kRegex, "le", bound_pattern(config.threshold)));
  out.part.push_back(std::move(bound));
  return out;
}

}  // namespace

bool Indicator::is_good(double value) const {
  switch (op) {
    case CompareOp::kLt:
      return value < threshold;
    case CompareOp::kLte:
      return value <= threshold;
    case CompareOp::kGt:
      return value > threshold;
    case CompareOp::kGte:
      return value >= threshold;
    case CompareOp::kEq:
      return value == threshold;
    case CompareOp::kNe:
      return value != threshold;
  }
  return false;
}

Result<Indicator> Indicator::parse(const IndicatorConfig& config,
                                   const promql::EngineOptions& options) {
  if (config.kind == IndicatorKind::kLatency) return of_latency(config, options);
  if (config.kind == IndicatorKind::kSamples) {
    Indicator out;
    out.counter = false;
    out.samples = true;
    out.op = config.op;
    out.threshold = config.threshold;
    if (std::isnan(config.threshold)) {
      return Error(ErrorCode::kInvalid, "indicator: the threshold must be a number");
    }
    NINES_TRY(out.total, selector("metric", config.total, options));
    return out;
  }
  if (config.good.empty() == config.bad.empty()) {
    return Error(ErrorCode::kInvalid, "indicator: exactly one of good and bad is needed");
  }
  if (config.total.empty()) return Error(ErrorCode::kInvalid, "indicator: total is missing");
  Indicator out;
  out.counter = config.counter;
  out.part_is_bad = config.good.empty();
  NINES_TRY(out.total, selector("total", config.total, options));
  if (out.part_is_bad) {
    NINES_TRY(out.part, selector("bad", config.bad, options));
  } else {
    NINES_TRY(out.part, selector("good", config.good, options));
  }
  return out;
}

}  // namespace nines::slo
