#pragma once
// One function per family of endpoints, each with the parts it needs and no more.

#include <functional>
#include <memory>

#include "web/api/routes.h"

namespace nines::web {

// Kept alive by the handlers that share it.
using Parts = std::shared_ptr<const ApiParts>;

struct QueryParts {
  const Clock& clock;
  const storage::Querier& querier;
  const promql::Engine& promql;
};
struct LokiParts {
  const Clock& clock;
  const storage::LogQuerier& log_querier;
  const logql::Engine& logql;
};
struct AdminParts {
  storage::SeriesDeleter& deleter;
  bool enabled = false;  // else everything is answered 503
};
struct AlertmanagerParts {
  const Clock& clock;
  notify::Notifier& notifier;
  std::function<RuntimeInfo()> runtime;
};
struct AcknowledgeParts {
  const Clock& clock;
  notify::Notifier& notifier;
};

struct MaintenanceParts {
  const Clock& clock;
  maintenance::Calendar& calendar;
  std::function<Result<void>()> changed;  // makes what the calendar has take effect
};

void add_prometheus_query(Router& router, QueryParts parts);
void add_federate(Router& router, QueryParts parts);
void add_prometheus_features(Router& router);
void add_prometheus_status(Router& router, const Parts& parts);
void add_prometheus_targets(Router& router, const Parts& parts);
void add_alertmanager(Router& router, const AlertmanagerParts& parts);
void add_loki(Router& router, LokiParts parts);
void add_native(Router& router, const Parts& parts);
void add_native_slos(Router& router, const Parts& parts);
void add_acknowledge(Router& router, AcknowledgeParts parts);
void add_maintenance(Router& router, MaintenanceParts parts);
void add_collecting(Router& router, const Parts& parts);
void add_receive(Router& router, const Parts& parts);
void add_probe(Router& router, const Parts& parts);
void add_import(Router& router, const Parts& parts);
void add_admin(Router& router, const AdminParts& parts);
void add_page(Router& router);

}  // namespace nines::web
