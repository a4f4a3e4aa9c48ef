#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/alerts/manager.h"
#include "rules/alerts/rule_test.h"

namespace nines::alerts {
namespace {

constexpr double kFuzz = 0.000001;

// A test remembers nothing from one run to the next.
class Forgetful final : public storage::AlertStateStore, public storage::IncidentStore {
 public:
  Result<std::vector<storage::StoredAlert>> load_alerts() override {
    return std::vector<storage::StoredAlert>{};
  }
  Result<void> save_alerts(const std::string&, const std::vector<storage::StoredAlert>&) override {
    return {};
  }
  Result<void> save_incident(const storage::Incident&) override { return {}; }
  Result<void> add_event(const storage::IncidentEvent&) override { return {}; }
  Result<void> add_events(const std::vector<storage::IncidentEvent>&) override { return {}; }
  Result<void> record(const std::vector<storage::IncidentRecord>&) override { return {}; }
  Result<std::vector<storage::Incident>> incidents(std::size_t) override {
    return std::vector<storage::Incident>{};
  }
  Result<storage::Incident> incident(const std::string&) override {
    return Error(ErrorCode::kNotFound, "a test keeps no incidents");
  }
  Result<std::vector<storage::IncidentEvent>> events(const std::string&) override {
    return std::vector<storage::IncidentEvent>{};
  }
};

// Stands at the instant that is evaluated.
class TestClock final : public Clock {
 public:
  Timestamp now() const override { return now_; }
  Instant elapsed() const override { return Instant{} + (now_ - Timestamp{}); }
  void set(Timestamp at) { now_ = at; }

 private:
  Timestamp now_{};
};
// Nothing runs by itself.
class TestScheduler final : public Scheduler, public Executor {
 public:
  explicit TestScheduler(const Clock& clock) : clock_(clock) {}
  TimerId at(Instant, std::function<void()>) override { return TimerId::kNone; }
  void cancel(TimerId) override {}
  const Clock& clock() const override { return clock_; }
  bool post(std::function<void()>) override { return false; }

 private:
  const Clock& clock_;
};

std::string in_order(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  std::string out = "[";
  for (const std::string& text : texts) out += "\n      " + text;
  return out + (texts.empty() ? "]" : "\n    ]");
}

std::string difference(const std::vector<std::string>& expected,
                       const std::vector<std::string>& got) {
  return "\n    expected " + in_order(expected) + "\n    got " + in_order(got);
}

std::string describe(const LabelSet& labels, const LabelSet& annotations) {
  return "labels " + labels.to_string() + " annotations " + annotations.to_string();
}

LabelSet to_labels(std::map<std::string, std::string> texts) {
  std::vector<Label> labels;
  for (auto& [name, value] : texts) labels.push_back({name, value});
  return LabelSet::from(std::move(labels));
}

class TestRun {
 public:
  TestRun(const RuleTestFile& file, const RuleTest& test, const promql::EngineOptions& options,
          promql::ScriptStore& store)
      : file_(file),
        test_(test),
        store_(store),
        scheduler_(clock_),
        log_(make_null_log()),
        telemetry_(make_telemetry()),
        engine_(store.querier(), clock_, options),
        options_(options) {}

  Result<std::vector<CaseResult>> run(const std::vector<GroupConfig>& groups) {
    const Duration gap =
        test_.interval > Duration::zero() ? test_.interval : file_.evaluation_interval;
    if (auto loaded =
            promql::load_test_series(test_.input_series, gap, store_.appender(), test_.start);
        !loaded) {
      return loaded.error();
    }
    ManagerOptions options;
    options.evaluation_interval = file_.evaluation_interval;
    options.external_labels = to_labels(test_.external_labels);
    options.external_url = test_.external_url;
    Manager manager(options, {engine_,
                              store_.appender(),
                              forgetful_,
                              forgetful_,
                              scheduler_,
                              scheduler_,
                              *log_,
                              *telemetry_,
                              {}});
    if (auto loaded = manager.load(groups); !loaded) return loaded.error();
    Duration last{0};
    for (const AlertCase& one : test_.alert_cases) last = std::max(last, one.eval_time);
    for (const ExprCase& one : test_.expr_cases) last = std::max(last, one.eval_time);
    for (Duration at{0}; at <= last; at += file_.evaluation_interval) {
      clock_.set(test_.start + at);
      manager.evaluate_once(clock_.now());
      const std::vector<GroupStatus> status = manager.status();
      note_errors(status, at);
      for (const AlertCase& one : test_.alert_cases) {
        if (one.eval_time >= at && one.eval_time < at + file_.evaluation_interval)
          check_alerts(one, status);
      }
    }
    for (const ExprCase& one : test_.expr_cases) check_expr(one);
    return std::move(results_);
  }

 private:
  void note_errors(const std::vector<GroupStatus>& status, Duration at) {
    for (const GroupStatus& group : status) {
      for (const RuleStatus& rule : group.rules) {
        if (rule.health != "err") continue;
        results_.push_back({"evaluation of " + rule.config.alert + rule.config.record + " at " +
                                format_duration(at),
                            rule.last_error, test_.line});
      }
    }
  }

  void check_alerts(const AlertCase& wanted, const std::vector<GroupStatus>& status) {
    std::vector<std::string> got, expected;
    for (const GroupStatus& group : status) {
      for (const RuleStatus& rule : group.rules) {
        if (rule.config.alert != wanted.alertname) continue;
        for (const Alert& alert : rule.alerts) {
          if (alert.state == AlertState::kFiring)
            got.push_back(describe(alert.labels, alert.annotations));
        }
      }
    }
    for (const ExpectedAlert& alert : wanted.alerts) {
      std::map<std::string, std::string> labels = alert.labels;
      labels["alertname"] = wanted.alertname;
      expected.push_back(describe(to_labels(std::move(labels)), to_labels(alert.annotations)));
    }
    std::sort(got.begin(), got.end());
    std::sort(expected.begin(), expected.end());
    results_.push_back({"alert " + wanted.alertname + " at " + format_duration(wanted.eval_time),
                        got == expected ? "" : difference(expected, got), wanted.line});
  }

  bool same(const promql::VectorSample& expected, const promql::VectorSample& got) const {
    if (expected.labels != got.labels) return false;
    if (static_cast<bool>(expected.histogram) != static_cast<bool>(got.histogram)) return false;
    if (expected.histogram) {
      Histogram a = *expected.histogram, b = *got.histogram;
      a.reset_hint = b.reset_hint = ResetHint::kUnknown;
      return a == b;
    }
    if (std::isnan(expected.value) || std::isnan(got.value))
      return std::isnan(expected.value) && std::isnan(got.value);
    if (expected.value == got.value) return true;
    const double scale = std::abs(expected.value) + std::abs(got.value);
    return file_.fuzzy_compare && std::abs(expected.value - got.value) / scale < kFuzz;
  }

  static std::string describe_sample(const promql::VectorSample& sample) {
    return sample.labels.to_string() + " " +
           (sample.histogram ? "a histogram of " + format_double(sample.histogram->count) +
                                   " with sum " + format_double(sample.histogram->sum)
                             : format_double(sample.value));
  }

  void check_expr(const ExprCase& wanted) {
    CaseResult result{"expr " + quote_go(wanted.expr) + " at " + format_duration(wanted.eval_time),
                      evaluate(wanted), wanted.line};
    results_.push_back(std::move(result));
  }

  std::string evaluate(const ExprCase& wanted) {
    std::vector<promql::VectorSample> expected;
    for (const ExpectedSample& sample : wanted.samples) {
      auto parsed = promql::parse_test_sample(
          sample.labels, sample.histogram.empty() ? format_double(sample.value) : sample.histogram);
      if (!parsed) return "exp_samples: " + parsed.error().what();
      expected.push_back(*std::move(parsed));
    }
    const auto query = promql::Query::parse(wanted.expr, options_);
    if (!query) return query.error().what();
    clock_.set(test_.start + wanted.eval_time);
    const auto answer = engine_.instant(*query, clock_.now());
    if (!answer) return answer.error().what();
    promql::Vector got;
    if (const auto* vector = std::get_if<promql::Vector>(&answer->value)) {
      got = *vector;
    } else if (const auto* scalar = std::get_if<promql::Scalar>(&answer->value)) {
      got.push_back({LabelSet(), {}, scalar->value, nullptr});
    } else {
      return "the result is neither a vector nor a scalar";
    }
    const auto by_labels = [](const auto& a, const auto& b) { return a.labels < b.labels; };
    std::stable_sort(got.begin(), got.end(), by_labels);
    std::stable_sort(expected.begin(), expected.end(), by_labels);
    const bool equal = std::equal(expected.begin(), expected.end(), got.begin(), got.end(),
                                  [&](const auto& a, const auto& b) { return same(a, b); });
    if (equal) return "";
    std::vector<std::string> left, right;
    for (const auto& sample : expected) left.push_back(describe_sample(sample));
    for (const auto& sample : got) right.push_back(describe_sample(sample));
    return difference(left, right);
  }

  const RuleTestFile& file_;
  const RuleTest& test_;
  promql::ScriptStore& store_;
  Forgetful forgetful_;
  TestClock clock_;
  TestScheduler scheduler_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Telemetry> telemetry_;
  promql::Engine engine_;
  promql::EngineOptions options_;
  std::vector<CaseResult> results_;
};

// Groups of `order` come first, in its order.
std::vector<GroupConfig> ordered(std::vector<GroupConfig> groups,
                                 const std::vector<std::string>& order) {
  const auto place = [&](const GroupConfig& group) {
    return std::find(order.begin(), order.end(), group.name) - order.begin();
  };
  std::stable_sort(groups.begin(), groups.end(),
                   [&](const GroupConfig& a, const GroupConfig& b) { return place(a) < place(b); });
  return groups;
}

}  // namespace

Result<std::vector<RuleTestResult>> run_rule_tests(const RuleTestFile& file,
                                                   const std::vector<GroupConfig>& groups,
                                                   const promql::ScriptStoreFactory& make_store,
                                                   const promql::EngineOptions& options) {
  std::set<std::string> seen;
  for (const std::string& name : file.group_eval_order) {
    if (!seen.insert(name).second) {
      return Error(ErrorCode::kInvalid,
                   file.file + ": group " + quote_go(name) + " stands twice in group_eval_order");
    }
  }
  const std::vector<GroupConfig> in_turn = ordered(groups, file.group_eval_order);
  std::vector<RuleTestResult> results;
  for (const RuleTest& test : file.tests) {
    NINES_TRY(const std::unique_ptr<promql::ScriptStore> store, make_store());
    RuleTestResult result{test.name, test.line, {}};
    TestRun run(file, test, options, *store);
    if (auto cases = run.run(in_turn)) {
      result.cases = *std::move(cases);
    } else {
      result.cases.push_back({"set-up", cases.error().what(), test.line});
    }
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace nines::alerts
