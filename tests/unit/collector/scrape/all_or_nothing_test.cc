// A page with one thing wrong in it, at its very end: nothing of it is kept, and what was there
// before stays consistent.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <protozero/pbf_writer.hpp>

#include "collector/scrape/scraper.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::make_response;
using testing::RecordingAppender;

constexpr const char* kText = "text/plain; version=0.0.4";
constexpr const char* kOpen = "application/openmetrics-text; version=1.0.0";
constexpr const char* kProto =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

struct Stage {
  explicit Stage(const std::function<void(ScrapeConfig&)>& change = {}) {
    ScrapeConfig config;
    config.job_name = "j";
    config.static_configs = {{{"a:1"}, {}}};
    if (change) change(config);
    scraper.load({config}, {});
    scraper.start();
  }
  RecordingAppender::Batch turn(const std::string& body, const char* type) {
    http.answer_next(make_response(200, body, {{"content-type", type}}));
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
  Scraper scraper{{store, http, scheduler, executor, *log, *telemetry}};
};

std::string mine(const std::string& name) {
  return name + "{instance=\"a:1\", job=\"j\"}";
}

// A counter of protobuf.
std::string counter(const std::string& name, double value) {
  std::string number, metric, family, out;
  protozero::pbf_writer(number).add_double(1, value);
  protozero::pbf_writer(metric).add_message(3, number);
  protozero::pbf_writer f(family);
  f.add_string(1, name);
  f.add_enum(3, 0);
  f.add_message(4, metric);
  protozero::write_varint(std::back_inserter(out), family.size());
  return out + family;
}

struct Case {
  const char* what;
  const char* type;
  std::string good, bad;
  const char* error;  // how it begins
  std::function<void(ScrapeConfig&)> change = {};
};

std::vector<Case> cases() {
  const std::string text = "# TYPE a gauge\n# HELP a New.\na 1\nb 2\n";
  const std::string open = "# TYPE a counter\na_total 1 # {trace_id=\"x\"} 1\na_created 9\nb 2\n";
  return {
      {"a broken last line", kText, text, text + "c{d=\"e\" 3\n",
       "line 5, column 9: expected , or }"},
      {"a last line that breaks off", kText, text, text + "c{d=\"e",
       "line 5, column 5: unterminated quoted text"},
      {"a value that is none", kText, text, text + "c 0x3\n", "line 5, column 3: expected a value"},
      {"a label twice", kText, text, text + "c{d=\"1\",d=\"2\"} 3\n",
       "line 5, column 1: label \"d\" stands twice"},
      {"a label that is not UTF-8", kText, text, text + "c{d=\"\xff\"} 3\n",
       "line 5, column 1: invalid UTF-8"},
      {"no # EOF", kOpen, open + "# EOF\n", open, "line 5, column 1: body does not end with # EOF"},
      {"text after # EOF", kOpen, open + "# EOF\n", open + "# EOF\nc 3\n",
       "line 6, column 1: text after # EOF"},
      {"an exemplar that breaks off", kOpen, open + "# EOF\n",
       open + "c_total 3 # {x=\"y\"}\n# EOF\n",
       "line 5, column 20: expected the value of an exemplar"},
      {"a unit of another name", kOpen, open + "# EOF\n", open + "# UNIT c_bytes seconds\n# EOF\n",
       "line 5, column 16: expected a unit"},
      {"a message that breaks off", kProto, counter("a", 1) + counter("b", 2),
       (counter("a", 1) + counter("b", 2)).substr(0, 30), "metric family 2, byte"},
      {"a Content-Type of something else", kText, text, text,
       "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol"},
      {"more samples than sample_limit", kText, text, text + "c 3\n", "sample_limit of 2 exceeded",
       [](ScrapeConfig& c) { c.sample_limit = 2; }},
      {"more labels than label_limit", kText, text, text + "c{x=\"1\",y=\"2\"} 3\n",
       "label_limit of 4 exceeded", [](ScrapeConfig& c) { c.label_limit = 4; }},
      {"a name of the newer kind", kText, text, text + "{\"c.d\"} 3\n",
       "line 5, column 1: metric_name_validation_scheme",
       [](ScrapeConfig& c) { c.legacy_names_only = true; }},
      {"a histogram too fine", kText, text,
       text + "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 2\n"
              "h_count 3\nh_sum 4\n",
       "native_histogram_bucket_limit of 2 exceeded",
       [](ScrapeConfig& c) {
         c.convert_classic_histograms_to_nhcb = true;
         c.native_histogram_bucket_limit = 2;
       }},
      {"a page past body_size_limit", kText, text, text + std::string(200, '\n'),
       "body_size_limit of 100 exceeded", [](ScrapeConfig& c) { c.body_size_limit = 100; }},
  };
}

TEST_CASE("of a page that is wrong at its end nothing is kept, whatever stands before") {
  for (const Case& one : cases()) {
    CAPTURE(std::string(one.what));
    const bool open = one.type == kOpen;
    const std::string a = mine(open ? "a_total" : "a");
    const char* const bad_type =
        std::string(one.what).starts_with("a Content-Type") ? "text/html" : one.type;
    Stage first(one.change);
    auto batch = first.turn(one.bad, bad_type);
    CHECK(batch.value(mine("up")) == 0);
    CHECK(batch.rows.size() == 5);  // up and the other reports
    CHECK(batch.value(mine("scrape_samples_post_metric_relabeling")).has_value());
    CHECK(first.store.metadata().empty());
    CHECK(first.store.exemplars().empty());
    CHECK_MESSAGE(first.status().last_error.starts_with(one.error), first.status().last_error);
    CHECK_FALSE(first.status().last_error.empty());
    CHECK_FALSE(first.status().body_start.empty());

    // Between two good pages, read line by line and by the run.
    Stage s(one.change);
    for (int i = 0; i < 4; ++i) s.turn(one.good, one.type);
    CHECK(s.status().last_error.empty());
    const auto exemplars = s.store.exemplars().size();
    const auto metadata = s.store.metadata_calls();
    batch = s.turn(one.bad, bad_type);
    CHECK(batch.rows.size() == 7);
    CHECK(batch.value(mine("up")) == 0);
    CHECK(batch.stale(a));
    CHECK(batch.stale(mine("b")));
    CHECK(s.store.exemplars().size() == exemplars);
    CHECK(s.store.metadata_calls() == metadata);
    batch = s.turn(one.bad, bad_type);
    CHECK(batch.rows.size() == 5);  // what has ended does not end again
    for (int i = 0; i < 2; ++i) {
      batch = s.turn(one.good, one.type);
      CHECK(batch.rows.size() == 7);
      CHECK(batch.value(mine("up")) == 1);
      CHECK(batch.value(a) == 1);
      CHECK(batch.value(mine("b")) == 2);
      if (open) CHECK(batch.start(a) == 9'000);
    }
    CHECK(s.status().last_error.empty());
    CHECK(s.status().body_start.empty());
  }
}

}  // namespace
}  // namespace nines::collector
