#pragma once
// What Consul's HTTP API answers. Sources: developer.hashicorp.com/consul/api-docs: catalog,
// health, agent; the labels: prometheus.io/docs/prometheus/latest/configuration,
// "consul_sd_config".

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "collector/discovery/target.h"

namespace nines::collector {

// /v1/catalog/services: tags by service. kInvalid: it is none.
Result<std::map<std::string, std::vector<std::string>>> read_consul_services(std::string_view text);

// /v1/agent/self: the agent's datacenter. kInvalid: none is named.
Result<std::string> read_consul_datacenter(std::string_view text);

// /v1/health/service/NAME: a group of one target for each instance, in order of their addresses.
Result<TargetGroups> read_consul_instances(std::string_view text, const std::string& service,
                                           const std::string& datacenter,
                                           const std::string& tag_separator);

}  // namespace nines::collector
