// [[groups]]: rules.
#include <set>
#include <string>
#include <vector>

#include "app/config/internal/sections.h"
#include "base/model/matcher.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/logql/engine.h"

namespace nines::config {
namespace {

// What TOML rules have beyond Prometheus's. What is wrong with a value is said where it stands.
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
    alerts::FlapDetection& flap = rule.flap_detection.emplace();
    f.read("high", flap.high);
    f.read("low", flap.low);
    if (!(flap.low > 0 && flap.low < flap.high && flap.high < 1))
      t.fail("flap_detection", "`flap_detection` wants 0 < low < high < 1");
  });
  t.read("depends_on", rule.depends_on);
  for (const std::string& text : rule.depends_on) {
    if (const auto matcher = parse_matcher(text); !matcher)
      t.fail("depends_on", "`depends_on`: " + matcher.error().what());
  }
  t.read("equal", rule.equal);
  if (rule.depends_on.empty() && !rule.equal.empty())
    t.fail("equal", "`equal` belongs to `depends_on`, which is missing");
}

void check_expr(TableReader& t, std::string_view key, const std::string& expr, bool logql,
                const Config& config) {
  if (!logql) {
    check_promql(t, key, expr, config);
    return;
  }
  const auto query = logql::LogQuery::parse(expr);
  if (!query) {
    t.fail(key, "`" + std::string(key) + "`: " + query.error().what());
  } else if (!query->is_metric()) {
    t.fail(key, "`" + std::string(key) +
                    "`: the LogQL gives lines, a rule needs numbers: count_over_time(...)");
  }
}

alerts::RuleConfig read_rule(TableReader& t, const Config& config, bool& sound) {
  const std::size_t before = t.problems().lines().size();
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
  }
  if (rule.expr.empty()) {
    t.fail("expr", "`expr` is missing in rule " + quote_go(rule.alert + rule.record));
  } else {
    check_expr(t, "expr", rule.expr, rule.logql, config);
  }
  if (!rule.resolve_expr.empty())
    check_expr(t, "resolve_expr", rule.resolve_expr, rule.logql, config);
  if (!rule.record.empty()) {
    for (const char* key : {"for", "keep_firing_for", "annotations"}) {
      if (t.has(key))
        t.fail(key, "`" + std::string(key) + "` belongs to alerting rules, not to `record`");
    }
  }
  sound = sound && t.problems().lines().size() == before;
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
