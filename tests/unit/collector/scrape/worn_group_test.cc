#include <string>

#include <doctest/doctest.h>

#include "collector/scrape/scraper.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::make_response;
using testing::RecordingAppender;

const std::string kMine = "instance=\"a:1\", job=\"j\"";  // the target's own labels
constexpr std::string_view kOpenMetrics = "application/openmetrics-text; version=1.0.0";

std::string series(const std::string& name) {
  return name + "{" + kMine + "}";
}

struct Stage {
  void begin() {
    ScrapeConfig config;
    config.job_name = "j";
    config.static_configs = {{{"a:1"}, {}}};
    scraper.load({std::move(config)}, {});
    scraper.start();
  }
  // One interval, in which the target gives this answer.
  RecordingAppender::Batch turn(HttpResponse answer) {
    http.answer_next(std::move(answer));
    scheduler.run_for(Duration(15'000));
    return store.last();
  }
  RecordingAppender::Batch turn(std::string body, std::string_view type) {
    return turn(make_response(200, std::move(body), {{"content-type", std::string(type)}}));
  }

  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::FakeHttpClient http;
  RecordingAppender store;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  Scraper scraper{{store, http, scheduler, executor, *log, *telemetry}};
};

TEST_CASE("a worn group is left for new slots, and every series keeps its name, end and start") {
  Stage s;
  s.begin();
  const auto page = [](const std::string& lines) {
    return "# TYPE c counter\nc_total{x=\"1\"} 7\nc_created{x=\"1\"} 1600000000\n# TYPE g gauge\n" +
           lines + "# EOF\n";
  };
  const std::string counter = "c_total{" + kMine + ", x=\"1\"}";
  const auto g = [](const std::string& n) { return "g{" + kMine + ", n=\"" + n + "\"}"; };
  s.turn(page("g{n=\"1\"} 1\ng{n=\"2\"} 2\ng{n=\"3\"} 3\ng{n=\"4\"} 4\n"), kOpenMetrics);
  s.store.wear();
  auto batch = s.turn(page("g{n=\"3\"} 30\ng{n=\"4\"} 40\n"), kOpenMetrics);
  CHECK(batch.stale(g("1")));
  CHECK(batch.value(g("4")) == 40);
  CHECK(s.store.begun_anew() == 1);
  CHECK(s.store.open_groups() == 1);

  batch = s.turn(page("g{n=\"4\"} 400\ng{n=\"5\"} 500\n"), kOpenMetrics);
  CHECK(batch.value(g("4")) == 400);
  CHECK(batch.value(g("5")) == 500);
  CHECK(batch.stale(g("3")));
  CHECK(!batch.value(g("1")));
  CHECK(batch.value(counter) == 7);
  CHECK(batch.start(counter) == 1'600'000'000'000);
  CHECK(batch.value(series("up")) == 1);
  CHECK(batch.value(series("scrape_series_added")) == 1);

  // A scrape that fails is no moment for it.
  s.store.wear();
  batch = s.turn(make_response(500, "", {{"content-type", "text/plain"}}));
  CHECK(batch.stale(g("4")));
  CHECK(batch.stale(counter));
  CHECK(s.store.begun_anew() == 1);
}

}  // namespace
}  // namespace nines::collector
