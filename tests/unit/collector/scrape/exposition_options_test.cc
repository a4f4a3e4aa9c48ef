// What a scrape keeps of histograms, start times and names, by its options.
#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>
#include <protozero/pbf_writer.hpp>

#include "collector/scrape/scraper.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using protozero::pbf_writer;
using testing::make_response;
using testing::RecordingAppender;

constexpr const char* kOpenMetrics = "application/openmetrics-text; version=1.0.0";
constexpr const char* kProtobuf =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

struct Stage {
  Stage() : scraper({store, http, scheduler, executor, *log, *telemetry}) {
    config.job_name = "j";
    config.static_configs = {{{"a:1"}, {}}};
  }
  RecordingAppender::Batch turn(std::string body, const char* type) {
    if (!started) {
      scraper.load({config}, {});
      scraper.start();
      started = true;
    }
    http.answer_next(make_response(200, std::move(body), {{"content-type", type}}));
    scheduler.run_for(Duration(15'000));
    return store.last();
  }
  TargetStatus status() const { return scraper.targets().at(0); }

  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::FakeHttpClient http;
  RecordingAppender store;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  ScrapeConfig config;
  bool started = false;
  Scraper scraper;
};

std::string mine(const std::string& name, const std::string& more = {}) {
  return name + "{instance=\"a:1\", job=\"j\"" + more + "}";
}

std::optional<Histogram> histogram(const RecordingAppender::Batch& batch, const std::string& name) {
  for (const auto& row : batch.rows) {
    if (row.series == name) return row.histogram;
  }
  return std::nullopt;
}

// A native histogram of schema 1 with buckets 1 and 2, one observation each, and a classic bucket.
std::string native_page() {
  std::string span;
  pbf_writer s(span);
  s.add_sint32(1, 1);
  s.add_uint32(2, 2);
  std::string bucket;
  pbf_writer b(bucket);
  b.add_uint64(1, 2);
  b.add_double(2, 4);
  std::string start;
  pbf_writer t(start);
  t.add_int64(1, 1'600'000'000);
  std::string content;
  pbf_writer h(content);
  h.add_uint64(1, 2);
  h.add_double(2, 3.5);
  h.add_message(3, bucket);
  h.add_sint32(5, 1);
  h.add_message(12, span);
  const std::int64_t deltas[] = {1, 0};
  h.add_packed_sint64(13, std::begin(deltas), std::end(deltas));
  h.add_message(15, start);
  std::string metric;
  pbf_writer m(metric);
  m.add_message(7, content);
  std::string family;
  pbf_writer f(family);
  f.add_string(1, "h");
  f.add_enum(3, 4);
  f.add_message(4, metric);
  std::string out;
  protozero::write_varint(std::back_inserter(out), family.size());
  return out + family;
}

TEST_CASE("native histograms are kept when asked for, with their start, and end with a marker") {
  Stage s;
  s.config.scrape_native_histograms = true;
  auto batch = s.turn(native_page(), kProtobuf);
  REQUIRE(histogram(batch, mine("h")));
  CHECK(histogram(batch, mine("h"))->positive_buckets == std::vector<double>{1, 1});
  CHECK(batch.start(mine("h")) == 1'600'000'000'000);
  CHECK(batch.value(mine("scrape_samples_scraped")) == 1);
  CHECK(s.store.metadata().at("h").type == MetricType::kHistogram);
  batch = s.turn(native_page(), kProtobuf);
  CHECK(histogram(batch, mine("h")));
  batch = s.turn("x 1\n", "text/plain");  // another format is another page, nothing more
  CHECK(batch.stale(mine("h")));
  CHECK(batch.value(mine("x")) == 1);
  batch = s.turn(native_page().substr(0, 20), kProtobuf);
  CHECK(batch.value(mine("up")) == 0);
  CHECK(batch.stale(mine("x")));
  CHECK_FALSE(histogram(batch, mine("h")));
  CHECK(s.status().last_error.find("metric family 1, byte 1: ") == 0);
}

TEST_CASE("classic buckets stay alone by default, and beside the native form on request") {
  Stage s;
  auto batch = s.turn(native_page(), kProtobuf);
  CHECK_FALSE(histogram(batch, mine("h")));
  CHECK(batch.value(mine("h_bucket", ", le=\"4.0\"")) == 2);
  Stage both;
  both.config.scrape_native_histograms = true;
  both.config.always_scrape_classic_histograms = true;
  batch = both.turn(native_page(), kProtobuf);
  CHECK(histogram(batch, mine("h")));
  CHECK(batch.value(mine("h_bucket", ", le=\"+Inf\"")) == 2);
}

TEST_CASE("histograms are made coarser to a factor or a number of buckets, or fail the scrape") {
  Stage factor;
  factor.config.scrape_native_histograms = true;
  factor.config.native_histogram_min_bucket_factor = 2;
  const auto batch = factor.turn(native_page(), kProtobuf);
  REQUIRE(histogram(batch, mine("h")));
  CHECK(histogram(batch, mine("h"))->schema == 0);
  CHECK(histogram(batch, mine("h"))->positive_buckets == std::vector<double>{2});

  for (const std::uint64_t most : {2U, 1U}) {
    Stage limit;
    limit.config.scrape_native_histograms = true;
    limit.config.native_histogram_bucket_limit = most;
    const auto kept = limit.turn(native_page(), kProtobuf);
    REQUIRE(histogram(kept, mine("h")));
    CHECK(histogram(kept, mine("h"))->schema == (most == 2 ? 1 : 0));
  }
  Stage custom;
  custom.config.convert_classic_histograms_to_nhcb = true;
  custom.config.native_histogram_bucket_limit = 2;
  const std::string page =
      "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 2\nh_count 3\nh_sum 4\n";
  custom.turn(page, "text/plain");
  CHECK(custom.status().last_error.find("native_histogram_bucket_limit of 2 exceeded") == 0);
  Stage fits;
  fits.config.convert_classic_histograms_to_nhcb = true;
  fits.config.native_histogram_bucket_limit = 3;
  for (int i = 0; i < 2; ++i) {
    const auto kept = fits.turn(page, "text/plain");
    REQUIRE(histogram(kept, mine("h")));
    CHECK(histogram(kept, mine("h"))->custom_values == std::vector<double>{1, 2});
  }
  CHECK(fits.store.slot_calls() == 6);  // asked for once
}

TEST_CASE("a _created line of OpenMetrics is the start of its metric's series, and none itself") {
  Stage s;
  const auto page = [](int start, const std::string& more = {}) {
    return "# TYPE c counter\nc_total{x=\"1\"} 1\nc_created{x=\"1\"} " + std::to_string(start) +
           ".25\nc_created{x=\"2\"} 7\nc_total{x=\"2\"} 1\n" +
           "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\n" + more +
           "h_count 1\nh_sum 1\nh_created 9\n"
           "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count 1\ns_sum 1\ns_created 11\n"
           "# TYPE g gauge\ng_created 5\n# TYPE u unknown\nu_created 6\n# EOF\n";
  };
  for (int turn = 0; turn < 3; ++turn) {
    const auto batch = s.turn(page(turn < 2 ? 3 : 4), kOpenMetrics);
    CAPTURE(turn);
    CHECK(s.status().last_error.empty());
    CHECK(batch.start(mine("c_total", ", x=\"1\"")) == (turn < 2 ? 3250 : 4250));
    CHECK(batch.start(mine("c_total", ", x=\"2\"")) == 7000);
    CHECK_FALSE(batch.value(mine("c_created", ", x=\"1\"")));
    for (const char* le : {", le=\"1\"", ", le=\"+Inf\""}) {
      CHECK(batch.start(mine("h_bucket", le)) == 9000);
    }
    CHECK(batch.start(mine("h_count")) == 9000);
    CHECK(batch.start(mine("s", ", quantile=\"0.5\"")) == 11'000);
    CHECK(batch.start(mine("s_sum")) == 11'000);
    CHECK(batch.value(mine("g_created")) == 5);  // a gauge has no such line
    CHECK(batch.value(mine("u_created")) == 6);
    CHECK(batch.start(mine("g_created")) == 0);
    CHECK(batch.value(mine("scrape_samples_scraped")) == 11);
  }
  const auto grown = s.turn(page(4, "h_bucket{le=\"3\"} 1\n"), kOpenMetrics);
  CHECK(grown.start(mine("h_bucket", ", le=\"3\"")) == 9000);
  CHECK(grown.start(mine("h_bucket", ", le=\"1\"")) == 9000);
  // In the older text it is a series as any other.
  const auto text = s.turn("# TYPE c counter\nc_total{x=\"1\"} 1\nc_created{x=\"1\"} 3\n",
                           "text/plain; version=0.0.4");
  CHECK(text.value(mine("c_created", ", x=\"1\"")) == 3);
  CHECK(text.start(mine("c_total", ", x=\"1\"")) == 0);
}

TEST_CASE("names past the older rules are refused when the scheme says so") {
  Stage s;
  s.turn("{\"a.b\"} 1\nc{\"d e\"=\"f\"} 2\n", "text/plain");
  CHECK(s.status().last_error.empty());
  for (const char* body : {"{\"a.b\"} 1\n", "c{\"d e\"=\"f\"} 2\n"}) {
    Stage legacy;
    legacy.config.legacy_names_only = true;
    legacy.turn(body, "text/plain");
    CHECK(legacy.status().last_error.find("line 1, column 1: metric_name_validation_scheme") == 0);
  }
}

}  // namespace
}  // namespace nines::collector
