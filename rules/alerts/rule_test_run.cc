#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
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
  Result<std::vector<storage::Incident>> open_incidents(std::size_t) override {
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

// An alert or a sample in words, of one or more lines.
using Description = std::vector<std::string>;

std::string listed(const std::vector<Description>& all) {
  std::string out = "[";
  for (const Description& one : all) out += "\n      " + join(one, " ");
  return out + (all.empty() ? "]" : "\n    ]");
}

std::vector<std::string> lines_of(const std::vector<Description>& all) {
  std::vector<std::string> out;
  for (const Description& one : all) out.insert(out.end(), one.begin(), one.end());
  return out;
}

CaseResult compared(std::string name, int line, bool same, std::vector<Description> expected,
                    std::vector<Description> got) {
  CaseResult out{std::move(name), "", line, {}, {}};
  if (same) return out;
  std::sort(expected.begin(), expected.end());
  std::sort(got.begin(), got.end());
  out.failure = "\n    expected " + listed(expected) + "\n    got " + listed(got);
  out.expected = lines_of(expected);
  out.got = lines_of(got);
  return out;
}

Description describe(const LabelSet& labels, const LabelSet& annotations) {
  return {"labels " + labels.to_string(), "annotations " + annotations.to_string()};
}

// Equal, or next to each other: they differ in the last bit of the mantissa.
bool neighbours(double a, double b) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  return a == b || std::nextafter(a, -kInf) == b || std::nextafter(a, kInf) == b;
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
    for (const ExprCase& one : test_.expr_cases) results_.push_back(check_expr(one));
    last_ = last;
    return std::move(results_);
  }

  // After run(): all that is stored by then, of input and of rules, a line a series.
  Result<std::vector<std::string>> dump() {
    const Duration span = last_ + Duration(1000);  // windows are open on the left
    NINES_TRY(const promql::Query query,
              promql::Query::parse("{__name__=~\".+\"}[" + format_duration(span) + "]", options_));
    NINES_TRY(const promql::QueryResult answer, engine_.instant(query, test_.start + last_));
    std::vector<std::string> out;
    for (const promql::MatrixSeries& series : std::get<promql::Matrix>(answer.value)) {
      std::string line = series.labels.to_string();
      const SampleColumns& samples = series.samples;
      for (std::size_t i = 0; i < samples.size(); ++i) {
        const bool histogram = !samples.histograms.empty() && samples.histograms[i];
        const Duration at = from_millis(samples.times[i]) - test_.start;
        line += " " +
                (histogram ? "{count:" + format_double(samples.histograms[i]->count) +
                                 " sum:" + format_double(samples.histograms[i]->sum) + "}"
                           : format_double(samples.values[i])) +
                "@" + format_duration(at);
      }
      out.push_back(std::move(line));
    }
    return out;
  }

 private:
  void note_errors(const std::vector<GroupStatus>& status, Duration at) {
    for (const GroupStatus& group : status) {
      for (const RuleStatus& rule : group.rules) {
        if (rule.health != "err") continue;
        results_.push_back({"evaluation of " + rule.config.alert + rule.config.record + " at " +
                                format_duration(at),
                            rule.last_error,
                            test_.line,
                            {},
                            {}});
      }
    }
  }

  void check_alerts(const AlertCase& wanted, const std::vector<GroupStatus>& status) {
    std::vector<Description> got, expected;
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
    const bool same = got == expected;
    results_.push_back(
        compared("alert " + wanted.alertname + " at " + format_duration(wanted.eval_time),
                 wanted.line, same, std::move(expected), std::move(got)));
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
    return expected.value == got.value ||
           (file_.fuzzy_compare && neighbours(expected.value, got.value));
  }

  static std::string describe_sample(const promql::VectorSample& sample) {
    return sample.labels.to_string() + " " +
           (sample.histogram ? "a histogram of " + format_double(sample.histogram->count) +
                                   " with sum " + format_double(sample.histogram->sum)
                             : format_double(sample.value));
  }

  CaseResult check_expr(const ExprCase& wanted) {
    CaseResult result{"expr " + quote_go(wanted.expr) + " at " + format_duration(wanted.eval_time),
                      "",
                      wanted.line,
                      {},
                      {}};
    std::vector<promql::VectorSample> expected;
    for (const ExpectedSample& sample : wanted.samples) {
      auto parsed = promql::parse_test_sample(
          sample.labels, sample.histogram.empty() ? format_double(sample.value) : sample.histogram);
      if (!parsed) {
        result.failure = "exp_samples: " + parsed.error().what();
        return result;
      }
      expected.push_back(*std::move(parsed));
    }
    auto answer = evaluate(wanted.expr, wanted.eval_time);
    if (!answer) {
      result.failure = answer.error().what();
      return result;
    }
    promql::Vector got = *std::move(answer);
    const auto by_labels = [](const auto& a, const auto& b) { return a.labels < b.labels; };
    std::stable_sort(got.begin(), got.end(), by_labels);
    std::stable_sort(expected.begin(), expected.end(), by_labels);
    const bool equal = std::equal(expected.begin(), expected.end(), got.begin(), got.end(),
                                  [&](const auto& a, const auto& b) { return same(a, b); });
    std::vector<Description> left, right;
    for (const auto& sample : expected) left.push_back({describe_sample(sample)});
    for (const auto& sample : got) right.push_back({describe_sample(sample)});
    return compared(std::move(result.name), wanted.line, equal, std::move(left), std::move(right));
  }

  Result<promql::Vector> evaluate(const std::string& expr, Duration at) {
    NINES_TRY(const promql::Query query, promql::Query::parse(expr, options_));
    clock_.set(test_.start + at);
    NINES_TRY(promql::QueryResult answer, engine_.instant(query, clock_.now()));
    if (auto* vector = std::get_if<promql::Vector>(&answer.value)) return std::move(*vector);
    if (const auto* scalar = std::get_if<promql::Scalar>(&answer.value))
      return promql::Vector{{LabelSet(), {}, scalar->value, nullptr}};
    return Error(ErrorCode::kInvalid, "the result is neither a vector nor a scalar");
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
  Duration last_{0};  // evaluation
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
                                                   const RuleTestOptions& options) {
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
    RuleTestResult result{test.name, test.line, {}, {}};
    TestRun run(file, test, options.engine, *store);
    if (auto cases = run.run(in_turn)) {
      result.cases = *std::move(cases);
    } else {
      result.cases.push_back({"set-up", cases.error().what(), test.line, {}, {}});
    }
    if (options.dump) {
      NINES_TRY(result.dump, run.dump());
    }
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace nines::alerts
