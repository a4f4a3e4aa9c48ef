#pragma once
// Maintenance that people have added while nines runs, as if it stood in the file.

#include <vector>

#include "app/config/config.h"
#include "rules/maintenance/maintenance.h"

namespace nines::config {

// Into the list of maintenance, and into the `exclude` of the SLOs that it concerns by their labels
// `service` and `slo` (the name of one objective, or of the whole definition) when it has that
// effect.
void add_planned(Config& config, std::vector<maintenance::Maintenance> added);
// The same of what the file itself plans, in the `exclude` of the SLOs that do not name it.
void exclude_configured(Config& config);

}  // namespace nines::config
