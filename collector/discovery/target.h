#pragma once
// Where targets come from.

#include <map>
#include <string>
#include <vector>

namespace nines::collector {

struct StaticConfig {
  std::vector<std::string> targets;  // "host:port", or URLs for probes
  std::map<std::string, std::string> labels;
};

}  // namespace nines::collector
