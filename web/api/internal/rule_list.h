#pragma once
// /api/v1/rules and /api/v1/alerts: what rule evaluation knows, as Prometheus writes it.
// Source: prometheus.io/docs/prometheus/latest/querying/api, "Rules" and "Alerts".

#include <vector>

#include "rules/alerts/manager.h"
#include "web/http/http.h"

namespace nines::web {

// Groups ordered by file and name, those without a wanted rule left out. Parameters, all of which
// must agree: type (alert | record), rule_name[], rule_group[], file[] (one of the named), match[]
// (selectors of the labels a rule and its group are configured with; one of them), exclude_alerts.
// With group_limit at most so many groups, and groupNextToken when there are more: given as
// group_next_token the list goes on there. Mistakes are answered in Prometheus's words.
Response list_rules(std::vector<alerts::GroupStatus> groups, const Request& request);

Response list_alerts(const std::vector<alerts::Alert>& alerts);

}  // namespace nines::web
