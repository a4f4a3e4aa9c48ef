// Of [[slos]]: what its alerts carry, what is left out of the budget, what follows when it shrinks.
#include <algorithm>
#include <string>
#include <vector>

#include "app/config/internal/sections.h"
#include "base/text/text.h"
#include "rules/slo/service.h"

namespace nines::config {
namespace {

void read_label_map(TableReader& t, std::string_view key, std::map<std::string, std::string>& out) {
  t.each_string(key, [&](const std::string& name, const std::string& value,
                         const toml::source_region& place) {
    if (!is_legacy_label_name(name) || name == kAlertName) {
      t.problems().add(place, quote_go(name) +
                                  " cannot be a label here: names are letters, digits "
                                  "and _, and `name` names the alert");
    }
    out[name] = value;
  });
}

void read_texts(TableReader& t, slo::AlertTexts& out) {
  read_label_map(t, "labels", out.labels);
  t.read("annotations", out.annotations);
}

void read_texts_of_severity(TableReader& a, std::string_view key, slo::AlertTexts& out) {
  a.table(key, [&](TableReader& t) {
    t.read("disable", out.disabled);
    read_texts(t, out);
    std::string severity;
    t.read("severity", severity);
    if (!severity.empty()) out.labels["severity"] = severity;
  });
}

void read_exclusions(TableReader& t, slo::SloConfig& s, const Config& config) {
  std::vector<std::string> names;
  t.read("exclude", names);
  for (const std::string& name : names) {
    const auto& all = config.maintenance;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
    if (found == all.end() && config.rules_alone) {
      t.warn("exclude", "`exclude` names " + quote_go(name) +
                            ", which must be among [[maintenance]] of the configuration");
    } else if (found == all.end()) {
      t.fail("exclude", "`exclude` names " + quote_go(name) +
                            ", which is not among [[maintenance]]: define it before, or take it "
                            "out of the list");
    } else if (!found->excludes) {
      t.fail("exclude", "maintenance " + quote_go(name) +
                            " has no effect \"slo_exclude\": add it to its `effects`");
    } else {
      s.exclude.push_back(*found);
    }
  }
  t.read("exclude_alerts", s.exclude_alerts);
  for (const std::string& name : s.exclude_alerts) {
    if (name.empty() || !is_valid_utf8(name))
      t.fail("exclude_alerts", "`exclude_alerts` are names of alerts, like [\"DatacenterDown\"]");
  }
}

// Labels of the series that a label of a step would hide.
bool is_of_nines(const std::string& name) {
  return name == "service" || name == "slo" || name == "remaining_below" || name == kAlertName ||
         name.starts_with("sloth_") || name == "slo_definition";
}

void read_action(TableReader& t, const std::string& action, slo::PolicyStep& step,
                 const Config& config) {
  const std::size_t colon = action.find(':');
  const std::string kind = action.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : action.substr(colon + 1);
  if (action == "notify") {
    step.notify = true;
    return;
  }
  if ((kind == "notify" || kind == "webhook") && !rest.empty()) {
    const auto& all = config.notify.receivers;
    const bool known =
        std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.name == rest; });
    if (!known && config.rules_alone) {
      t.warn("actions", quote_go(action) + ": receiver " + quote_go(rest) +
                            " must be among [[receivers]] of the configuration");
    } else if (!known) {
      t.fail("actions",
             quote_go(action) + ": receiver " + quote_go(rest) + " is not among [[receivers]]");
    }
    step.receivers.push_back(rest);
    return;
  }
  const std::size_t equals = rest.find('=');
  if (kind == "label" && equals != std::string::npos && equals + 1 < rest.size() &&
      is_legacy_label_name(rest.substr(0, equals)) && !is_of_nines(rest.substr(0, equals))) {
    step.labels[rest.substr(0, equals)] = rest.substr(equals + 1);
    return;
  }
  t.fail("actions",
         "`actions` are \"notify\" (an alert to the routes), \"notify:RECEIVER\", "
         "\"webhook:RECEIVER\" and \"label:NAME=VALUE\" (a NAME that nines does not "
         "set itself), not " +
             quote_go(action));
}

void read_policy(TableReader& t, slo::SloConfig& s, const Config& config) {
  t.tables("error_budget_policy", [&](TableReader& p) {
    slo::PolicyStep step;
    if (!p.has("remaining_below")) {
      p.fail("", "`remaining_below` is missing in " + p.name() +
                     ": the share of the budget, 0.25 for a quarter");
    }
    p.read("remaining_below", step.remaining_below);
    p.read("hysteresis", step.hysteresis);
    if (!(step.remaining_below >= -10 && step.remaining_below <= 1)) {
      p.fail("remaining_below",
             "`remaining_below` must be between -10 and 1: 1 is the whole budget, "
             "0 none of it, below 0 more than all is spent");
    }
    if (!(step.hysteresis >= 0 && step.hysteresis <= 1))
      p.fail("hysteresis", "`hysteresis` must be between 0 and 1, a share of the budget");
    std::vector<std::string> actions;
    p.read("actions", actions);
    if (actions.empty()) {
      p.fail("actions",
             "`actions` is missing: [\"notify\"], [\"webhook:RECEIVER\"], "
             "[\"label:NAME=VALUE\"]");
    }
    for (const std::string& action : actions) read_action(p, action, step, config);
    for (const slo::PolicyStep& other : s.policy) {
      if (other.remaining_below == step.remaining_below)
        p.fail("remaining_below", "two steps have the same `remaining_below`: make them one");
    }
    s.policy.push_back(std::move(step));
  });
  std::sort(s.policy.begin(), s.policy.end(),
            [](const auto& a, const auto& b) { return a.remaining_below > b.remaining_below; });
}

}  // namespace

void read_alert_naming(TableReader& a, slo::AlertNaming& out) {
  a.read("name", out.name);
  if (out.name.empty() || !is_valid_utf8(out.name)) a.fail("name", "`name` must not be empty");
  read_texts(a, out.all);
  read_texts_of_severity(a, "page", out.page);
  read_texts_of_severity(a, "ticket", out.ticket);
}

void read_slo_rest(TableReader& t, slo::SloConfig& s, const Config& config) {
  const std::size_t before = t.problems().lines().size();
  read_label_map(t, "labels", s.labels);
  read_exclusions(t, s, config);
  read_policy(t, s, config);
  if (t.problems().lines().size() != before) return;
  // Labels and annotations are templates: what is wrong with them is said now.
  for (const alerts::GroupConfig& group : slo::Service::alert_groups({s})) {
    for (const std::string& problem : alerts::check_group(group, config.promql))
      t.fail("", problem);
  }
}

}  // namespace nines::config
