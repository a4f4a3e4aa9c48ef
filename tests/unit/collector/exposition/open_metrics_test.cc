// OpenMetrics 1.0 by its specification: whole pages of it, and each error at its line and column.
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "collector/exposition/parser.h"

namespace nines::collector {
namespace {

struct Reader final : ExpositionVisitor {
  Result<void> on_sample(const ExposedSample& s) override {
    samples.emplace_back(s.series, s.value);
    times.push_back(s.time_ms);
    for (const ExposedExemplar& one : s.exemplars) exemplars.emplace_back(s.series, one);
    return {};
  }
  void on_type(std::string_view family, MetricType type) override {
    about.push_back(std::string(family) + " is " + to_string(type));
  }
  void on_help(std::string_view family, std::string_view help) override {
    about.push_back(std::string(family) + ": " + std::string(help));
  }
  void on_unit(std::string_view family, std::string_view unit) override {
    about.push_back(std::string(family) + " in " + std::string(unit));
  }
  std::vector<std::pair<std::string, double>> samples;
  std::vector<std::optional<std::int64_t>> times;
  std::vector<std::pair<std::string, ExposedExemplar>> exemplars;
  std::vector<std::string> about;
};

Reader read(std::string_view body) {
  Reader out;
  const auto done = parse_exposition(body, ExpositionFormat::kOpenMetrics, out);
  REQUIRE_MESSAGE(done, (done ? "" : done.error().what()));
  return out;
}

std::string error_of(std::string_view body) {
  Reader out;
  const auto done = parse_exposition(body, ExpositionFormat::kOpenMetrics, out);
  return done ? "accepted" : done.error().what();
}

using Words = std::vector<std::string>;

TEST_CASE("the specification's first page, with units and created lines") {
  const Reader page = read(
      R"(# TYPE acme_http_router_request_seconds summary
# UNIT acme_http_router_request_seconds seconds
# HELP acme_http_router_request_seconds Latency though all of ACME's HTTP request router.
acme_http_router_request_seconds_sum{path="/api/v1",method="GET"} 9036.32
acme_http_router_request_seconds_count{path="/api/v1",method="GET"} 807283.0
acme_http_router_request_seconds_created{path="/api/v1",method="GET"} 1605281325.0
acme_http_router_request_seconds_sum{path="/api/v2",method="POST"} 479.3
acme_http_router_request_seconds_count{path="/api/v2",method="POST"} 34.0
acme_http_router_request_seconds_created{path="/api/v2",method="POST"} 1605281325.0
# TYPE go_goroutines gauge
# HELP go_goroutines Number of goroutines that currently exist.
go_goroutines 69
# TYPE process_cpu_seconds counter
# UNIT process_cpu_seconds seconds
# HELP process_cpu_seconds Total user and system CPU time spent in seconds.
process_cpu_seconds_total 4.20072246e+06
# EOF
)");
  REQUIRE(page.samples.size() == 8);
  CHECK(page.samples[0].second == 9036.32);
  CHECK(page.samples[2].first ==
        "acme_http_router_request_seconds_created{path=\"/api/v1\",method=\"GET\"}");
  CHECK(page.samples[2].second == 1605281325);
  CHECK(page.samples[7] == std::pair<std::string, double>("process_cpu_seconds_total", 4200722.46));
  CHECK(page.about ==
        Words{"acme_http_router_request_seconds is summary",
              "acme_http_router_request_seconds in seconds",
              "acme_http_router_request_seconds: Latency though all of ACME's HTTP request router.",
              "go_goroutines is gauge", "go_goroutines: Number of goroutines that currently exist.",
              "process_cpu_seconds is counter", "process_cpu_seconds in seconds",
              "process_cpu_seconds: Total user and system CPU time spent in seconds."});
}

TEST_CASE("each type has its name, and each kind of series its samples") {
  const Reader page = read(
      "# TYPE a unknown\na 1\n"
      "# TYPE b stateset\nb{b=\"on\"} 1\nb{b=\"off\"} 0\n"
      "# TYPE c info\nc_info{v=\"1\"} 1\n"
      "# TYPE d gaugehistogram\nd_bucket{le=\"1.0\"} 20\nd_bucket{le=\"+Inf\"} 42\n"
      "d_gcount 42\nd_gsum 3289.3\n"
      "# TYPE e histogram\ne_bucket{le=\"+Inf\"} 1\ne_count 1\ne_sum 2\ne_created 3\n# EOF\n");
  CHECK(page.about == Words{"a is unknown", "b is stateset", "c is info", "d is gaugehistogram",
                            "e is histogram"});
  CHECK(page.samples.size() == 12);
}

TEST_CASE("exemplars as the specification shows them: empty, labelled, with their own time") {
  const Reader page = read(
      R"(# TYPE foo histogram
foo_bucket{le="0.01"} 0
foo_bucket{le="0.1"} 8 # {} 0.054
foo_bucket{le="1"} 11 # {trace_id="KOO5S4vxi0o"} 0.67
foo_bucket{le="10"} 17 # {trace_id="oHg5SJYRHA0"} 9.8 1520879607.789
foo_bucket{le="+Inf"} 17
foo_count 17
foo_sum 324789.3
foo_created  1520430000.123
# EOF
)");
  REQUIRE(page.exemplars.size() == 3);
  CHECK(page.exemplars[0].second.labels.empty());
  CHECK(page.exemplars[0].second.value == 0.054);
  CHECK(page.exemplars[1].second.labels == LabelSet{{"trace_id", "KOO5S4vxi0o"}});
  CHECK_FALSE(page.exemplars[1].second.time_ms);
  CHECK(page.exemplars[2].first == "foo_bucket{le=\"10\"}");
  CHECK(page.exemplars[2].second.time_ms == 1520879607789);
  CHECK(page.samples.back().second == 1520430000.123);
}

TEST_CASE("times are seconds, fractions and all; values are as anywhere") {
  struct Row {
    const char* time;
    std::int64_t ms;
  };
  const Row rows[] = {{"123", 123'000},
                      {"123.456", 123'456},
                      {"0.001", 1},
                      {"-0.5", -500},
                      {"1e3", 1'000'000},
                      {"1520879607.789", 1520879607789},
                      {"1520879607.7894", 1520879607789}};
  for (const Row& row : rows) {
    CAPTURE(row.time);
    const Reader page = read("a 1 " + std::string(row.time) + "\n# EOF\n");
    CHECK(page.times.at(0) == row.ms);
  }
  const Reader odd = read("a NaN\nb +Inf\nc -Inf\nd 1e-3\n# EOF\n");
  CHECK(std::isnan(odd.samples[0].second));
  CHECK(odd.samples[1].second == HUGE_VAL);
  CHECK(odd.samples[2].second == -HUGE_VAL);
  CHECK(odd.samples[3].second == 0.001);
}

TEST_CASE("a page ends with # EOF and with nothing else") {
  struct Row {
    const char* body;
    const char* error;
  };
  const Row rows[] = {
      {"a 1\n# EOF\n", "accepted"},
      {"a 1\n# EOF", "accepted"},
      {"# EOF\n", "accepted"},
      {"", "line 1, column 1: body does not end with # EOF"},
      {"a 1\n", "line 2, column 1: body does not end with # EOF"},
      {"a 1", "line 2, column 1: body does not end with # EOF"},
      {"# TYPE a gauge\na 1\n# HELP a EOF\n", "line 4, column 1: body does not end with # EOF"},
      {"a 1\n# EOF\n\n", "line 3, column 1: text after # EOF"},
      {"a 1\n# EOF\nb 2\n", "line 3, column 1: text after # EOF"},
      {"a 1\n# EOF\n# EOF\n", "line 3, column 1: text after # EOF"},
      {"a 1\n# EOF \n", "line 2, column 6: text after # EOF"},
      {"a 1\n# EOF\r\n", "line 2, column 3: expected HELP, TYPE, UNIT or EOF, got \"EOF\\r\""},
      {"a 1\n#EOF\n", "line 2, column 2: expected HELP, TYPE, UNIT or EOF, got \"EOF\""},
      {"a 1\n# eof\n", "line 2, column 3: expected HELP, TYPE, UNIT or EOF, got \"eof\""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    CHECK(error_of(row.body) == row.error);
  }
}

TEST_CASE("every other error stands at its line and column, wherever the page had got to") {
  struct Row {
    const char* line;
    const char* where;  // "column N: ..."
  };
  const Row rows[] = {
      {"", "column 1: blank line"},
      {" b 1", "column 1: expected a metric name"},
      {"b", "column 2: expected a value, got the end of the line"},
      {"b x", "column 3: expected a value, got \"x\""},
      {"b 0x1", "column 3: expected a value, got \"0x1\""},
      {"b{c=\"d\" 1", "column 9: expected , or }"},
      {"b{c=\"d} 1", "column 5: unterminated quoted text"},
      {"b 1 2 3", "column 7: expected the end of the line, got \"3\""},
      {"b 1 1_0", "column 5: expected a timestamp, got \"1_0\""},
      {"b 1 # {c=\"d\"} ", "column 15: expected the value of an exemplar, got the end of the line"},
      {"b 1 # {c=\"d\"} x", "column 15: expected the value of an exemplar, got \"x\""},
      {"b 1 # {c=\"d\"} 1 x", "column 17: expected the timestamp of an exemplar, got \"x\""},
      {"b 1 # {c=\"d\",c=\"e\"} 1", "column 14: label of an exemplar stands twice"},
      {"b 1 # c", "column 7: expected the labels of an exemplar"},
      {"# UNIT b", "accepted"},
      {"# UNIT b_s s", "accepted"},
      {"# UNIT b_s m", "column 12: expected a unit that ends the metric's name, got \"m\""},
      {"# UNIT bs s", "column 11: expected a unit that ends the metric's name, got \"s\""},
      {"# UNIT s s", "column 10: expected a unit that ends the metric's name, got \"s\""},
      {"# TYPE b untyped", "column 10: expected a metric type, got \"untyped\""},
      {"# TYPE b", "column 9: expected a metric type, got the end of the line"},
      {"# TYPE", "column 7: expected a metric name"},
      {"# TYPE b gauge x", "column 16: expected the end of the line, got \"x\""},
      {"# anything", "column 3: expected HELP, TYPE, UNIT or EOF, got \"anything\""},
  };
  const std::string before =
      "# TYPE a counter\n# HELP a Is a.\na_total{x=\"1\"} 1 # {} 1\na_total 2\n";
  for (const Row& row : rows) {
    const std::string line(row.line);
    CAPTURE(line);
    const std::string want =
        std::string(row.where) == "accepted" ? row.where : ", " + std::string(row.where);
    const std::string got = error_of(before + line + "\nz 1\n# EOF\n");
    CHECK(got == (want == "accepted" ? want : "line 5" + want));
    const std::string first = error_of(line + "\nz 1\n# EOF\n");
    CHECK(first == (want == "accepted" ? want : "line 1" + want));
  }
}

}  // namespace
}  // namespace nines::collector
