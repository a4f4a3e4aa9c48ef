#pragma once
// Puts every HTTP endpoint of nines on a router: Prometheus's API, Alertmanager's, Loki's, nines's
// own, and the page.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "collector/discovery/discovery.h"
#include "collector/host/host.h"
#include "collector/probe/prober.h"
#include "collector/receive/receivers.h"
#include "collector/scrape/scraper.h"
#include "collector/tail/tailer.h"
#include "rules/alerts/manager.h"
#include "rules/logql/engine.h"
#include "rules/maintenance/calendar.h"
#include "rules/notify/alertmanagers.h"
#include "rules/notify/notifier.h"
#include "rules/promql/engine.h"
#include "rules/remediation/remediator.h"
#include "rules/slo/service.h"
#include "storage/api/appender.h"
#include "storage/api/deletions.h"
#include "storage/api/logs.h"
#include "storage/api/querier.h"
#include "storage/api/state_store.h"
#include "storage/api/status.h"
#include "web/http/http.h"

namespace nines::web {

struct RuntimeInfo {
  Timestamp started_at{};
  std::string version;      // nines's own
  std::string config_file;  // empty: built-in defaults
  std::string config_toml;  // as loaded, secrets redacted
  // The settings Prometheus has as flags, by its flags' names, with their values in force.
  std::vector<std::pair<std::string, std::string>> flags;
  bool reload_ok = true;
  std::string reload_error;  // of the last reload, with its place
  Timestamp reloaded_at{};
};

// Everything the endpoints show or change. All must outlive the router's use.
struct ApiParts {
  const Clock& clock;
  Log& log;
  Telemetry& telemetry;
  storage::Appender& appender;
  storage::SeriesDeleter& deleter;
  bool admin_api;  // [web] enable_admin_api
  const storage::Querier& querier;
  const storage::LogQuerier& log_querier;
  const storage::StatusSource& store_status;
  storage::StateStore& state;
  const promql::Engine& promql;
  const logql::Engine& logql;
  collector::Scraper& scraper;
  collector::Prober& prober;
  const collector::Discovery& discovery;
  const collector::Host* host;  // null when switched off
  const collector::Tailer& tailer;
  collector::Receivers& receivers;
  const alerts::Manager& rules;
  slo::Service& slos;
  notify::Notifier& notifier;
  const notify::Alertmanagers& alertmanagers;
  remediation::Remediator& remediator;
  maintenance::Calendar& calendar;
  std::function<Result<void>()> maintenance_changed;  // what the calendar has takes effect
  std::function<RuntimeInfo()> runtime;
  std::function<Result<void>()> reload;  // re-reads the configuration
  std::function<Result<void>()> flush;   // writes open rows into pages, syncs logs
};

void add_routes(Router& router, const ApiParts& parts);

}  // namespace nines::web
