#pragma once
// OpenSLO's AlertPolicy and AlertCondition as burn-rate windows.

#include <map>
#include <set>
#include <string>

#include <yaml-cpp/yaml.h>

#include "app/convert/internal/draft.h"
#include "app/convert/internal/source.h"

namespace nines::convert {

// The objects of a file, by kind and name, and which of them something refers to.
struct Objects {
  std::map<std::pair<std::string, std::string>, YAML::Node> all;
  mutable std::set<std::pair<std::string, std::string>> used;
};

// What stands in `alertPolicies` of an SLO.
void read_alert_policies(Fields& spec, const Objects& objects, Draft& draft, Source& source);

// "30d", "4w", or months, quarters and years as so many days, with a note. What is none is a
// mistake.
std::string rolling_duration(const std::string& text, const YAML::Mark& mark, Source& source);

// Of an object that is referred to: what is lost besides its spec.
void read_around(Fields& object, Source& source);

// The object a name refers to; a missing one is a mistake.
YAML::Node referred(const std::string& kind, const std::string& name, const YAML::Mark& mark,
                    const Objects& objects, Source& source);

}  // namespace nines::convert
