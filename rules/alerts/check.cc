#include <cstddef>

#include "base/model/matcher.h"
#include "base/text/text.h"
#include "rules/alerts/config.h"
#include "rules/alerts/internal/rule_key.h"
#include "rules/alerts/internal/rule_query.h"
#include "rules/alerts/internal/rule_templates.h"

namespace nines::alerts {
namespace {

// What Prometheus can count in nanoseconds.
constexpr Duration kLengthMax{9'223'372'036'854};

bool is_name(const std::string& name) {
  return !name.empty() && is_valid_utf8(name);
}

// Collects the problems of one group, each with its place in front.
class GroupCheck {
 public:
  GroupCheck(const GroupConfig& group, const promql::EngineOptions& options)
      : group_(group), options_(options) {}

  std::vector<std::string> run() {
    place_ = (group_.file.empty() ? "" : group_.file + ": ") + "group \"" + group_.name + "\"";
    if (group_.name.empty()) problem("a group needs a name");
    check_length("the interval", group_.interval);
    check_length("query_offset", group_.query_offset);
    check_label_names(group_.labels, "label", true);
    for (std::size_t i = 0; i < group_.rules.size(); ++i) {
      const RuleConfig& rule = group_.rules[i];
      place_ = place_of(rule, i);
      check_rule(rule);
    }
    return std::move(problems_);
  }

 private:
  void problem(const std::string& text) { problems_.push_back(place_ + ": " + text); }

  void check_length(const char* what, Duration length) {
    if (length < Duration::zero()) problem(std::string(what) + " is negative");
    if (length > kLengthMax) problem(std::string(what) + " is longer than 292 years");
  }

  std::string place_of(const RuleConfig& rule, std::size_t index) const {
    std::string place = group_.file;
    if (!place.empty() && rule.line > 0) place += ":" + std::to_string(rule.line);
    if (!place.empty()) place += ": ";
    place += "group \"" + group_.name + "\", rule " + std::to_string(index + 1);
    const std::string& name = rule_name(rule);
    return name.empty() ? place : place + ", \"" + name + "\"";
  }

  void check_label_names(const std::map<std::string, std::string>& labels, const char* what,
                         bool series) {
    for (const auto& [name, value] : labels) {
      if (!is_name(name) || (series && name == kMetricName)) {
        problem(std::string("invalid ") + what + " name " + quote_go(name));
      }
      if (!is_valid_utf8(value)) {
        problem(std::string(what) + " \"" + name + "\": the value is not valid UTF-8");
      }
    }
  }

  void check_rule(const RuleConfig& rule) {
    if (rule.record.empty() == rule.alert.empty()) {
      problem("a rule needs exactly one of record and alert");
      return;
    }
    check_length("\"for\"", rule.hold);
    check_length("\"keep_firing_for\"", rule.keep_firing_for);
    check_label_names(rule.labels, "label", true);
    check_label_names(rule.annotations, "annotation", false);
    check_expression(rule);
    if (rule.alert.empty()) {
      check_recording(rule);
    } else {
      check_alerting(rule);
    }
  }

  void check_expression(const RuleConfig& rule) {
    if (trim(rule.expr).empty()) {
      problem("a rule needs an expression");
      return;
    }
    const auto query = RuleQuery::parse(rule.expr, rule.logql, options_);
    if (!query) problem("could not parse expression: " + query.error().what());
    if (rule.resolve_expr.empty()) return;
    const auto resolve = RuleQuery::parse(rule.resolve_expr, rule.logql, options_);
    if (!resolve) problem("could not parse resolve_expr: " + resolve.error().what());
  }

  void check_recording(const RuleConfig& rule) {
    if (!is_name(rule.record)) problem("invalid recording rule name " + quote_go(rule.record));
    if (rule.record.find_first_of("{}") != std::string::npos) {
      problem("the recording rule's name holds a brace; a selector belongs into expr");
    }
    if (rule.hold != Duration::zero()) problem("a recording rule has no \"for\"");
    if (rule.keep_firing_for != Duration::zero()) {
      problem("a recording rule has no \"keep_firing_for\"");
    }
    if (!rule.annotations.empty()) problem("a recording rule has no annotations");
    RuleConfig plain;
    plain.logql = rule.logql;  // numbers of the logs may be recorded
    if (rule.resolve_expr != plain.resolve_expr || rule.on_no_data != plain.on_no_data ||
        rule.on_error != plain.on_error || rule.flap_detection || !rule.depends_on.empty()) {
      problem("resolve_expr, on_no_data, on_error, flap_detection and depends_on belong to alerts");
    }
  }

  void check_alerting(const RuleConfig& rule) {
    if (rule.logql && rule.on_no_data != Fallback::kOk) {
      problem(
          "on_no_data needs PromQL: logs that are silent cannot be told from logs that are gone");
    }
    if (rule.flap_detection) {
      const FlapDetection& flap = *rule.flap_detection;
      if (!(flap.low > 0 && flap.low < flap.high && flap.high < 1)) {
        problem("flap_detection wants 0 < low < high < 1");
      }
    }
    for (const std::string& text : rule.depends_on) {
      if (const auto matcher = parse_matcher(text); !matcher) {
        problem("depends_on: " + matcher.error().what());
      }
    }
    if (rule.depends_on.empty() && !rule.equal.empty()) problem("equal belongs to depends_on");
    if (!is_valid_utf8(rule.alert)) problem("the alert's name is not valid UTF-8");
    const auto templates = RuleTemplates::compile(rule.alert, merged_labels(group_, rule),
                                                  rule.annotations, TemplateWorld(), nullptr);
    if (!templates) problem(templates.error().what());
  }

  const GroupConfig& group_;
  const promql::EngineOptions& options_;
  std::string place_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> check_group(const GroupConfig& group,
                                     const promql::EngineOptions& options) {
  return GroupCheck(group, options).run();
}

}  // namespace nines::alerts
