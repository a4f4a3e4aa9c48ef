#pragma once
// Where targets come from.

#include <map>
#include <string>
#include <vector>

namespace nines::collector {

// Targets with the labels they share, written down by hand or found.
struct StaticConfig {
  std::vector<std::string> targets;  // "host:port", or URLs for probes
  std::map<std::string, std::string> labels;
  bool operator==(const StaticConfig&) const = default;
};
using TargetGroups = std::vector<StaticConfig>;

}  // namespace nines::collector
