#pragma once
// Groups of targets as files and HTTP answers write them.

#include <string>
#include <string_view>

#include "base/core/result.h"
#include "collector/discovery/target.h"

namespace nines::collector {

// [{"targets": ["host:port"], "labels": {"name": "value"}}]. kInvalid names the group and the key,
// or the line and column of what is no JSON at all. Keys besides these two are refused.
Result<TargetGroups> parse_targets_json(std::string_view text);
// The same in YAML; an empty text has no groups.
Result<TargetGroups> parse_targets_yaml(std::string_view text);

}  // namespace nines::collector
