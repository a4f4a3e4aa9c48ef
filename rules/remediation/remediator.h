#pragma once
// Tries to fix what fires, within limits: intent written down, action, verification, escalation.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/net/http_client.h"
#include "base/telemetry/telemetry.h"
#include "rules/alerts/alert.h"
#include "rules/maintenance/maintenance.h"
#include "rules/promql/engine.h"
#include "rules/remediation/config.h"
#include "storage/api/incidents.h"
#include "storage/api/remediation_journal.h"

namespace nines::remediation {

// How an unverified fix reaches a person; bound to the notifier by app/. Must not block.
using Escalate = std::function<void(const std::string& receiver, const alerts::Alert& alert,
                                    const std::string& key, const std::string& why)>;

struct RemediatorParts {
  const promql::Engine& engine;
  storage::RemediationJournal& journal;
  storage::IncidentStore& incidents;
  HttpClient& http;
  Scheduler& scheduler;
  Executor& executor;
  Log& log;
  Telemetry& telemetry;
  Escalate escalate;
  // What a secret's file holds now. Null, or a file that cannot be read: what was configured.
  std::function<Result<std::string>(const std::string& path)> read_file = nullptr;
};

struct RemediationStatus {
  RemediationConfig config;
  int running = 0;
  int runs_last_hour = 0;
  std::string last_reason;  // why the last candidate was skipped
};

// Thread-safe. Fails closed: when the intent cannot be written, there is no action.
class Remediator final : public alerts::AlertSink {
 public:
  explicit Remediator(RemediatorParts parts);
  ~Remediator() override;
  Remediator(const Remediator&) = delete;
  Remediator& operator=(const Remediator&) = delete;

  // While a maintenance lasts that says so, alerts it concerns are not acted on.
  void load(std::vector<RemediationConfig> configs,
            std::vector<maintenance::Maintenance> maintenance = {});
  // Verifies what a crash left without an outcome; never repeats its action.
  void start();
  void stop();

  void on_alerts(const std::string& rule, std::span<const alerts::Alert> alerts) override;

  Result<void> set_stopped(bool stopped, const std::string& by);  // the kill switch
  bool stopped() const;
  std::vector<RemediationStatus> status() const;
  std::vector<storage::RemediationRun> runs(std::size_t limit) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::remediation
