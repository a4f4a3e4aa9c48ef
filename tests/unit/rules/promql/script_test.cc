// The language of test scripts: each form passes when it is met and fails when it is not, what
// cannot be read names its line, and a failure tells what was expected and what there was.

#include "rules/promql/script.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/sim_clock.h"

namespace nines::promql {
namespace {

class Store final : public ScriptStore {
 public:
  storage::Appender& appender() override { return metrics_; }
  const storage::Querier& querier() const override { return metrics_; }

 private:
  testing::MemoryMetrics metrics_;
};

Result<ScriptReport> run(const std::string& text) {
  const testing::SimClock clock{Timestamp{}};
  return run_script(
      "a.test", text,
      [] { return Result<std::unique_ptr<ScriptStore>>(std::make_unique<Store>()); }, clock);
}

const std::string kLoad =
    "load 1m\n"
    "  m{a=\"1\"} 1 2 3\n"
    "  m{a=\"2\"} 10 20 30\n"
    "  h {{schema:0 sum:5 count:4 z_bucket:1 z_bucket_w:0.001 offset:1 buckets:[1 1] n_offset:2 "
    "n_buckets:[1] counter_reset_hint:gauge}}x2\n"
    "  c {{schema:-53 sum:5 count:3 custom_values:[1 2] buckets:[1 1 1]}}x2\n\n";

// One evaluation over kLoad.
Result<ScriptReport> eval(const std::string& lines) {
  return run(kLoad + lines + "\n");
}
void passes(const std::string& lines) {
  CAPTURE(lines);
  const auto report = eval(lines);
  REQUIRE_MESSAGE(report, (report ? std::string() : report.error().what()));
  CHECK_MESSAGE(report->failed == 0, (report->failures.empty() ? "" : report->failures[0]));
  CHECK(report->passed == 1);
}
void fails(const std::string& lines, const std::string& why) {
  CAPTURE(lines);
  const auto report = eval(lines);
  REQUIRE_MESSAGE(report, (report ? std::string() : report.error().what()));
  REQUIRE(report->failed == 1);
  const std::string& said = report->failures[0];
  CHECK_MESSAGE(said.find(why) != std::string::npos, said);
  CHECK_MESSAGE(said.starts_with("a.test:7: "), said);
}

TEST_CASE("each form of an evaluation passes when met, and fails with both sides when not") {
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"eval instant at 1m m\n m{a=\"1\"} 2\n m{a=\"2\"} 20",
       "eval instant at 1m m\n m{a=\"1\"} 2\n m{a=\"2\"} 21"},
      {"eval instant m{a=\"1\"}\n m{a=\"1\"} 1", "eval instant m{a=\"1\"}\n m{a=\"1\"} 2"},
      {"eval instant at 1m 1 + 1\n 2", "eval instant at 1m 1 + 1\n 3"},
      {"eval range from 0 to 2m step 1m sum(m)\n {} 11 22 33",
       "eval range from 0 to 2m step 1m sum(m)\n {} 11 _ 33"},
      {"eval range from 0 to 2m step 1m m{a=\"1\"} > 1\n m{a=\"1\"} _ 2 3",
       "eval range from 0 to 2m step 1m m{a=\"1\"} > 1\n m{a=\"1\"} 1 2 3"},
      {"eval instant at 1m sort_desc(m)\n expect ordered\n m{a=\"2\"} 20\n m{a=\"1\"} 2",
       "eval instant at 1m sort_desc(m)\n expect ordered\n m{a=\"1\"} 2\n m{a=\"2\"} 20"},
      {"eval_ordered instant at 1m sort(m)\n m{a=\"1\"} 2\n m{a=\"2\"} 20",
       "eval_ordered instant at 1m sort(m)\n m{a=\"2\"} 20\n m{a=\"1\"} 2"},
      {"eval_fail instant at 1m m + on () m", "eval_fail instant at 1m m + m"},
      {"eval_fail instant at 1m topk(NaN, m)\n expected_fail_message Parameter value is NaN",
       "eval_fail instant at 1m topk(NaN, m)\n expected_fail_message something else"},
      {"eval_fail instant at 1m topk(NaN, m)\n expected_fail_regexp value is .aN",
       "eval_fail instant at 1m topk(NaN, m)\n expected_fail_regexp value is .aM"},
      {"eval instant at 1m topk(NaN, m)\n expect fail msg: Parameter value is NaN",
       "eval instant at 1m topk(NaN, m)\n expect fail msg: Parameter value"},
      {"eval instant at 1m topk(NaN, m)\n expect fail regex: value",
       "eval instant at 1m topk(NaN, m)\n expect fail regex: ^value"},
      {"eval instant at 1m topk(NaN, m)\n expect fail", "eval instant at 1m sum(h)\n expect fail"},
      {"eval_warn instant at 1m quantile(2, m)\n {} +Inf",
       "eval_warn instant at 1m quantile(1, m)\n {} 20"},
      {"eval_info instant at 1m min(h)", "eval_info instant at 1m min(m)\n {} 2"},
      {"eval instant at 1m min(h)\n expect info msg: PromQL info: ignored histogram in min "
       "aggregation (1:5)",
       "eval instant at 1m min(h)\n expect info msg: PromQL info: ignored histogram in max "
       "aggregation (1:5)"},
      {"eval instant at 1m quantile(2, m)\n expect warn regex: got 2 \\(1:10\\)$\n {} +Inf",
       "eval instant at 1m quantile(2, m)\n expect warn regex: got 3 \\(1:10\\)$\n {} +Inf"},
      {"eval instant at 1m sum(m)\n expect no_warn\n expect no_info\n {} 22",
       "eval instant at 1m quantile(2, m)\n expect no_warn\n {} +Inf"},
      {"eval instant at 1m count(h)\n expect no_info\n {} 1",
       "eval instant at 1m min(h)\n expect no_info"},
      {"eval instant at 1m \"a\\tb\"\n expect string \"a\\tb\"",
       "eval instant at 1m \"a\\tb\"\n expect string \"a b\""},
      {"eval instant at 90s m{a=\"1\"}[90s]\n expect range vector from 1m to 1m step 1m\n "
       "m{a=\"1\"} 2",
       "eval instant at 90s m{a=\"1\"}[90s]\n expect range vector from 0 to 1m step 1m\n "
       "m{a=\"1\"} 1 2"},
      {"eval instant at 105s m{a=\"1\"}[25s:10s]\n expect range vector from 90s to 100s step 10s\n"
       " m{a=\"1\"} 2 2",
       "eval instant at 105s m{a=\"1\"}[25s:10s]\n expect range vector from 80s to 100s step 10s\n"
       " m{a=\"1\"} 2 2 2"},
      {"eval instant at 0 h\n h {{schema:0 sum:5 count:4 z_bucket:1 z_bucket_w:0.001 offset:1 "
       "buckets:[1 1] n_offset:2 n_buckets:[1] counter_reset_hint:gauge}}",
       "eval instant at 0 h\n h {{schema:0 sum:5 count:4 z_bucket:1 z_bucket_w:0.001 offset:1 "
       "buckets:[1 1] n_offset:1 n_buckets:[1] counter_reset_hint:gauge}}"},
      {"eval instant at 0 h\n h {{schema:0 sum:5 count:4 z_bucket:1 z_bucket_w:0.001 offset:1 "
       "buckets:[1 1] n_offset:2 n_buckets:[1]}}",
       "eval instant at 0 h\n h {{schema:0 sum:5 count:4 z_bucket:1 z_bucket_w:0.001 offset:1 "
       "buckets:[1 1] n_offset:2 n_buckets:[1] counter_reset_hint:reset}}"},
      {"eval instant at 0 c\n c {{schema:-53 sum:5 count:3 custom_values:[1 2] buckets:[1 1 1]}}",
       "eval instant at 0 c\n c {{schema:-53 sum:5 count:3 custom_values:[1 3] buckets:[1 1 1]}}"},
      {"eval instant at 0 nothing", "eval instant at 0 nothing\n {} 1"},
  };
  for (const auto& pair : pairs) {
    passes(pair.first);
    fails(pair.second, "");
  }
}

TEST_CASE("a failure names file, line and query, what was expected and what there was") {
  fails("eval instant at 1m m\n m{a=\"1\"} 2\n m{a=\"2\"} 21",
        "m: expected 21 for m{a=\"2\"} at 60000 ms but got 20");
  fails("eval instant at 1m sum(m)\n {} 22\n {b=\"1\"} 3",
        "sum(m): expected series {b=\"1\"} is missing");
  fails("eval instant at 1m m\n m{a=\"1\"} 2", "m: unexpected series m{a=\"2\"} with 20");
  fails("eval instant at 1m sum(", "sum(: 1:5: parse error: unclosed left parenthesis");
  fails("eval instant at 1m topk(NaN, m)\n expect fail msg: x",
        "expected failure \"x\", got \"Parameter value is NaN\"");
  fails("eval instant at 1m m\n expect fail", "expected a failure, there was none");
  fails("eval instant at 1m 1\n 2", "1: expected 2, got 1");
  fails("eval instant at 0 h\n h 1", "expected 1 for h at 0 ms but got {count:4, sum:5, ");
  fails("eval instant at 1m min(h)\n expect info msg: x",
        "expected info \"x\", got PromQL info: ignored histogram in min aggregation (1:5)");
}

TEST_CASE("clear empties the store, and later evaluations go on after a failed one") {
  const auto report =
      run("load 1m\n m 1\n\neval instant at 0 m\n m 2\n\nclear\n\neval instant at 0 m\n\n"
          "load 1m\n m 3\n\neval instant at 0 m\n m 3\n");
  REQUIRE(report);
  CHECK(report->passed == 2);
  CHECK(report->failed == 1);
}

TEST_CASE("classic histograms are loaded as native ones with custom buckets, too") {
  const auto report = run(
      "load_with_nhcb 1m\n x_bucket{le=\"1\"} 1\n x_bucket{le=\"2\"} 3\n x_bucket{le=\"+Inf\"} 4\n"
      " x_count 4\n x_sum 9\n\n"
      "eval instant at 0 x\n x {{schema:-53 sum:9 count:4 custom_values:[1 2] buckets:[1 2 1]}}\n"
      "\neval instant at 0 x_count\n x_count 4\n");
  REQUIRE(report);
  CHECK(report->passed == 2);
}

TEST_CASE("a script that cannot be read says at which line, and why") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"foo\n", "a.test:1: invalid command \"foo\""},
      {"\n# c\nevaluate instant at 0 1\n", "a.test:3: invalid command \"evaluate\""},
      {"eval_foo instant at 0 1\n", "a.test:1: invalid command \"eval_foo\""},
      {"load\n m 1\n", "a.test:1: "},
      {"load 1x\n m 1\n", "a.test:1: "},
      {"load_with_x 1m\n m 1\n", "a.test:1: invalid command load_with_x"},
      {"load 1m\n m{a=\"1\" 1\n", "a.test:2: labels are not closed"},
      {"load 1m\n m{a=1} 1\n", "a.test:2: expected label=\"value\""},
      {"load 1m\n ok 1\n m one\n", "a.test:3: bad value \"one\""},
      {"load 1m\n m 1+x3\n", "a.test:2: bad value \"1+x3\""},
      {"load 1m\n m 1x-3\n", "a.test:2: bad repetition \"-3\""},
      {"load 1m\n m 1x99999999999\n", "a.test:2: bad repetition"},
      {"load 1m\n m stalex3\n", "a.test:2: bad value"},
      {"load 1m\n m {{schema:0\n", "a.test:2: histogram is not closed"},
      {"load 1m\n m {{schema}}\n", "a.test:2: missing `:` for histogram descriptor"},
      {"load 1m\n m {{shema:0}}\n", "a.test:2: bad histogram descriptor found: \"shema\""},
      {"load 1m\n m {{schema:x}}\n", "a.test:2: bad number \"x\" in a histogram"},
      {"load 1m\n m {{buckets:[1 2}}\n", "a.test:2: buckets are not closed"},
      {"load 1m\n m {{counter_reset_hint:maybe}}\n", "a.test:2: unknown counter_reset_hint"},
      {"load 1m\n m {{count:1}}+{{schema:-53}}x2\n", "a.test:2: histograms cannot be combined"},
      {"load 1m\n m {{count:1}}y2\n", "a.test:2: bad histogram series"},
      {"eval once at 0 1\n", "a.test:1: expected \"instant\" or \"range\""},
      {"eval instant at x 1\n", "a.test:1: "},
      {"eval range from 0 until 1m step 1m 1\n", "a.test:1: expected \"to\""},
      {"eval range from 0 to 1m step x 1\n", "a.test:1: "},
      {"eval instant at 0 1\n expect nothing\n", "a.test:2: invalid expected"},
      {"eval instant at 0 1\n expect fail because\n", "a.test:2: expected msg: or regex:"},
      {"eval instant at 0 1\n expect fail regex: (\n",
       "a.test:2: error parsing regexp: missing closing ): `(`"},
      {"eval instant at 0 1\n expect string a\n", "a.test:2: "},
      {"eval instant at 0 m[1m]\n expect range vector from 0 to 1m\n", "a.test:2: expected range"},
      {"eval instant at 0 m[1m]\n expect range vector from 1m to 0 step 1m\n",
       "a.test:2: a range must not end before it begins"},
      {"eval instant at 0 m[1m]\n expect range vector from 0 to 1m step 0\n",
       "a.test:2: the step of a range must be above zero"},
      {"eval instant at 0 m\n m{a=\n", "a.test:2: "},
  };
  for (const auto& one : cases) {
    CAPTURE(one.first);
    const auto report = run(one.first);
    REQUIRE_FALSE(report);
    CHECK_MESSAGE(report.error().what().starts_with(one.second), report.error().what());
  }
}

}  // namespace
}  // namespace nines::promql
