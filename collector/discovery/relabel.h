#pragma once
// Relabelling: rules that change, keep or drop a label set, one after the other.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/text/regex.h"

namespace nines::collector {

enum class RelabelAction : std::uint8_t {
  kReplace,
  kKeep,
  kDrop,
  kKeepEqual,
  kDropEqual,
  kHashMod,
  kLabelMap,
  kLabelDrop,
  kLabelKeep,
  kLowercase,
  kUppercase
};
std::string_view to_string(RelabelAction action) noexcept;  // "replace", "keep", ...
std::optional<RelabelAction> relabel_action(std::string_view name);
std::span<const std::string_view> relabel_action_names() noexcept;

// A rule as it stands in a file. What is not set has Prometheus's default.
struct RelabelSpec {
  std::vector<std::string> source_labels;
  std::optional<std::string> separator;  // ";"
  std::optional<std::string> regex;      // "(.*)", anchored on both ends
  std::uint64_t modulus = 0;             // of hashmod
  std::string target_label;
  std::optional<std::string> replacement;  // "$1"
  RelabelAction action = RelabelAction::kReplace;
};

struct RelabelRule {
  std::vector<std::string> source_labels;
  std::string separator;
  std::string regex_text;
  std::shared_ptr<const Regex> regex;  // shared by the copies of a rule; immutable
  std::uint64_t modulus = 0;
  std::string target_label;
  std::string replacement;
  RelabelAction action = RelabelAction::kReplace;
};

// kInvalid: a bad regex, or an option that the action needs and lacks or has and cannot use; the
// text names the option. Source of rules and defaults: prometheus.io/docs/prometheus/latest/
// configuration/configuration, "relabel_config".
Result<RelabelRule> make_relabel_rule(const RelabelSpec& spec);

// Nothing when a rule drops the set. An empty value is a missing label, before and after.
std::optional<LabelSet> relabel(const LabelSet& labels, std::span<const RelabelRule> rules);

// What stands after each rule; rules after one that dropped the set see what it had seen.
struct RelabelStep {
  LabelSet output;  // {} when dropped
  bool keep = true;
};
std::vector<RelabelStep> relabel_steps(const LabelSet& labels, std::span<const RelabelRule> rules);

}  // namespace nines::collector
