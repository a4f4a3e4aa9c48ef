#include "rules/slo/internal/indicator.h"

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

}  // namespace

Result<Indicator> Indicator::parse(const RatioIndicator& config,
                                   const promql::EngineOptions& options) {
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
