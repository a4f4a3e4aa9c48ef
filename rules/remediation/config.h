#pragma once
// Remediations as configured.

#include <cstdint>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/model/matcher.h"
#include "rules/promql/engine.h"

namespace nines::remediation {

enum class Mode : std::uint8_t { kOff, kDryRun, kApprove, kAuto };

struct WebhookAction {
  std::string url;
  std::string url_file;  // where it stands, when not empty: read for every action
  Duration timeout{20'000};
  std::string secret;  // signs with Standard Webhooks headers when not empty
  std::string secret_file;  // as url_file
};
struct Limits {
  Duration cooldown{300'000};  // between runs on the same target
  int max_per_hour = 3;        // runs of this remediation, all targets together
  int max_concurrent = 1;
};
struct Verify {
  std::string expr;  // holds when it gives at least one sample, as an alert would fire
  Duration hold{0};  // `for`
  Duration timeout{120'000};
};
struct RemediationConfig {
  std::string name;               // unique
  std::vector<Matcher> matchers;  // on the alert's labels; at least one
  Mode mode = Mode::kOff;
  Duration trigger_after{0};      // how long the alert must have been firing
  std::string precondition_expr;  // empty: none; must give at least one sample
  WebhookAction action;
  Limits limits;
  Verify verify;
  std::string on_failure_receiver;  // escalation; empty: none beyond the alert's own route
  int line = 0;
};

std::vector<std::string> check_remediation(const RemediationConfig& config,
                                           const promql::EngineOptions& options);

}  // namespace nines::remediation
