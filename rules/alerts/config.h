#pragma once
// Rule groups as configured, in Prometheus's terms.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "rules/promql/engine.h"

namespace nines::alerts {

// What becomes of a rule's alerts when its expression has no data, or fails: they end, a stand-in
// alert is raised, or they stay as they are.
enum class Fallback : std::uint8_t { kOk, kAlert, kKeep };

// Shares of the last 20 evaluations in which the condition changed, the newer ones counting more
// (weights 0.8 to 1.18, as in Icinga).
struct FlapDetection {
  double high = 0.30;  // above, the alert flaps: a firing one is held
  double low = 0.25;   // below, it does no more
  bool operator==(const FlapDetection&) const = default;
};

struct RuleConfig {
  std::string record;  // exactly one of record and alert is set
  std::string alert;
  std::string expr;
  Duration hold{0};  // `for`
  Duration keep_firing_for{0};
  std::map<std::string, std::string> labels;       // values are templates in alerting rules
  std::map<std::string, std::string> annotations;  // values are templates
  int line = 0;                                    // in the file, 0 when built in

  // Beyond Prometheus, of alerting rules, in TOML only.
  bool logql = false;        // `type = "logql"`: expr and resolve_expr ask the logs
  std::string resolve_expr;  // when set, a firing alert ends only when this says so: when it has an
                             // element of whose labels the alert has every one
  Fallback on_no_data = Fallback::kOk;  // no selector of expr finds anything
  Fallback on_error = Fallback::kKeep;  // kKeep is Prometheus's
  std::optional<FlapDetection> flap_detection;
  std::vector<std::string> depends_on;  // matchers of alerts that explain this one: while they
                                        // fire, it is not paged
  std::vector<std::string> equal;  // labels in which the two must agree
  bool operator==(const RuleConfig&) const = default;
};

struct GroupConfig {
  std::string file;      // where it stands; "<built in>", "<slo NAME>" for generated groups
  std::string name;      // unique within the file
  Duration interval{0};  // 0: global.evaluation_interval
  Duration query_offset{0};
  std::size_t limit = 0;                      // results per rule; 0: none
  std::map<std::string, std::string> labels;  // added to each rule's results
  std::vector<RuleConfig> rules;
  // Generated groups: the rules read nothing but figures that change together, about once a minute
  // (ManagerParts::figures_at_ms). They are evaluated at the first instant after a change, else
  // once a minute.
  bool judges_figures = false;
  bool operator==(const GroupConfig&) const = default;
};

// What a key means that nobody knows. Servers refuse it; tools may be told to look past what other
// tools added to a file.
enum class UnknownKeys : bool { kRefuse, kIgnore };

// Reads a Prometheus rule file (YAML, several documents allowed, unknown keys refused with the
// nearest known one). kInvalid: `file:line:col: message`. Expressions and templates are not checked
// here.
Result<std::vector<GroupConfig>> parse_rules_yaml(const std::string& file, std::string_view text,
                                                  UnknownKeys unknown = UnknownKeys::kRefuse);

// Checks names, expressions and templates of one group. Each problem names its rule; empty: all
// well. Two rules with the same name, expression and labels are a problem: nothing could tell them
// apart.
std::vector<std::string> check_group(const GroupConfig& group,
                                     const promql::EngineOptions& options);

}  // namespace nines::alerts
