// Samples as text: families as OpenMetrics wants them, and JSON lines with everything.
#include "storage/offline/dump.h"

#include <string>

#include <doctest/doctest.h>

#include "base/text/json.h"
#include "storage/offline/internal/families.h"
#include "tests/support/memory_metrics.h"

namespace nines::storage {
namespace {

constexpr TimeRange kAll{from_millis(INT64_MIN), from_millis(INT64_MAX)};

struct Dumped {
  std::string text;
  DumpReport report;
};

Dumped dumped(const Querier& querier, DumpFormat format = DumpFormat::kOpenMetrics,
              TimeRange range = kAll, std::vector<Matcher> matchers = {}) {
  Dumped out;
  const auto report =
      dump(querier, {std::move(matchers), range, format}, [&](std::string_view piece) {
        out.text += piece;
        return Result<void>();
      });
  REQUIRE_MESSAGE(report, report.error().what());
  out.report = *report;
  return out;
}

LabelSet named(const std::string& name, const std::string& path = "") {
  return LabelSet{{"__name__", name}, {"path", path}};
}

TEST_CASE("families stand together, with type, unit and help, and the end is marked") {
  testing::MemoryMetrics store;
  store.add(named("b_total", "/x"), from_millis(1'700'000'000'123), 1);
  store.add(named("b_total", "/x"), from_millis(1'700'000'001'000), 2.5);
  store.add(named("b_total", "/a\"b\\\n"), from_millis(-1'500), 1e21);
  store.add(named("a_seconds"), from_millis(0), -0.25);
  store.add(named("zz"), from_millis(5), 1.0 / 3);
  store.set_metadata("b_total", {MetricType::kCounter, "It's \"b\"\nand \\ more.", ""});
  store.set_metadata("a_seconds", {MetricType::kGauge, "", "seconds"});
  const Dumped out = dumped(store);
  CHECK(out.text ==
        "# TYPE a_seconds gauge\n"
        "# UNIT a_seconds seconds\n"
        "a_seconds -0.25 0.000\n"
        "# TYPE b counter\n"
        "# HELP b It's \\\"b\\\"\\nand \\\\ more.\n"
        "b_total{path=\"/a\\\"b\\\\\\n\"} 1e+21 -1.500\n"
        "b_total{path=\"/x\"} 1 1700000000.123\n"
        "b_total{path=\"/x\"} 2.5 1700000001.000\n"
        "# TYPE zz unknown\n"
        "zz 0.3333333333333333 0.005\n"
        "# EOF\n");
  CHECK(out.report.series == 4);
  CHECK(out.report.samples == 5);
}

TEST_CASE("a histogram's buckets, count and sum stand together for each label set and time") {
  testing::MemoryMetrics store;
  for (const std::string app : {"x", "y"}) {
    for (const std::int64_t t : {1'000, 2'000}) {
      for (const std::string le : {"10", "2", "+Inf"})
        store.add(LabelSet{{"__name__", "h_bucket"}, {"app", app}, {"le", le}}, from_millis(t),
                  static_cast<double>(t));
      store.add(LabelSet{{"__name__", "h_sum"}, {"app", app}}, from_millis(t), 9);
      store.add(LabelSet{{"__name__", "h_count"}, {"app", app}}, from_millis(t), 8);
    }
  }
  store.set_metadata("h", {MetricType::kHistogram, "", ""});
  std::string expected = "# TYPE h histogram\n";
  for (const std::string app : {"x", "y"}) {
    for (const std::string t : {"1", "2"}) {
      for (const std::string le : {"2", "10", "+Inf"})
        expected += "h_bucket{app=\"" + app + "\",le=\"" + le + "\"} " + t + "000 " + t + ".000\n";
      expected += "h_count{app=\"" + app + "\"} 8 " + t + ".000\n";
      expected += "h_sum{app=\"" + app + "\"} 9 " + t + ".000\n";
    }
  }
  CHECK(dumped(store).text == expected + "# EOF\n");
}

TEST_CASE("what has no place in OpenMetrics is left out and counted, and is in the JSON") {
  testing::MemoryMetrics store;
  Histogram histogram;
  histogram.schema = 3;
  histogram.count = 7;
  histogram.sum = 1.5;
  histogram.positive_spans = {{-2, 2}};
  histogram.positive_buckets = {3, 4};
  store.add(named("native"), from_millis(1'000), histogram);
  store.add(named("gone"), from_millis(1'000), 4);
  store.add(named("gone"), from_millis(2'000), stale_nan());
  store.add(named("odd"), from_millis(1'000), std::numeric_limits<double>::quiet_NaN());
  store.add(named("odd"), from_millis(2'000), std::numeric_limits<double>::infinity());
  store.add(named("odd"), from_millis(3'000), -std::numeric_limits<double>::infinity());
  const Dumped text = dumped(store);
  CHECK(text.text ==
        "# TYPE gone unknown\ngone 4 1.000\n"
        "# TYPE odd unknown\nodd NaN 1.000\nodd +Inf 2.000\nodd -Inf 3.000\n# EOF\n");
  CHECK(text.report.histograms_left_out == 1);
  CHECK(text.report.stale_markers_left_out == 1);
  const Dumped json = dumped(store, DumpFormat::kJson);
  CHECK(json.report.samples == 6);
  CHECK(json.report.stale_markers_left_out == 0);
  CHECK(json.text ==
        R"({"metric":{"__name__":"gone"},"values":[4,"stale"],"timestamps":[1000,2000]})" "\n"
        R"({"metric":{"__name__":"native"},"values":[],"timestamps":[],"histograms":[{"schema":3,)"
        R"("count":7,"sum":1.5,"zero_threshold":0,"zero_count":0,"positive_spans":[[-2,2]],)"
        R"("positive_buckets":[3,4]}],"histogram_timestamps":[1000]})" "\n"
        R"({"metric":{"__name__":"odd"},"values":["NaN","+Inf","-Inf"],)"
        R"("timestamps":[1000,2000,3000]})" "\n");
}

TEST_CASE("a range and matchers choose; names beyond the old letters are quoted") {
  testing::MemoryMetrics store;
  for (int t = 0; t < 10; ++t) {
    store.add(named("m", "/a"), from_millis(t * 1000), t);
    store.add(named("m", "/b"), from_millis(t * 1000), t);
  }
  store.add(LabelSet{{"__name__", "my.metric"}, {"a.b", "c"}, {"d", "e"}}, from_millis(0), 1);
  const std::vector<Matcher> path = {Matcher::equal("path", "/b")};
  const auto out = dumped(store, DumpFormat::kOpenMetrics,
                          {from_millis(3'000), from_millis(4'000)}, path);
  CHECK(out.text ==
        "# TYPE m unknown\nm{path=\"/b\"} 3 3.000\nm{path=\"/b\"} 4 4.000\n# EOF\n");
  const auto other = dumped(store, DumpFormat::kOpenMetrics, kAll, {Matcher::equal("d", "e")});
  CHECK(other.text ==
        "# TYPE \"my.metric\" unknown\n{\"my.metric\",\"a.b\"=\"c\",d=\"e\"} 1 0.000\n# EOF\n");
  CHECK(dumped(store, DumpFormat::kOpenMetrics, kAll, {Matcher::equal("d", "x")}).text ==
        "# EOF\n");
}

TEST_CASE("a large dump comes in pieces, and a sink that fails ends it") {
  testing::MemoryMetrics store;
  for (int t = 0; t < 30'000; ++t) store.add(named("m", "/a"), from_millis(t * 1000), t);
  std::size_t pieces = 0, largest = 0;
  const auto report = dump(store, {{}, kAll, DumpFormat::kOpenMetrics}, [&](std::string_view p) {
    ++pieces;
    largest = std::max(largest, p.size());
    return Result<void>();
  });
  REQUIRE(report);
  CHECK(report->samples == 30'000);
  CHECK(pieces > 2);
  CHECK(largest < 300u << 10);
  const auto failed = dump(store, {{}, kAll, DumpFormat::kJson}, [](std::string_view) {
    return Result<void>(Error(ErrorCode::kIo, "the disk is full"));
  });
  REQUIRE_FALSE(failed);
  CHECK(failed.error().what() == "the disk is full");
}

TEST_CASE("families follow the text format's metadata and OpenMetrics's; a clash of names is resolved") {
  const std::map<std::string, Metadata> metadata = {
      {"text_total", {MetricType::kCounter, "t", ""}},
      {"open", {MetricType::kCounter, "o", ""}},
      {"bare", {MetricType::kCounter, "without _total", ""}},
      {"build_info", {MetricType::kGauge, "", ""}},
      {"rpc", {MetricType::kSummary, "", ""}},
      {"x", {MetricType::kGauge, "", ""}},
      {"x_total", {MetricType::kCounter, "", ""}},
      {"target", {MetricType::kInfo, "", ""}}};
  const auto families = plan_families(
      {"text_total", "open_total", "bare", "build_info", "rpc", "rpc_sum", "rpc_count", "x",
       "x_total", "target_info", "other_sum", "other_bucket"},
      metadata);
  std::map<std::string, Family> by_name;
  std::size_t metrics = 0;
  for (const Family& family : families) {
    CHECK(by_name.emplace(family.name, family).second);
    metrics += family.metrics.size();
  }
  CHECK(metrics == 12);
  CHECK(by_name.at("text").data.type == MetricType::kCounter);
  CHECK(by_name.at("text").data.help == "t");
  CHECK(by_name.at("open").metrics == std::vector<std::string>{"open_total"});
  CHECK(by_name.at("bare").data.type == MetricType::kUnknown);
  CHECK(by_name.at("bare").data.help == "without _total");
  CHECK(by_name.at("build_info").data.type == MetricType::kGauge);
  CHECK(by_name.at("rpc").metrics == std::vector<std::string>{"rpc_count", "rpc_sum", "rpc"});
  CHECK(by_name.at("x").data.type == MetricType::kUnknown);
  CHECK(by_name.at("x_total").data.type == MetricType::kUnknown);
  CHECK(by_name.at("target").data.type == MetricType::kInfo);
  CHECK(by_name.at("other_sum").metrics.size() == 1);
}

}  // namespace
}  // namespace nines::storage
