#pragma once
// Settings under the names Prometheus gives its flags, for clients that read /api/v1/status/flags.

#include <string>
#include <utility>
#include <vector>

#include "app/config/config.h"

namespace nines::app {

// Sorted by name. Only settings this server has, with the values in force.
std::vector<std::pair<std::string, std::string>> prometheus_flags(const config::Config& config);

}  // namespace nines::app
