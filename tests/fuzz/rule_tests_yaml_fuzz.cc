// Any text as a file of rule tests, with rules behind a line "%%" or, without one, a few that hold
// everything a rule may have. No crash; a mistake names its file; tests of bearable length run
// twice to the same end, and each case that is written has its result,
// unless the test cannot be set up.

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "rules/alerts/rule_test.h"
#include "tests/support/memory_metrics.h"

namespace {

using namespace nines;  // NOLINT: a test program of one file
using namespace nines::alerts;

constexpr std::string_view kRules = R"(
groups:
  - name: g
    interval: 1m
    limit: 5
    labels: {team: blue}
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
        labels: {tier: "1"}
      - alert: Down
        expr: up == 0
        for: 2m
        keep_firing_for: 1m
        labels: {severity: "{{ $labels.job }}"}
        annotations:
          summary: "{{ $labels.instance }} {{ $value | humanize }} {{ range query `up` }}{{ .Value }}{{ end }}"
  - name: h
    rules:
      - alert: Slow
        expr: histogram_quantile(0.9, rate(lag[2m])) > 1
      - record: lag:rate
        expr: rate(lag[2m])
)";

class Store final : public promql::ScriptStore {
 public:
  storage::Appender& appender() override { return metrics_; }
  const storage::Querier& querier() const override { return metrics_; }

 private:
  testing::MemoryMetrics metrics_{200};
};

Result<std::unique_ptr<promql::ScriptStore>> make_store() {
  return std::unique_ptr<promql::ScriptStore>(std::make_unique<Store>());
}

// Values such as 0x1000000 are a million samples.
bool has_long_run(std::string_view values) {
  for (std::size_t i = 0; i + 3 < values.size(); ++i) {
    if (values[i] != 'x') continue;
    const auto digit = [&](std::size_t at) {
      return std::isdigit(static_cast<unsigned char>(values[at])) != 0;
    };
    if (digit(i + 1) && digit(i + 2) && digit(i + 3)) return true;
  }
  return false;
}

bool bearable(const RuleTestFile& file) {
  if (file.tests.size() > 4) return false;
  const Duration last_max = 40 * std::min(file.evaluation_interval, Duration(86'400'000));
  for (const RuleTest& test : file.tests) {
    for (const AlertCase& one : test.alert_cases) {
      if (one.eval_time > last_max) return false;
    }
    for (const ExprCase& one : test.expr_cases) {
      if (one.eval_time > last_max) return false;
    }
    for (const promql::TestSeries& series : test.input_series) {
      if (has_long_run(series.values)) return false;
    }
  }
  return true;
}

void compare(const std::vector<RuleTestResult>& a, const std::vector<RuleTestResult>& b) {
  if (a.size() != b.size()) __builtin_trap();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].cases.size() != b[i].cases.size() || a[i].dump != b[i].dump) __builtin_trap();
    for (std::size_t n = 0; n < a[i].cases.size(); ++n) {
      if (a[i].cases[n].name != b[i].cases[n].name) __builtin_trap();
      if (a[i].cases[n].failure.empty() != b[i].cases[n].failure.empty()) __builtin_trap();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(text.find("\n%%\n"), size);
  const auto file = parse_rule_tests_yaml("f", text.substr(0, cut));
  if (!file) {
    if (!file.error().what().starts_with("f:")) __builtin_trap();
    return 0;
  }
  const auto groups = parse_rules_yaml("r", cut == size ? kRules : text.substr(cut + 4));
  if (!groups || !bearable(*file)) return 0;
  RuleTestOptions options;
  options.engine.samples_max = 20'000;
  options.engine.series_max = 100;
  options.engine.points_max = 500;
  options.engine.memory_bytes_max = 4u << 20;
  options.engine.depth_max = 32;
  options.dump = true;
  for (const GroupConfig& group : *groups) {
    if (!check_group(group, options.engine).empty()) return 0;
  }
  const auto first = run_rule_tests(*file, *groups, make_store, options);
  const auto again = run_rule_tests(*file, *groups, make_store, options);
  if (first.has_value() != again.has_value()) __builtin_trap();
  if (!first) {
    if (first.error().what().empty()) __builtin_trap();
    return 0;
  }
  if (first->size() != file->tests.size()) __builtin_trap();
  for (std::size_t i = 0; i < first->size(); ++i) {
    const RuleTest& test = file->tests[i];
    const std::vector<CaseResult>& cases = (*first)[i].cases;
    if (cases.size() == 1 && cases[0].name == "set-up" && !cases[0].failure.empty()) continue;
    if (cases.size() < test.alert_cases.size() + test.expr_cases.size()) __builtin_trap();
  }
  compare(*first, *again);
  return 0;
}
