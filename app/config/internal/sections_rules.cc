// [[groups]]: rules.
#include <set>
#include <string>
#include <vector>

#include "app/config/internal/sections.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::config {
namespace {

// What TOML rules have beyond Prometheus's.
void read_extras(TableReader& t, alerts::RuleConfig& rule) {
  std::string type = "promql";
  t.read_one_of("type", type, {"promql", "logql"});
  rule.logql = type == "logql";
  t.read("resolve_expr", rule.resolve_expr);
  const auto fallback = [&](const char* key, alerts::Fallback& out) {
    if (!t.has(key)) return;
    std::string word = "ok";
    t.read_one_of(key, word, {"ok", "alert", "keep"});
    out = word == "alert"  ? alerts::Fallback::kAlert
          : word == "keep" ? alerts::Fallback::kKeep
                           : alerts::Fallback::kOk;
  };
  fallback("on_no_data", rule.on_no_data);
  fallback("on_error", rule.on_error);
  t.table("flap_detection", [&](TableReader& f) {
    rule.flap_detection.emplace();
    f.read("high", rule.flap_detection->high);
    f.read("low", rule.flap_detection->low);
  });
  t.read("depends_on", rule.depends_on);
  t.read("equal", rule.equal);
}

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
  read_extras(t, rule);
  if (rule.record.empty() == rule.alert.empty()) {
    t.fail("", "a rule needs exactly one of `alert` and `record`");
    expr_ok = false;
  }
  if (rule.expr.empty()) {
    t.fail("expr", "`expr` is missing in rule " + quote_go(rule.alert + rule.record));
    expr_ok = false;
  } else if (rule.logql) {
    // Checked with its group: the place is the rule's.
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

}  // namespace nines::config
