#include "app/config/rule_tests.h"

#include <sstream>
#include <utility>

#include "app/config/internal/toml_reader.h"
#include "app/config/internal/toml_text.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::config {
namespace {

// A number, or a text that is one: "NaN", "+Inf", "0x1p3".
void read_value(TableReader& t, double& out) {
  const toml::node* node = t.raw().get("value");
  if (node == nullptr || !node->is_string()) {
    t.read("value", out);
    return;
  }
  std::string text;
  t.read("value", text);
  if (const auto value = parse_double(text)) {
    out = *value;
  } else {
    t.fail("value", "`value` must be a number, not " + quote_go(text));
  }
}

void read_start(TableReader& t, Timestamp& out) {
  constexpr std::string_view kKey = "start_timestamp";
  const toml::node* node = t.raw().get(kKey);
  if (node == nullptr) return;
  t.accept(kKey);
  std::string text;
  if (const auto* written = node->as_string()) {
    text = written->get();
  } else if (const auto* time = node->as_date_time()) {
    std::ostringstream out_text;
    out_text << time->get();
    text = out_text.str();
  } else if (const auto number = node->value<double>(); number && node->is_number()) {
    text = format_double(*number);
  }
  const Result<Timestamp> start = parse_time(text);
  if (start) {
    out = *start;
  } else {
    t.fail(kKey,
           "`start_timestamp` must be a time such as 2026-01-31T12:00:00Z, or seconds since 1970");
  }
}

void read_alert_case(TableReader& t, alerts::RuleTest& test) {
  alerts::AlertCase out;
  out.line = t.line();
  t.read("eval_time", out.eval_time);
  t.read("alertname", out.alertname);
  t.tables("exp_alerts", [&](TableReader& e) {
    alerts::ExpectedAlert expected;
    e.read("exp_labels", expected.labels);
    e.read("exp_annotations", expected.annotations);
    out.alerts.push_back(std::move(expected));
  });
  if (out.alertname.empty()) t.fail("alertname", "an alert_rule_test needs an `alertname`");
  test.alert_cases.push_back(std::move(out));
}

void read_expr_case(TableReader& t, alerts::RuleTest& test) {
  alerts::ExprCase out;
  out.line = t.line();
  t.read("expr", out.expr);
  t.read("eval_time", out.eval_time);
  t.tables("exp_samples", [&](TableReader& s) {
    alerts::ExpectedSample sample;
    s.read("labels", sample.labels);
    read_value(s, sample.value);
    s.read("histogram", sample.histogram);
    out.samples.push_back(std::move(sample));
  });
  if (out.expr.empty()) t.fail("expr", "a promql_expr_test needs an `expr`");
  test.expr_cases.push_back(std::move(out));
}

void read_test(TableReader& t, alerts::RuleTestFile& file) {
  alerts::RuleTest out;
  out.line = t.line();
  t.read("name", out.name);
  t.read("interval", out.interval);
  t.read("external_labels", out.external_labels);
  t.read("external_url", out.external_url);
  read_start(t, out.start);
  t.tables("input_series", [&](TableReader& s) {
    promql::TestSeries series;
    s.read("series", series.series);
    s.read("values", series.values);
    out.input_series.push_back(std::move(series));
  });
  t.tables("alert_rule_test", [&](TableReader& c) { read_alert_case(c, out); });
  t.tables("promql_expr_test", [&](TableReader& c) { read_expr_case(c, out); });
  file.tests.push_back(std::move(out));
}

}  // namespace

Result<alerts::RuleTestFile> parse_rule_tests_toml(const std::string& file, std::string_view text,
                                                   alerts::UnknownKeys unknown) {
  NINES_TRY(const toml::table table, parse_toml(file, text));
  Problems problems(file, unknown == alerts::UnknownKeys::kIgnore);
  TableReader root(table, "", problems);
  alerts::RuleTestFile out;
  out.file = file;
  root.read("rule_files", out.rule_files);
  root.read("evaluation_interval", out.evaluation_interval);
  root.read("group_eval_order", out.group_eval_order);
  root.read("fuzzy_compare", out.fuzzy_compare);
  root.tables("tests", [&](TableReader& t) { read_test(t, out); });
  root.finish();
  if (!problems.empty()) return Error(ErrorCode::kInvalid, join(problems.lines(), "\n"));
  if (out.evaluation_interval <= Duration::zero()) out.evaluation_interval = Duration(60'000);
  return out;
}

}  // namespace nines::config
