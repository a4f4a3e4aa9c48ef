#pragma once
// One run under way: acting, then verifying, then done.

#include <memory>
#include <optional>
#include <string>

#include "base/core/clock.h"
#include "base/core/scheduler.h"
#include "base/net/http_client.h"
#include "rules/alerts/alert.h"
#include "rules/remediation/config.h"
#include "storage/api/remediation_journal.h"

namespace nines::remediation {

struct ActiveRun {
  storage::RemediationRun row;
  RemediationConfig config;  // as it was when the run began
  alerts::Alert alert;
  bool found_after_crash = false;  // its action is not repeated
  Instant verify_until{};
  std::optional<Instant> held_since;  // the verify expression has held since
  TimerId timer = TimerId::kNone;
  HttpCallId call = HttpCallId::kNone;
  std::string last_verify;  // what the expression gave last, for the reason
};

// The body of a remediation webhook.
std::string action_payload(const ActiveRun& run, int attempt);

// The alert's instance, or its labels where it has none.
std::string target_of(const alerts::Alert& alert);

// True when a query said yes: a vector with at least one sample (as an alert would fire), or a
// scalar that is neither 0 nor NaN. `why` says what it gave.
bool holds(const promql::QueryResult& result, std::string& why);

}  // namespace nines::remediation
