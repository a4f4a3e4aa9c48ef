#include "rules/alerts/internal/rule_key.h"

#include <cstdint>

#include "base/text/text.h"

namespace nines::alerts {
namespace {

std::uint64_t identity_hash(const RuleConfig& rule) {
  std::string text = (rule.alert.empty() ? "r" : "a") + rule.expr;
  for (const auto& [name, value] : rule.labels) text += '\0' + name + '\0' + value;
  return hash64(text);
}

}  // namespace

std::map<std::string, std::string> merged_labels(const GroupConfig& group, const RuleConfig& rule) {
  std::map<std::string, std::string> labels = rule.labels;
  labels.insert(group.labels.begin(), group.labels.end());  // keeps what is there
  return labels;
}

std::vector<std::string> rule_keys(const GroupConfig& group) {
  std::map<std::string, int> uses;
  for (const RuleConfig& rule : group.rules) ++uses[rule_name(rule)];
  std::map<std::string, int> same;  // rules that stand in the group twice, as Prometheus allows
  std::vector<std::string> keys;
  keys.reserve(group.rules.size());
  for (const RuleConfig& rule : group.rules) {
    std::string key = group.file + ";" + group.name + ";" + rule_name(rule);
    if (uses[rule_name(rule)] > 1) key += "#" + hex(identity_hash(rule));
    if (const int before = same[key]++; before > 0) key += "~" + std::to_string(before + 1);
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace nines::alerts
