#pragma once
// Unit tests of rules written in TOML: the keys of promtool's files, under the same names.

#include <string>
#include <string_view>

#include "base/core/result.h"
#include "rules/alerts/rule_test.h"

namespace nines::config {

// What parse_rule_tests_yaml() reads from YAML:
//
//   rule_files = ["shop.toml"]
//   [[tests]]
//   input_series = [{ series = 'up{job="shop"}', values = "0x10" }]
//   [[tests.alert_rule_test]]
//   eval_time = "6m"
//   alertname = "Down"
//   exp_alerts = [{ exp_labels = { job = "shop" }, exp_annotations = { summary = "shop is down" }
//   }]
//   [[tests.promql_expr_test]]
//   expr = "up"
//   eval_time = "1m"
//   exp_samples = [{ labels = 'up{job="shop"}', value = 0 }]
//
// start_timestamp is a TOML time with an offset, a text as of Prometheus's API, or seconds.
// kInvalid: every problem on a line of its own, `file:line:col: message`.
Result<alerts::RuleTestFile> parse_rule_tests_toml(
    const std::string& file, std::string_view text,
    alerts::UnknownKeys unknown = alerts::UnknownKeys::kRefuse);

}  // namespace nines::config
