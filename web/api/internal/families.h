#pragma once
// One function per family of endpoints.

#include <memory>

#include "web/api/routes.h"

namespace nines::web {

// Kept alive by the handlers that share it.
using Parts = std::shared_ptr<const ApiParts>;

void add_prometheus_query(Router& router, const Parts& parts);
void add_prometheus_status(Router& router, const Parts& parts);
void add_alertmanager(Router& router, const Parts& parts);
void add_loki(Router& router, const Parts& parts);
void add_native(Router& router, const Parts& parts);
void add_page(Router& router);

}  // namespace nines::web
