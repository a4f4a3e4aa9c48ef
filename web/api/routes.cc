#include "web/api/routes.h"

#include "web/api/internal/families.h"

namespace nines::web {

void add_routes(Router& router, const ApiParts& given) {
  const Parts parts = std::make_shared<const ApiParts>(given);
  const QueryParts query{given.clock, given.querier, given.promql};
  add_prometheus_query(router, query);
  add_federate(router, query);
  add_prometheus_status(router, parts);
  add_prometheus_targets(router, parts);
  add_alertmanager(router, {given.clock, given.notifier, given.runtime});
  add_loki(router, {given.clock, given.log_querier, given.logql});
  add_native(router, parts);
  add_native_slos(router, parts);
  add_acknowledge(router, {given.clock, given.notifier});
  add_maintenance(router, {given.clock, given.calendar, given.maintenance_changed});
  add_collecting(router, parts);
  add_receive(router, parts);
  add_prometheus_features(router);
  add_probe(router, parts);
  add_import(router, parts);
  add_admin(router, {given.deleter, given.admin_api});
  add_page(router);
}

}  // namespace nines::web
