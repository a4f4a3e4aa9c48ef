#pragma once
// The indicator of an SLO, as matchers.

#include <optional>
#include <string>
#include <vector>

#include "base/core/result.h"
#include "base/model/matcher.h"
#include "rules/logql/engine.h"
#include "rules/promql/engine.h"
#include "rules/slo/config.h"

namespace nines::slo {

struct Indicator {
  IndicatorKind kind = IndicatorKind::kRatio;
  bool counter = true;
  std::vector<Matcher> total;
  std::vector<Matcher> part;     // the good events, or the bad ones; only of `ratio` and `latency`
  std::vector<Matcher> buckets;  // of `latency`: all of the histogram's
  bool part_is_bad = false;
  RawRatio raw = RawRatio::kNone;
  CompareOp op = CompareOp::kLte;
  double threshold = 0;
  // How many lines there were in the minute that ends.
  std::optional<logql::LogQuery> total_lines;
  std::optional<logql::LogQuery> part_lines;

  // Of a sample that is one event: how much of it is good, from 0 to 1.
  double good_share(double value) const;

  // kInvalid: not exactly one of good and bad, or an expression that is no plain selector.
  static Result<Indicator> parse(const IndicatorConfig& config,
                                 const promql::EngineOptions& options);

 private:
  bool is_good(double value) const;
};

}  // namespace nines::slo
