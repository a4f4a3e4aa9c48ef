#pragma once
// The indicator of an SLO, as matchers.

#include <string>
#include <vector>

#include "base/core/result.h"
#include "base/model/matcher.h"
#include "rules/promql/engine.h"
#include "rules/slo/config.h"

namespace nines::slo {

struct Indicator {
  bool counter = true;
  std::vector<Matcher> total;
  std::vector<Matcher> part;  // the good events, or the bad ones; not used by `samples`
  bool part_is_bad = false;
  bool samples = false;  // each sample of `total` is an event, good when it compares
  CompareOp op = CompareOp::kLte;
  double threshold = 0;

  bool is_good(double value) const;

  // kInvalid: not exactly one of good and bad, or an expression that is no plain series selector.
  static Result<Indicator> parse(const IndicatorConfig& config,
                                 const promql::EngineOptions& options);
};

}  // namespace nines::slo
