// A text with times becomes samples, whole or not at all.
#include "collector/backfill/backfill.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/memory_metrics.h"

namespace nines::collector {
namespace {

constexpr std::int64_t kStart = 1'600'000'000;  // seconds

BackfillOptions named(const std::string& name) {
  BackfillOptions options;
  options.name = name;
  return options;
}

std::string refusal(const std::string& text, ExpositionFormat format) {
  testing::MemoryMetrics store;
  const auto report = backfill(text, format, store, named("t"));
  CHECK(store.series_count() == 0);
  return report ? "" : report.error().what();
}

TEST_CASE("OpenMetrics with times in seconds is stored with types, units and exemplars") {
  testing::MemoryMetrics store;
  const auto report = backfill(
      "# HELP http_requests The total.\n# TYPE http_requests counter\n"
      "# TYPE temp_celsius gauge\n# UNIT temp_celsius celsius\n"
      "http_requests_total{code=\"200\"} 1021 1600000000.5 # {trace=\"a\"} 1 1600000000.25\n"
      "http_requests_total{code=\"200\"} 1022 1600000060\n"
      "http_requests_total{code=\"400\"} 1 1600000000.5\n"
      "temp_celsius 21.5 1599999000\n"
      "# EOF\n",
      ExpositionFormat::kOpenMetrics, store, named("t"));
  REQUIRE_MESSAGE(report, report.error().what());
  CHECK(report->series == 3);
  CHECK(report->samples == 4);
  CHECK(report->appended == 4);
  CHECK(report->refused() == 0);
  CHECK(report->oldest_ms == 1'599'999'000'000);
  CHECK(report->newest_ms == 1'600'000'060'000);
  const auto columns =
      store.samples(LabelSet{{"__name__", "http_requests_total"}, {"code", "200"}});
  REQUIRE(columns.size() == 2);
  CHECK(columns.times == std::vector<std::int64_t>{1'600'000'000'500, 1'600'000'060'000});
  CHECK(columns.values == std::vector<double>{1021, 1022});
  const auto metadata = store.metadata();
  CHECK(metadata.at("http_requests").type == MetricType::kCounter);
  CHECK(metadata.at("http_requests").help == "The total.");
  CHECK(metadata.at("temp_celsius").unit == "celsius");
}

TEST_CASE("Prometheus's text has its times in milliseconds and needs no end") {
  testing::MemoryMetrics store;
  const auto report =
      backfill("# TYPE m gauge\nm{a=\"b\"} 1 1600000000123\nm{a=\"b\"} 2 1600000001123\n",
               ExpositionFormat::kText004, store, named("t"));
  REQUIRE(report);
  CHECK(store.samples(LabelSet{{"__name__", "m"}, {"a", "b"}}).times ==
        std::vector<std::int64_t>{1'600'000'000'123, 1'600'000'001'123});
}

TEST_CASE("a mistake anywhere names its place and stores nothing") {
  const auto open_metrics = ExpositionFormat::kOpenMetrics;
  CHECK(refusal("a 1 1600000000\nb 2\n# EOF\n", open_metrics)
            .find("line 2, column 1: expected a timestamp") == 0);
  CHECK(
      refusal("a 1 1600000000\nb x 1600000000\n# EOF\n", open_metrics).find("line 2, column 3: ") ==
      0);
  CHECK(refusal("a 1 1600000000\n", open_metrics).find("# EOF") != std::string::npos);
  CHECK(refusal("a 1 1600000000\n", open_metrics).find("line 2, column 1") == 0);
  CHECK(refusal("a 1 1600000000\n", open_metrics).find("`prometheus`") != std::string::npos);
  CHECK(refusal("a 1 1600000000\n# EOF\nb 1 1600000000\n", open_metrics).find("line 3") == 0);
  CHECK(refusal("a 1 1600000000\na{b=\"1\",b=\"2\"} 1 1600000000\n", ExpositionFormat::kText004)
            .find("line 2, column 1: ") == 0);
  CHECK(refusal("a 1 1600000000\n  b 1\n", ExpositionFormat::kText004).find("line 2, column 3: ") ==
        0);
}

TEST_CASE("blocks and groups of any size store the same") {
  std::string text;
  for (int series = 0; series < 20; ++series) {
    for (int i = 0; i < 50; ++i) {
      text += "m{s=\"" + std::to_string(series) + "\"} " + std::to_string(series * 100 + i) + " " +
              std::to_string(kStart + (i * 7919) % 50 * 60) + "\n";
    }
  }
  text += "# EOF\n";
  for (const std::size_t block : {1U, 7U, 333U, 100'000U}) {
    for (const std::size_t group : {1U, 3U, 500U}) {
      testing::MemoryMetrics store;
      BackfillOptions options = named("t");
      options.samples_per_block = block;
      options.series_per_group = group;
      const auto report = backfill(text, ExpositionFormat::kOpenMetrics, store, options);
      REQUIRE(report);
      CHECK(report->appended == 1000);
      CHECK(store.series_count() == 20);
      CHECK(store.samples(LabelSet{{"__name__", "m"}, {"s", "7"}}).size() == 50);
    }
  }
}

TEST_CASE("what a limit or an older value refuses is counted and named, the rest is kept") {
  testing::MemoryMetrics store(2);
  const auto report = backfill(
      "a 1 1600000000\nb 1 1600000000\nc 1 1600000000\nc 2 1600000060\na 1 1600000000\na 5 "
      "1600000000\n# EOF\n",
      ExpositionFormat::kOpenMetrics, store, named("t"));
  REQUIRE(report);
  CHECK(report->series == 3);
  CHECK(report->appended == 2);
  CHECK(report->series_refused == 1);
  CHECK(report->samples_refused == 2);
  CHECK(report->duplicates == 1);
  CHECK(report->conflicts == 1);
  CHECK(report->refused() == 3);
  CHECK_FALSE(report->refusal.empty());
}

}  // namespace
}  // namespace nines::collector
