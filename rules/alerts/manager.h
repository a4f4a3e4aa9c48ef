#pragma once
// Evaluates groups of rules on their interval, keeps the state machine of alerts, writes results.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "rules/alerts/alert.h"
#include "rules/alerts/config.h"
#include "rules/logql/engine.h"
#include "rules/promql/engine.h"
#include "storage/api/alert_state.h"
#include "storage/api/appender.h"
#include "storage/api/incidents.h"

namespace nines::alerts {

struct RuleStatus {
  RuleConfig config;
  std::string query;  // the expression as Prometheus's formatter prints it; LogQL as it was written
  AlertState state = AlertState::kInactive;  // the highest of its alerts
  std::vector<Alert> alerts;                 // active ones
  std::string health = "unknown";            // ok | err | unknown
  std::string last_error;
  Timestamp last_evaluation{};
  double evaluation_seconds = 0;
  std::vector<std::string> warnings;
};
struct GroupStatus {
  GroupConfig config;
  Duration interval{};
  Timestamp last_evaluation{};
  double evaluation_seconds = 0;
  std::uint64_t missed_iterations = 0;
  std::vector<RuleStatus> rules;
};

struct ManagerOptions {
  Duration evaluation_interval{15'000};
  LabelSet external_labels;
  std::string external_url;  // prefix of generator URLs
  Duration resend_delay{
      60'000};  // Alert::valid_for is four times this, or four intervals if longer
  Duration resolved_retention{900'000};  // how long a resolved alert is kept and told again
  // What the rules of a group have in common is evaluated once for all of them; results kept for
  // that at once, by each group under evaluation. 0: each rule evaluates all of its own.
  std::uint64_t shared_bytes_max = 32u << 20;
  // How long, from a rule's first evaluation after a restart, an alert restored from the state
  // store is held although the expression does not return it. Right after a restart an empty result
  // may only mean that no scrape has arrived yet, and resolving on it would page people twice. The
  // first result that has the alert ends the hold for it; a pending alert does not begin to fire
  // while held. Zero: three times the group's interval, at least 10 s, at most 2 min. Set it to
  // twice the longest scrape interval (rate() needs two samples) where that is longer.
  Duration restore_grace{0};
};

struct ManagerParts {
  const promql::Engine& engine;
  storage::Appender& appender;
  storage::AlertStateStore& state;
  storage::IncidentStore& incidents;
  Scheduler& scheduler;
  Executor& executor;  // where groups are evaluated
  Log& log;
  Telemetry& telemetry;
  std::vector<AlertSink*> sinks;        // told in this order
  const logql::Engine* logs = nullptr;  // of rules that ask the logs; without it they are refused
  // When the figures of groups with `judges_figures` last changed; null: such groups are evaluated
  // as others are.
  const std::atomic<std::int64_t>* figures_at_ms = nullptr;
};

// Thread-safe. The destructor waits for evaluations under way.
class Manager {
 public:
  Manager(ManagerOptions options, ManagerParts parts);
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // Replaces the groups. A rule that stays (same file, group, name, expression and labels) keeps
  // its alerts; so does, as in Prometheus, one whose expression alone was edited. The alerts of a
  // rule that has gone are resolved and the sinks told so once; its series end with staleness
  // markers. The first call restores what the state store remembers. Groups must have passed
  // check_group(): kInvalid otherwise, and nothing changes.
  Result<void> load(std::vector<GroupConfig> groups);
  void
  start();  // begins evaluating; each group at a phase of its interval that hashes from its name
  void stop();  // no evaluation begins afterwards; waits for those under way

  // Evaluates every group once for `at`, in order, in the caller's thread: tests, backtests.
  void evaluate_once(Timestamp at);

  std::vector<GroupStatus> status() const;
  std::vector<Alert> active_alerts() const;  // pending and firing

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::alerts
