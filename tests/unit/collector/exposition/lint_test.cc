#include "collector/exposition/lint.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace nines::collector {
namespace {

using Lines = std::vector<std::string>;

Lines lint(const std::string& body) {
  const auto found = lint_exposition(body);
  if (!found) return {found.error().what()};
  Lines out;
  for (const ExpositionFinding& one : *found) out.push_back(one.metric + " " + one.text);
  return out;
}

// A family that has nothing wrong but what its name and type say.
Lines named(const std::string& name, const std::string& type, const std::string& labels = "") {
  return lint("# HELP " + name + " x\n# TYPE " + name + " " + type + "\n" + name + labels + " 1\n");
}

TEST_CASE("nothing to say about an exposition as it should be") {
  CHECK(lint("").empty());
  CHECK(named("http_requests_total", "counter", "{code=\"200\"}").empty());
  CHECK(lint("# HELP took_seconds x\n# TYPE took_seconds histogram\n"
             "took_seconds_bucket{le=\"1\"} 1\ntook_seconds_bucket{le=\"+Inf\"} 1\n"
             "took_seconds_sum 1\ntook_seconds_count 1\n")
            .empty());
  CHECK(lint("# HELP s x\n# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\n").empty());
  CHECK(lint("# TYPE never gauge\n").empty());  // a family without metrics is none
}

TEST_CASE("families by size, every part of a histogram or summary one series") {
  const auto sizes = family_sizes(
      "# TYPE b_total counter\nb_total{a=\"1\"} 1\nb_total{a=\"2\"} 1\na_total 1\n"
      "# TYPE never gauge\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\n"
      "h_sum 1\nh_count 1\n# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count 1\n");
  REQUIRE(sizes);
  Lines out;
  for (const FamilySize& one : *sizes) out.push_back(one.family + " " + std::to_string(one.series));
  CHECK(out == Lines{"h 4", "b_total 2", "s 2", "a_total 1"});
  CHECK_FALSE(family_sizes("a 1"));
  CHECK(family_sizes("")->empty());
}

TEST_CASE("help texts") {
  CHECK(lint("a 1\n") == Lines{"a no help text"});
  CHECK(lint("# HELP a\na 1\n") == Lines{"a no help text"});
}

TEST_CASE("suffixes and labels that belong to other types") {
  CHECK(named("a", "counter") == Lines{"a counter metrics should have \"_total\" suffix"});
  CHECK(named("a_total", "gauge") ==
        Lines{"a_total non-counter metrics should not have \"_total\" suffix"});
  CHECK(named("a_bucket", "gauge") ==
        Lines{"a_bucket non-histogram metrics should not have \"_bucket\" suffix"});
  CHECK(named("a_count", "gauge") ==
        Lines{"a_count non-histogram and non-summary metrics should not have \"_count\" suffix"});
  CHECK(named("a_sum", "gauge") ==
        Lines{"a_sum non-histogram and non-summary metrics should not have \"_sum\" suffix"});
  CHECK(named("a", "gauge", "{le=\"1\",quantile=\"1\"}") ==
        Lines{"a non-histogram metrics should not have \"le\" label",
              "a non-summary metrics should not have \"quantile\" label"});
  for (const char* name : {"a_total", "a_bucket", "a_count", "a_sum"}) {
    CHECK(named(name, "untyped", "{le=\"1\"}").empty());
  }
}

TEST_CASE("names") {
  CHECK(named("a:b", "gauge") == Lines{"a:b metric names should not contain ':'"});
  CHECK(named("aB", "gauge") ==
        Lines{"aB metric names should be written in 'snake_case' not 'camelCase'"});
  CHECK(named("a", "gauge", "{bC=\"1\"}") ==
        Lines{"a label names should be written in 'snake_case' not 'camelCase'"});
  CHECK(named("a_counter_x", "untyped") ==
        Lines{"a_counter_x metric name should not include type 'counter'"});
  CHECK(named("a_gauge_histogram", "gauge") ==
        Lines{"a_gauge_histogram metric name should not include type 'gauge'",
              "a_gauge_histogram metric name should not include type 'gauge_histogram'",
              "a_gauge_histogram metric name should not include type 'histogram'"});
  CHECK(named("counters", "gauge").empty());
}

TEST_CASE("units") {
  CHECK(named("a_milliseconds", "gauge") ==
        Lines{"a_milliseconds use base unit \"seconds\" instead of \"milliseconds\""});
  CHECK(named("a_days_hours", "gauge") ==
        Lines{"a_days_hours use base unit \"seconds\" instead of \"days\""});
  CHECK(named("a_kb", "gauge") == Lines{"a_kb metric names should not contain abbreviated units"});
  CHECK(named("a_ms_x", "gauge") ==
        Lines{"a_ms_x metric names should not contain abbreviated units"});
  CHECK(named("thermometers", "gauge").empty());
  CHECK(named("a_kilometers", "gauge").size() == 1);
  CHECK(named("a_bytes", "gauge").empty());
}

TEST_CASE("a finding on labels stands once for each set of labels") {
  CHECK(lint("# HELP a x\na{bC=\"1\"} 1\na{bC=\"2\"} 1\na{bC=\"2\"} 1\n").size() == 2);
  // The buckets of a histogram are one.
  CHECK(lint("# HELP h x\n# TYPE h histogram\nh_bucket{bC=\"1\",le=\"1\"} 1\n"
             "h_bucket{bC=\"1\",le=\"2\"} 1\nh_count{bC=\"1\"} 1\n")
            .size() == 1);
}

TEST_CASE("what is no exposition is refused with its place") {
  CHECK(lint("a 1\nb{ 1\n").at(0).starts_with("line 2, column "));
  CHECK(lint("a 1") == Lines{"the last line has no end: a body ends with a line feed"});
  CHECK(lint("# TYPE a gauge\n# TYPE a counter\na 1\n") ==
        Lines{"second TYPE line for metric name \"a\", or TYPE reported after samples"});
  CHECK(lint("a 1\n# TYPE a counter\n").size() == 1);
}

}  // namespace
}  // namespace nines::collector
