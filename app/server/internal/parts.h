#pragma once
// Every part of a running nines, in the order in which they are made and, backwards, taken down.

#include <functional>
#include <memory>
#include <string>

#include "app/config/config.h"
#include "app/server/application.h"
#include "app/server/internal/alertmanager_targets.h"
#include "base/core/real_clock.h"
#include "base/net/http_client.h"
#include "base/net/resolver.h"
#include "base/telemetry/telemetry.h"
#include "collector/discovery/discovery.h"
#include "collector/host/host.h"
#include "collector/probe/prober.h"
#include "collector/receive/receivers.h"
#include "collector/scrape/scraper.h"
#include "collector/send/remote_sender.h"
#include "collector/tail/tailer.h"
#include "rules/alerts/manager.h"
#include "rules/logql/engine.h"
#include "rules/maintenance/calendar.h"
#include "rules/notify/alertmanagers.h"
#include "rules/notify/notifier.h"
#include "rules/promql/engine.h"
#include "rules/remediation/remediator.h"
#include "rules/slo/service.h"
#include "storage/engine/engine.h"
#include "web/api/routes.h"
#include "web/http/server.h"

namespace nines::app {

struct Callbacks {
  std::function<web::RuntimeInfo()> runtime;
  std::function<Result<void>()> reload;
  std::function<Result<void>()> maintenance_changed;
};

class Parts {
 public:
  static Result<std::unique_ptr<Parts>> open(config::Config config, const Surroundings& around,
                                             Callbacks callbacks);
  ~Parts();
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  // Hands each module its part of a configuration that has been checked. What can fail comes first.
  Result<void> apply(const config::Config& config);
  // Only what maintenance concerns, after people have added or ended some.
  void apply_maintenance(const config::Config& config);
  void note_reload(bool ok, Timestamp at);
  std::string greeting(const config::Config& config, Duration since_start) const;

 private:
  Parts(const config::Config& config, const Surroundings& around,
        std::unique_ptr<storage::Engine> store, std::unique_ptr<Telemetry> telemetry);
  Result<void> bind(const config::Config& config, Callbacks callbacks);
  void start();
  config::Config with_added(config::Config config) const;
  void take_targets(const std::string& pool, collector::TargetGroups groups);

  const Surroundings around_;
  std::unique_ptr<Telemetry> telemetry_;
  std::unique_ptr<storage::Engine> store_;
  std::unique_ptr<HttpClient> http_;
  std::unique_ptr<HttpClient> scrape_http_;  // its threads parse and append what they bring
  std::unique_ptr<Executor> collect_pool_;  // bodies parsed and appended, /proc and log files read
  std::unique_ptr<Executor> scrape_executor_;
  std::unique_ptr<Executor> rules_pool_;    // rules, SLOs: never behind a person's query
  std::unique_ptr<Executor> act_pool_;      // notification and remediation state
  std::unique_ptr<Executor> wait_pool_;     // names asked for, target files read
  collector::RemoteSender sender_;          // in front of the store for whoever writes samples
  std::unique_ptr<Executor> probe_pool_;    // probes on schedule: a fiber for each that waits
  std::unique_ptr<Executor> query_pool_;    // helps a query over many series; none with one thread
  promql::Engine promql_;
  logql::Engine logql_;
  std::unique_ptr<Resolver> resolver_;
  collector::Scraper scraper_;
  collector::Prober prober_;
  std::unique_ptr<collector::Host> host_;
  collector::Tailer tailer_;
  collector::Receivers receivers_;
  maintenance::Calendar calendar_;
  slo::Service slos_;
  notify::Notifier notifier_;
  notify::Alertmanagers alertmanagers_;
  AlertmanagerTargets alertmanager_targets_;
  remediation::Remediator remediator_;
  alerts::Manager rules_;
  collector::Discovery discovery_;  // after those whom it tells
  web::Router router_;
  std::unique_ptr<web::Server> server_;  // last made, first gone: no request outlives what it shows
};

}  // namespace nines::app
