#pragma once
// OpenSLO's AlertPolicy and AlertCondition as burn-rate windows.

#include <map>
#include <string>

#include <yaml-cpp/yaml.h>

#include "app/convert/internal/draft.h"
#include "app/convert/internal/source.h"

namespace nines::convert {

// The objects of a file, by kind and name.
using Objects = std::map<std::pair<std::string, std::string>, YAML::Node>;

// What stands in `alertPolicies` of an SLO.
void read_alert_policies(Fields& spec, const Objects& objects, Draft& draft, Source& source);

// The object a name refers to; a missing one is a mistake.
YAML::Node referred(const std::string& kind, const std::string& name, const YAML::Mark& mark,
                    const Objects& objects, Source& source);

}  // namespace nines::convert
