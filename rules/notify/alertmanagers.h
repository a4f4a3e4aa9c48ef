#pragma once
// Sends alerts to external Alertmanagers, as Prometheus does.
// Source: prometheus.io/docs/alerting/latest/clients; the alert generator specification of the
// Prometheus compliance project.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/model/labels.h"
#include "base/net/http_client.h"
#include "base/telemetry/telemetry.h"
#include "rules/alerts/alert.h"
#include "rules/notify/config.h"

namespace nines::notify {

struct AlertmanagersOptions {
  LabelSet external_labels;        // added to alerts where they have no such label
  Duration resend_delay{60'000};   // a firing alert is told again after more than this
  std::size_t queue_max = 10'000;  // alerts waiting per Alertmanager; beyond, the oldest goes
  std::size_t batch_max = 256;     // alerts of one request
  Duration retry{5'000};           // after a request that failed
};

struct AlertmanagersParts {
  HttpClient& http;
  Scheduler& scheduler;
  Log& log;
  Telemetry& telemetry;
};

// An alert is sent when it begins to fire, again and again while it fires (each time more than
// `resend_delay` after the last), at once when it resolves, and then again as long as its rule
// speaks of it. Each Alertmanager has every alert, in a queue of its own with one request at a
// time; of an alert only its newest state waits.
//
// Thread-safe.
class Alertmanagers final : public alerts::AlertSink {
 public:
  Alertmanagers(AlertmanagersOptions options, AlertmanagersParts parts);
  ~Alertmanagers() override;
  Alertmanagers(const Alertmanagers&) = delete;
  Alertmanagers& operator=(const Alertmanagers&) = delete;

  void load(const std::vector<AlertmanagerConfig>& configs);  // those that stay keep their queue
  void stop();
  void on_alerts(const std::string& rule, std::span<const alerts::Alert> alerts) override;
  std::vector<AlertmanagerConfig> active() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // timers and answers hold it weakly
};

}  // namespace nines::notify
