#include "web/api/routes.h"

#include "web/api/internal/families.h"

namespace nines::web {

void add_routes(Router& router, const ApiParts& given) {
  const Parts parts = std::make_shared<const ApiParts>(given);
  add_prometheus_query(router, parts);
  add_prometheus_status(router, parts);
  add_alertmanager(router, parts);
  add_loki(router, parts);
  add_native(router, parts);
  add_page(router);
}

}  // namespace nines::web
