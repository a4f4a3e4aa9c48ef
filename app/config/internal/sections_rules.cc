// [[groups]], [[slos]]: what is judged.
#include <set>
#include <string>
#include <vector>

#include "app/config/internal/sections.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::config {
namespace {

alerts::RuleConfig read_rule(TableReader& t, const Config& config, bool& expr_ok) {
  alerts::RuleConfig rule;
  rule.line = t.line();
  t.read("record", rule.record);
  t.read("alert", rule.alert);
  t.read("expr", rule.expr);
  t.read("for", rule.hold);
  t.read("keep_firing_for", rule.keep_firing_for);
  t.read("labels", rule.labels);
  t.read("annotations", rule.annotations);
  if (rule.record.empty() == rule.alert.empty()) {
    t.fail("", "a rule needs exactly one of `alert` and `record`");
    expr_ok = false;
  }
  if (rule.expr.empty()) {
    t.fail("expr", "`expr` is missing in rule " + quote_go(rule.alert + rule.record));
    expr_ok = false;
  } else if (const auto query = promql::Query::parse(rule.expr, config.promql); !query) {
    check_promql(t, "expr", rule.expr, config);
    expr_ok = false;
  }
  if (!rule.record.empty()) {
    for (const char* key : {"for", "keep_firing_for", "annotations"}) {
      if (t.has(key))
        t.fail(key, "`" + std::string(key) + "` belongs to alerting rules, not to `record`");
    }
  }
  return rule;
}

std::vector<slo::BurnWindow> read_burn_windows(TableReader& t) {
  std::string preset = "google-30d";
  t.read_one_of("preset", preset, {"google-30d", "none"});
  std::vector<slo::BurnWindow> rows;
  if (preset == "google-30d") rows = slo::google_30d();
  if (t.has("windows")) rows.clear();
  t.tables("windows", [&](TableReader& w) {
    slo::BurnWindow row;
    w.read("long", row.long_window);
    w.read("short", row.short_window);
    w.read("burn_rate", row.burn_rate);
    w.read("severity", row.severity);
    if (row.long_window <= row.short_window || row.short_window < Duration(60'000)) {
      w.fail("long", "`long` must be longer than `short`, and `short` at least 1m");
    }
    rows.push_back(std::move(row));
  });
  return rows;
}

}  // namespace

void read_groups(TableReader& root, Config& config, const Context& context) {
  std::set<std::string> names;
  root.tables("groups", [&](TableReader& t) {
    alerts::GroupConfig group;
    group.file = context.file;
    t.read("name", group.name);
    t.read("interval", group.interval);
    t.read("query_offset", group.query_offset);
    t.read_count("limit", group.limit);
    t.read("labels", group.labels);
    if (group.name.empty()) {
      t.fail("name", "`name` is missing in [[groups]]");
    } else if (!names.insert(group.name).second) {
      t.fail("name", "group " + quote_go(group.name) + " is defined twice in this file");
    }
    bool sound = true;
    t.tables("rules", [&](TableReader& r) { group.rules.push_back(read_rule(r, config, sound)); });
    if (group.rules.empty())
      t.fail("", "group " + quote_go(group.name) + " has no [[groups.rules]]");
    if (sound && !group.name.empty()) {
      // They begin with `file:line: `, of the rule, which is as near as templates are known.
      for (const std::string& problem : alerts::check_group(group, config.promql)) {
        if (problem.starts_with(group.file + ":")) {
          const std::size_t place = problem.find(": ", group.file.size() + 1);
          t.problems().add_line(problem.substr(0, place) + ":1" + problem.substr(place));
        } else {
          t.fail("", problem);
        }
      }
    }
    config.groups.push_back(std::move(group));
  });
}

void read_slos(TableReader& root, Config& config) {
  root.tables("slos", [&](TableReader& t) {
    slo::SloConfig s;
    s.line = t.line();
    t.read("name", s.name);
    t.read("service", s.service);
    t.read("description", s.description);
    t.read_one_of("budgeting_method", s.budgeting_method, {"Occurrences"});
    t.table("time_window", [&](TableReader& w) {
      bool rolling = true;
      w.read("duration", s.window);
      w.read("is_rolling", rolling);
      if (!rolling)
        w.fail("is_rolling", "calendar windows are not in this version: write `is_rolling = true`");
      if (s.window < Duration(3'600'000) || s.window > Duration(400LL * 86'400'000)) {
        w.fail("duration", "`duration` must be between 1h and 400d");
      }
    });
    int objectives = 0;
    t.tables("objectives", [&](TableReader& o) {
      ++objectives;
      double target = 0;
      std::string display_name;
      o.read("display_name", display_name);
      o.read("target", target);
      if (target != 0) s.target_percent = target * 100;
      o.read("target_percent", s.target_percent);
      if (objectives == 2)
        o.fail("", "one objective per SLO: write a second [[slos]] for the other");
    });
    if (objectives == 0) t.fail("objectives", "`objectives` is missing in SLO " + quote_go(s.name));
    bool has_indicator = false;
    t.table("indicator", [&](TableReader& i) {
      i.table("ratio_metric", [&](TableReader& r) {
        has_indicator = true;
        r.read("counter", s.indicator.counter);
        r.read("good", s.indicator.good);
        r.read("bad", s.indicator.bad);
        r.read("total", s.indicator.total);
        for (const auto& [key, expr] :
             {std::pair("good", &s.indicator.good), std::pair("bad", &s.indicator.bad),
              std::pair("total", &s.indicator.total)}) {
          if (!expr->empty()) check_promql(r, key, *expr, config);
        }
      });
    });
    if (!has_indicator)
      t.fail("indicator",
             "`indicator = { ratio_metric = { good = '...', total = '...' } }` is missing");
    s.alerting = slo::google_30d();
    t.table("alerting", [&](TableReader& a) { s.alerting = read_burn_windows(a); });
    if (has_indicator && t.problems().empty()) {
      for (const std::string& problem : slo::check_slo(s, config.promql)) t.fail("", problem);
    }
    for (const auto& other : config.slos) {
      if (other.name == s.name) t.fail("name", "SLO " + quote_go(s.name) + " is defined twice");
    }
    config.slos.push_back(std::move(s));
  });
}

}  // namespace nines::config
