#include <map>
#include <string>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/slo/internal/exporter.h"
#include "rules/slo/internal/figures.h"
#include "rules/slo/internal/policy_watch.h"
#include "rules/slo/service.h"

namespace nines::slo {
namespace {

// One rule is for all groups of a grouped SLO, also for those to come.
std::string selector_of(const SloConfig& slo) {
  if (!slo.group_by.empty()) return "slo_definition=\"" + escape_label_value(slo.name) + "\"";
  return "sloth_id=\"" + escape_label_value(slo.service + "-" + slo.name) + "\"";
}

// Labels of series that the alerts get anew from their rule: were they kept, series from before a
// change of `labels` would be a second alert.
std::string without(const SloConfig& slo, std::string names) {
  for (const auto& [name, value] : own_labels(slo)) names += (names.empty() ? "" : ", ") + name;
  return "max without (" + names + ") (";
}

// `max` drops the window's label and the name, so that both windows have the same labels.
std::string condition(const SloConfig& slo, Duration window, double burn_rate) {
  return without(slo, "sloth_window") + error_ratio_series(window) + "{" + selector_of(slo) +
         "}) > (" + format_double(burn_rate) + " * " +
         format_double(budget_ratio(slo.target_percent)) + ")";
}

const AlertTexts* texts_of(const SloConfig& slo, const std::string& severity) {
  if (severity == "page") return &slo.alerts.page;
  return severity == "ticket" ? &slo.alerts.ticket : nullptr;
}

void add_texts(const AlertTexts& texts, alerts::RuleConfig& rule) {
  for (const auto& [name, value] : texts.labels) rule.labels[name] = value;
  for (const auto& [name, value] : texts.annotations) rule.annotations[name] = value;
}

// What steps of the policy say while they hold, the lowest first, else what stands there anyhow.
// The alert itself says which SLO, or which group of one, it is about.
void add_policy_labels(const SloConfig& slo, alerts::RuleConfig& rule) {
  std::map<std::string, std::string> conditions;
  for (auto step = slo.policy.rbegin(); step != slo.policy.rend(); ++step) {
    const std::string holds = std::string("query (printf `") + kPolicySeries +
                              "{sloth_id=%q,remaining_below=\"" + step_name(*step) +
                              "\"} == 1` $labels.sloth_id) }}";
    for (const auto& [name, value] : step->labels) {
      std::string& text = conditions[name];
      text += (text.empty() ? "{{ if " : "{{ else if ") + holds + value;
    }
  }
  for (const auto& [name, text] : conditions) {
    const auto known = rule.labels.find(name);
    const std::string otherwise = known == rule.labels.end() ? "" : "{{ else }}" + known->second;
    rule.labels[name] = text + otherwise + "{{ end }}";
  }
}

alerts::RuleConfig burn_rule(const SloConfig& slo, const BurnWindow& row) {
  const std::string long_name = window_name(row.long_window);
  const std::string short_name = window_name(row.short_window);
  alerts::RuleConfig rule;
  rule.alert = slo.alerts.name;
  rule.expr = condition(slo, row.long_window, row.burn_rate) + " and " +
              condition(slo, row.short_window, row.burn_rate);
  if (slo.min_events > 0) {  // a handful of requests at night pages nobody
    rule.expr += " and " + without(slo, "sloth_window") + events_series(row.long_window) + "{" +
                 selector_of(slo) + "}) >= " + format_double(slo.min_events);
  }
  rule.labels = {{"severity", row.severity},
                 {"sloth_severity", row.severity},  // what Sloth's dashboards look for in ALERTS
                 {"long_window", long_name},
                 {"short_window", short_name}};
  rule.annotations = {
      {"summary", "{{ $labels.slo }} of {{ $labels.service }} burns its error budget more than " +
                      format_double(row.burn_rate) + " times too fast"},
      {"description", "{{ $value | humanizePercentage }} of the events of the last " + long_name +
                          " were bad, and so it was over the last " + short_name +
                          "; the target of " + format_double(slo.target_percent) + "% allows " +
                          format_double(100 * budget_ratio(slo.target_percent)) + "%."}};
  for (const auto& [name, value] : slo.labels) rule.labels[name] = value;
  add_texts(slo.alerts.all, rule);
  if (const AlertTexts* texts = texts_of(slo, row.severity)) add_texts(*texts, rule);
  add_policy_labels(slo, rule);
  return rule;
}

// Fires while the step of the policy holds; its value is what is left of the budget.
alerts::RuleConfig policy_rule(const SloConfig& slo, const PolicyStep& step) {
  alerts::RuleConfig rule;
  rule.alert = kPolicyAlert;
  std::string ignored = "remaining_below";
  for (const auto& [name, value] : step.labels) ignored += ", " + name;
  rule.expr = without(slo, "") + "slo:period_error_budget_remaining:ratio{" + selector_of(slo) +
              "} and ignoring (" + ignored + ") " + kPolicySeries + "{" + selector_of(slo) +
              ",remaining_below=\"" + step_name(step) + "\"} == 1)";
  rule.labels = {{"severity", "ticket"}, {"remaining_below", step_name(step)}};
  for (const auto& [name, value] : slo.labels) rule.labels[name] = value;
  for (const auto& [name, value] : step.labels) rule.labels[name] = value;
  rule.annotations = {
      {"summary",
       "{{ $labels.slo }} of {{ $labels.service }} has {{ $value | humanizePercentage "
       "}} of its error budget left, less than " +
           format_double(100 * step.remaining_below) + "%"}};
  return rule;
}

}  // namespace

std::vector<alerts::GroupConfig> Service::alert_groups(const std::vector<SloConfig>& slos) {
  std::vector<alerts::GroupConfig> groups;
  for (const SloConfig& slo : slos) {
    alerts::GroupConfig group;
    group.file = "<slo " + slo.name + ">";
    group.name = slo.name;
    group.judges_figures = true;
    for (const BurnWindow& row : slo.alerting) {
      const AlertTexts* texts = texts_of(slo, row.severity);
      if (texts == nullptr || !texts->disabled) group.rules.push_back(burn_rule(slo, row));
    }
    for (const PolicyStep& step : slo.policy) {
      if (step.notify) group.rules.push_back(policy_rule(slo, step));
    }
    if (!group.rules.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace nines::slo
