#include "rules/slo/internal/indicator.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"
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
  out.threshold = config.threshold;
  out.part = out.total;
  out.total.push_back(Matcher::equal(std::string(kMetricName), name + "_count"));
  out.part.push_back(Matcher::equal(std::string(kMetricName), name + "_bucket"));
  out.buckets = out.part;
  NINES_TRY(Matcher bound, Matcher::make(MatchOp::kRegex, "le", bound_pattern(config.threshold)));
  out.part.push_back(std::move(bound));
  return out;
}

// One series of native histograms, or several: each sample is the whole histogram.
Result<Indicator> of_native_latency(const IndicatorConfig& config,
                                    const promql::EngineOptions& options) {
  if (!(config.threshold > 0) || std::isinf(config.threshold)) {
    return Error(ErrorCode::kInvalid, "indicator: the latency threshold must be above 0");
  }
  Indicator out;
  out.threshold = config.threshold;
  NINES_TRY(out.total, selector("histogram", config.total, options));
  return out;
}

Result<Indicator> of_samples(const IndicatorConfig& config, const promql::EngineOptions& options) {
  Indicator out;
  out.counter = false;
  out.op = config.kind == IndicatorKind::kThreshold ? config.op : CompareOp::kNe;
  out.threshold = config.kind == IndicatorKind::kThreshold ? config.threshold : 0;
  if (std::isnan(config.threshold)) {
    return Error(ErrorCode::kInvalid, "indicator: the threshold must be a number");
  }
  NINES_TRY(out.total, selector("metric", config.total, options));
  return out;
}

Result<logql::LogQuery> lines_of(const char* what, const std::string& text) {
  const std::string place = std::string("indicator, ") + what;
  Result<logql::LogQuery> lines = logql::LogQuery::parse(text);
  if (!lines) return std::move(lines).error().in(place);
  if (lines->is_metric()) {
    return Error(ErrorCode::kInvalid,
                 place +
                     ": must select lines, like {job=\"shop\"} |= \"error\", without functions: "
                     "nines counts them");
  }
  Result<logql::LogQuery> counted = logql::LogQuery::parse("count_over_time(" + text + "\n[1m])");
  if (!counted) return std::move(counted).error().in(place);
  return counted;
}

Result<void> check_parts(const IndicatorConfig& config) {
  if (config.good.empty() == config.bad.empty())
    return Error(ErrorCode::kInvalid, "indicator: exactly one of good and bad is needed");
  if (config.total.empty()) return Error(ErrorCode::kInvalid, "indicator: total is missing");
  return {};
}

Result<Indicator> of_logs(const IndicatorConfig& config) {
  if (auto parts = check_parts(config); !parts) return parts.error();
  Indicator out;
  out.counter = false;
  out.part_is_bad = config.good.empty();
  NINES_TRY(out.total_lines, lines_of("total", config.total));
  NINES_TRY(out.part_lines,
            lines_of(out.part_is_bad ? "bad" : "good", out.part_is_bad ? config.bad : config.good));
  return out;
}

Result<Indicator> of_composite(const IndicatorConfig& config) {
  if (config.members.empty())
    return Error(ErrorCode::kInvalid, "indicator: a composite needs members");
  for (std::size_t i = 0; i < config.members.size(); ++i) {
    const CompositeMember& member = config.members[i];
    if (member.slo.empty()) return Error(ErrorCode::kInvalid, "indicator: a member needs an slo");
    if (!(member.weight > 0) || std::isinf(member.weight)) {
      return Error(ErrorCode::kInvalid,
                   "indicator, member " + quote_go(member.slo) + ": the weight must be above 0");
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (config.members[k].slo == member.slo) {
        return Error(ErrorCode::kInvalid,
                     "indicator: " + quote_go(member.slo) + " is a member twice");
      }
    }
  }
  return Indicator{};
}

Result<Indicator> of_raw(const IndicatorConfig& config, const promql::EngineOptions& options) {
  if (!config.good.empty() || !config.bad.empty())
    return Error(ErrorCode::kInvalid, "indicator: raw goes with neither good, bad nor total");
  Indicator out;
  out.counter = false;
  out.raw = config.raw;
  NINES_TRY(out.total, selector("raw", config.total, options));
  return out;
}

Result<Indicator> of_ratio(const IndicatorConfig& config, const promql::EngineOptions& options) {
  if (config.raw != RawRatio::kNone) return of_raw(config, options);
  if (auto parts = check_parts(config); !parts) return parts.error();
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

Result<Indicator> parse_kind(const IndicatorConfig& config, const promql::EngineOptions& options) {
  switch (config.kind) {
    case IndicatorKind::kRatio:
      return of_ratio(config, options);
    case IndicatorKind::kLatency:
      return of_latency(config, options);
    case IndicatorKind::kLatencyNative:
      return of_native_latency(config, options);
    case IndicatorKind::kThreshold:
    case IndicatorKind::kBoolean:
    case IndicatorKind::kProbe:
      return of_samples(config, options);
    case IndicatorKind::kLogs:
      return of_logs(config);
    case IndicatorKind::kComposite:
      return of_composite(config);
  }
  return Error(ErrorCode::kInvalid, "indicator: of no kind");
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

double Indicator::good_share(double value) const {
  if (raw == RawRatio::kNone) return is_good(value) ? 1 : 0;
  const double share = std::clamp(value, 0.0, 1.0);
  return raw == RawRatio::kSuccess ? share : 1 - share;
}

Result<Indicator> Indicator::parse(const IndicatorConfig& config,
                                   const promql::EngineOptions& options) {
  NINES_TRY(Indicator out, parse_kind(config, options));
  out.kind = config.kind;
  return out;
}

}  // namespace nines::slo
