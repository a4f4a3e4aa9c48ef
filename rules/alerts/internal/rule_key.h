#pragma once
// Names of rules: what identifies one across reloads and restarts.

#include <map>
#include <string>
#include <vector>

#include "rules/alerts/config.h"

namespace nines::alerts {

inline const std::string& rule_name(const RuleConfig& rule) {
  return rule.alert.empty() ? rule.record : rule.alert;
}

// The group's labels under the rule's own.
std::map<std::string, std::string> merged_labels(const GroupConfig& group, const RuleConfig& rule);

// One key per rule of the group, in order: `file;group;name`. Where rules of a group share a name
// each gets `#` and a hash of its expression and labels after it, so that their order means
// nothing.
std::vector<std::string> rule_keys(const GroupConfig& group);

}  // namespace nines::alerts
