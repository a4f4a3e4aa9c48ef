#pragma once
// What a rule asks: PromQL of the metrics, or LogQL of the logs.

#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "rules/alerts/manager.h"
#include "rules/logql/engine.h"
#include "rules/promql/engine.h"
#include "rules/promql/shared_results.h"

namespace nines::alerts {

// Immutable.
class RuleQuery {
 public:
  // kInvalid: it does not parse, or is LogQL that gives lines.
  static Result<RuleQuery> parse(const std::string& expr, bool logql,
                                 const promql::EngineOptions& options);

  // PromQL as Prometheus's formatter prints it; LogQL as it was written.
  std::string to_string() const { return metrics_ ? metrics_->to_string() : text_; }
  // A scalar is an element without labels. kInvalid for other results; kUnavailable when the logs
  // cannot be asked.
  // `shared` may be null, or know the query: see share().
  Result<promql::Vector> ask(const ManagerParts& parts, Timestamp at,
                             std::vector<std::string>& warnings,
                             promql::SharedResults* shared = nullptr) const;
  // What this asks is asked among others. This, or a copy, outlives them.
  void share(promql::SharedResults& among) const {
    if (metrics_) among.add(*metrics_);
  }
  // Whether any selector of the expression finds a series. True for LogQL, where nothing can be
  // told.
  Result<bool> has_data(const ManagerParts& parts, Timestamp at) const;

 private:
  RuleQuery() = default;
  std::string text_;
  std::optional<promql::Query> metrics_;
  std::vector<promql::Query> selectors_;
  std::optional<logql::LogQuery> logs_;
};

}  // namespace nines::alerts
