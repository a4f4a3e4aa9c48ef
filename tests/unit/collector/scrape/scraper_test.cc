#include "collector/scrape/scraper.h"

#include <cmath>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/fake_http_client.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::FakeHttpClient;
using testing::InlineExecutor;
using testing::make_response;
using testing::RecordingAppender;
using testing::SimClock;
using testing::SimScheduler;

const HttpHeaders kPlain = {{"content-type", "text/plain"}};
constexpr std::string_view kOpenMetrics = "application/openmetrics-text; version=1.0.0";
const std::string kMine = "instance=\"a:1\", job=\"j\"";  // the target's own labels

// A name with the target's labels, and maybe more of them, as LabelSet prints it.
std::string series(const std::string& name) {
  return name + "{" + kMine + "}";
}

struct Stage {
  Stage() : scraper({store, http, scheduler, executor, *log, *telemetry}) {}

  ScrapeConfig config() const {
    ScrapeConfig c;
    c.job_name = "j";
    c.static_configs = {{{"a:1"}, {}}};
    return c;
  }
  void load(ScrapeConfig c) { scraper.load({std::move(c)}, {}); }
  void begin() { begin(config()); }
  void begin(ScrapeConfig c) {
    load(std::move(c));
    scraper.start();
  }
  // One interval, in which the target says `body`.
  RecordingAppender::Batch turn(std::string body, std::string_view type = "text/plain") {
    http.answer_next(make_response(200, std::move(body), {{"content-type", std::string(type)}}));
    scheduler.run_for(Duration(15'000));
    return store.last();
  }
  RecordingAppender::Batch turn(Result<HttpResponse> answer) {
    http.answer_next(std::move(answer));
    scheduler.run_for(Duration(15'000));
    return store.last();
  }
  TargetStatus status() const { return scraper.targets().at(0); }

  SimClock clock{from_millis(1'700'000'000'000)};
  SimScheduler scheduler{clock};
  InlineExecutor executor;
  FakeHttpClient http;
  RecordingAppender store;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  Scraper scraper;
};

TEST_CASE("a scrape writes the samples with the target's labels, and what it knows about itself") {
  Stage s;
  s.begin();
  CHECK(s.status().health == TargetHealth::kUnknown);
  const auto batch = s.turn("# TYPE m gauge\n# HELP m Help.\nm{x=\"1\"} 2.5\nn 3\n");
  CHECK(batch.value("m{instance=\"a:1\", job=\"j\", x=\"1\"}") == 2.5);
  CHECK(batch.value(series("n")) == 3);
  CHECK(batch.value(series("up")) == 1);
  CHECK(batch.value(series("scrape_samples_scraped")) == 2);
  CHECK(batch.value(series("scrape_samples_post_metric_relabeling")) == 2);
  CHECK(batch.value(series("scrape_series_added")) == 2);
  CHECK(batch.value(series("scrape_duration_seconds")) == 0);
  CHECK(batch.rows.size() == 7);
  CHECK(s.store.metadata().at("m") == Metadata{MetricType::kGauge, "Help.", ""});
  CHECK(s.status().health == TargetHealth::kUp);
  CHECK(s.status().last_samples == 2);
  CHECK(s.status().last_error.empty());
}

TEST_CASE("exemplars have the target's series and, without a time of their own, the scrape's") {
  Stage s;
  s.begin();
  const std::string body =
      "# TYPE m counter\nm_total 1 # {t=\"a\"} 0.5 1700000000.25\n"
      "m_total{x=\"1\"} 1 # {t=\"b\"} 2\nm_total{x=\"2\"} 1 1700000001 # {t=\"c\"} 3\n# EOF\n";
  const auto batch = s.turn(body, kOpenMetrics);
  const auto kept = s.store.exemplars();
  REQUIRE(kept.size() == 3);
  CHECK(kept[0].series == series("m_total"));
  CHECK(same_exemplar(kept[0].exemplar, {{{"t", "a"}}, 0.5, 1'700'000'000'250, true}));
  CHECK(kept[1].exemplar.time_ms == to_millis(batch.at));
  CHECK(!kept[1].exemplar.own_time);
  CHECK(kept[2].exemplar.time_ms == 1'700'000'001'000);
  s.turn(body.substr(0, body.size() - 6), kOpenMetrics);  // breaks off: nothing of it is kept
  CHECK(s.store.exemplars().size() == 3);
}

TEST_CASE("the request says who asks, for what, and how long it will wait") {
  Stage s;
  ScrapeConfig c = s.config();
  c.scrape_timeout = Duration(2500);
  c.scheme = "https";
  c.metrics_path = "/probe";
  c.params = {{"module", {"a b"}}, {"x", {"1", "2"}}};
  c.bearer_token = "secret";
  s.begin(c);
  s.turn("");
  const HttpRequest request = s.http.calls().at(0).request;
  CHECK(request.url == "https://a:1/probe?module=a%20b&x=1&x=2");
  CHECK(request.timeout == Duration(2500));
  CHECK(request.accept_compressed);
  CHECK(request.body_bytes_max == 16u << 20);
  CHECK(request.headers[0].second.find("openmetrics") != std::string::npos);
  CHECK(request.headers[1] ==
        std::pair<std::string, std::string>("X-Prometheus-Scrape-Timeout-Seconds", "2.5"));
  CHECK(request.headers[2] ==
        std::pair<std::string, std::string>("Authorization", "Bearer secret"));
}

TEST_CASE("turns come once an interval, at the same phase, and samples carry that time") {
  Stage s;
  s.begin();
  for (int i = 0; i < 4; ++i) s.turn("m 1\n");
  const auto batches = s.store.batches();
  REQUIRE(batches.size() == 4);
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK(batches[i].at - batches[i - 1].at == Duration(15'000));
  }
}

TEST_CASE("targets are spread over the interval, and replicas over each other") {
  Stage s;
  ScrapeConfig c = s.config();
  c.static_configs[0].targets.clear();
  for (int i = 0; i < 100; ++i)
    c.static_configs[0].targets.push_back("h" + std::to_string(i) + ":1");
  s.http.set_handler([](const HttpRequest&) { return make_response(200, "", kPlain); });
  s.begin(c);
  s.scheduler.run_for(Duration(15'000));
  int early = 0;
  for (const auto& batch : s.store.batches()) {
    early += to_millis(batch.at) % 15'000 < 7'500 ? 1 : 0;
  }
  CHECK(s.store.batches().size() == 100);
  CHECK(early > 25);
  CHECK(early < 75);

  Stage other;
  other.http.set_handler([](const HttpRequest&) { return make_response(200, "", kPlain); });
  other.scraper.load({other.config()}, LabelSet{{"replica", "b"}});
  other.scraper.start();
  other.scheduler.run_for(Duration(15'000));
  Stage one;
  one.begin();
  one.turn("");
  CHECK(other.store.last().at != one.store.last().at);
}

TEST_CASE("a step of the wall clock does not stop a target") {
  for (const Duration step : {Duration(3'600'000), Duration(-3'600'000)}) {
    Stage s;
    s.http.set_handler([](const HttpRequest&) { return make_response(200, "m 1\n", kPlain); });
    s.begin();
    s.scheduler.run_for(Duration(60'000));
    const std::size_t before = s.store.batches().size();
    s.clock.step_wall(step);
    s.scheduler.run_for(Duration(60'000));
    CHECK(s.store.batches().size() >= before + 3);
    CHECK(s.store.batches().size() <= before + 5);
  }
}

TEST_CASE("an unchanged series asks the store for its slot once") {
  Stage s;
  s.begin();
  const std::string body = "a 1\nb{x=\"1\"} 2\nc 3\n";
  s.turn(body);
  const std::size_t asked = s.store.slot_calls();
  CHECK(asked == 8);  // three series, five of the scraper's own
  const auto batch = s.turn(body);
  s.turn("c 3\nb{x=\"1\"} 2\na 1\n");  // another order
  CHECK(s.store.slot_calls() == asked);
  CHECK(batch.value(series("scrape_series_added")) == 0);
  CHECK(s.store.last().value(series("a")) == 1);
  CHECK(s.store.metadata_calls() == 0);
}

TEST_CASE("a series that vanishes gets one staleness marker, and may come back") {
  Stage s;
  s.begin();
  s.turn("a 1\nb 2\n");
  auto batch = s.turn("a 1\n");
  CHECK(batch.value(series("a")) == 1);
  CHECK(batch.stale(series("b")));
  batch = s.turn("a 1\n");
  CHECK_FALSE(batch.value(series("b")));
  batch = s.turn("a 1\nb 7\n");
  CHECK(batch.value(series("b")) == 7);
  batch = s.turn("");
  CHECK(batch.stale(series("a")));
  CHECK(batch.stale(series("b")));
  CHECK(batch.value(series("up")) == 1);
}

TEST_CASE("a failed scrape leaves up 0, markers for all series, and the reason") {
  Stage s;
  s.begin();
  s.turn("a 1\nb 2\n");
  const auto batch = s.turn(Error(ErrorCode::kUnavailable, "timed out after 10s while connecting"));
  CHECK(batch.value(series("up")) == 0);
  CHECK(batch.stale(series("a")));
  CHECK(batch.stale(series("b")));
  CHECK(batch.value(series("scrape_samples_scraped")) == 0);
  CHECK(s.status().health == TargetHealth::kDown);
  CHECK(s.status().last_error == "timed out after 10s while connecting");
  CHECK_FALSE(s.turn(Error(ErrorCode::kUnavailable, "again")).value(series("a")));
  CHECK(s.turn("a 5\n").value(series("a")) == 5);
  CHECK(s.status().health == TargetHealth::kUp);
  CHECK(s.status().last_error.empty());
}

TEST_CASE("any status but 200 is a failure that names it") {
  Stage s;
  s.begin();
  s.turn(make_response(503, "m 1\n"));
  CHECK(s.status().last_error == "server returned HTTP status 503");
  CHECK(s.store.last().value(series("up")) == 0);
  CHECK_FALSE(s.store.last().value(series("m")));
}

TEST_CASE("a body that breaks off in the middle leaves nothing of it") {
  Stage s;
  s.begin();
  s.turn("a 1\nb 2\n");
  const auto batch = s.turn("a 3\n<html>" + std::string(5000, 'x'));
  CHECK(batch.value(series("up")) == 0);
  CHECK(batch.stale(series("a")));
  CHECK(batch.stale(series("b")));
  CHECK(batch.rows.size() == 7);
  CHECK(s.status().last_error == "line 2, column 1: expected a metric name");
  CHECK(s.status().body_start.starts_with("a 3\n<html>xxx"));
  CHECK(s.status().body_start.size() == 1024);
  s.turn("a 1\n");
  CHECK(s.status().body_start.empty());
}

TEST_CASE("the content type chooses the format") {
  Stage s;
  s.begin();
  s.turn("a 1\n", kOpenMetrics);
  CHECK(s.status().last_error == "line 2, column 1: body does not end with # EOF");
  s.turn("a 1\n# EOF\n", kOpenMetrics);
  CHECK(s.status().health == TargetHealth::kUp);
  s.turn("a 1\n", "");
  CHECK(
      s.status().last_error ==
      "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol "
      "specified for target; fallback_scrape_protocol = \"PrometheusText0.0.4\" reads it as text");
  CHECK(s.status().body_start == "a 1\n");
  ScrapeConfig c = s.config();
  c.fallback_scrape_protocol = ScrapeProtocol::kPrometheusText004;
  s.load(c);
  s.turn("a 1\n", "");
  CHECK(s.status().health == TargetHealth::kUp);
}

TEST_CASE("an answer that the client found too large names the limit") {
  Stage s;
  s.begin();
  s.turn(Error(ErrorCode::kLimit, "answer is larger than 16777216 bytes"));
  CHECK(s.status().last_error == "body_size_limit exceeded: answer is larger than 16777216 bytes");
}

TEST_CASE("sample_limit lets exactly so many through and fails the whole scrape beyond") {
  Stage s;
  ScrapeConfig c = s.config();
  c.sample_limit = 2;
  s.begin(c);
  CHECK(s.turn("a 1\nb 2\n").value(series("up")) == 1);
  const auto batch = s.turn("a 1\nb 2\nc 3\n");
  CHECK(batch.value(series("up")) == 0);
  CHECK(batch.stale(series("a")));
  CHECK(batch.value(series("scrape_samples_scraped")) == 3);
  CHECK(s.status().last_error == "sample_limit of 2 exceeded");
}

TEST_CASE("label limits count the final labels, hold at their value and fail one past it") {
  Stage s;
  ScrapeConfig c = s.config();
  c.label_limit = 4;  // __name__, job, instance and one more
  c.label_name_length_limit = 8;
  c.label_value_length_limit = 5;
  s.begin(c);
  s.turn("a{x=\"12345\"} 1\n");
  CHECK(s.status().last_error.empty());
  s.turn("a{x=\"1\",y=\"2\"} 1\n");
  CHECK(s.status().last_error.starts_with("label_limit of 4 exceeded by a{"));
  s.turn("a{x=\"123456\"} 1\n");
  CHECK(s.status().last_error.starts_with("label_value_length_limit of 5 exceeded by a{"));
  s.turn("a{x23456789=\"1\"} 1\n");
  CHECK(s.status().last_error.starts_with("label_name_length_limit of 8 exceeded by a{"));
}

TEST_CASE("a clash of labels goes to exported_ unless the target's are to be honoured") {
  const std::string body = "a{job=\"theirs\",exported_job=\"x\"} 1\n";
  Stage s;
  s.begin();
  CHECK(s.turn(body).value("a{exported_exported_job=\"theirs\", exported_job=\"x\", " + kMine +
                           "}") == 1);
  Stage honest;
  ScrapeConfig c = honest.config();
  c.honor_labels = true;
  honest.begin(c);
  CHECK(honest.turn(body).value("a{exported_job=\"x\", instance=\"a:1\", job=\"theirs\"}") == 1);
}

TEST_CASE("exposed timestamps are kept when honoured, and such series end without a marker") {
  Stage s;
  s.begin();
  CHECK(s.turn("a 1 1600000000000\n").rows.back().own_time_ms == 1'600'000'000'000);
  CHECK_FALSE(s.turn("").value(series("a")));
  Stage deaf;
  ScrapeConfig c = deaf.config();
  c.honor_timestamps = false;
  deaf.begin(c);
  CHECK(deaf.turn("a 1 1600000000000\n").rows.back().own_time_ms == storage::Row::kBatchTime);
  CHECK(deaf.turn("").stale(series("a")));
}

TEST_CASE("of a series that stands twice in a body the first counts") {
  Stage s;
  s.begin();
  const auto batch = s.turn("a{x=\"1\",y=\"2\"} 1\na{x=\"1\",y=\"2\"} 2\na{y=\"2\",x=\"1\"} 3\n");
  CHECK(batch.rows.size() == 6);
  CHECK(batch.rows.back().value == 1);
}

TEST_CASE("a series past the store's limit is left out and offered again later") {
  Stage s;
  s.store.set_series_max(6);
  s.begin();
  CHECK(s.turn("a 1\n").value(series("up")) == 1);  // a and the five reports
  auto batch = s.turn("a 1\nb 2\n");
  CHECK(batch.value(series("up")) == 1);
  CHECK(batch.value(series("a")) == 1);
  CHECK_FALSE(batch.value(series("b")));
  CHECK(batch.value(series("scrape_samples_post_metric_relabeling")) == 1);
  const std::size_t asked = s.store.slot_calls();
  s.turn("a 1\nb 2\n");
  CHECK(s.store.slot_calls() == asked);
  s.store.set_series_max(7);
  for (int i = 0; i < 10; ++i) s.turn("a 1\nb 2\n");
  CHECK(s.store.last().value(series("b")) == 2);
}

TEST_CASE("a removed target ends its series and frees its group; the others go on") {
  Stage s;
  ScrapeConfig c = s.config();
  c.static_configs[0].targets = {"a:1", "b:1"};
  s.http.set_handler([](const HttpRequest&) { return make_response(200, "m 1\n", kPlain); });
  s.begin(c);
  s.scheduler.run_for(Duration(15'000));
  CHECK(s.store.open_groups() == 2);
  const std::size_t before = s.store.batches().size();
  c.static_configs[0].targets = {"b:1"};
  s.load(c);
  REQUIRE(s.store.batches().size() == before + 1);
  const auto last = s.store.last();
  for (const char* name : {"m", "up", "scrape_duration_seconds", "scrape_series_added"}) {
    CAPTURE(name);
    CHECK(last.stale(series(name)));
  }
  CHECK(last.rows.size() == 6);
  CHECK(s.store.open_groups() == 1);
  CHECK(s.scraper.targets().size() == 1);
  s.scheduler.run_for(Duration(30'000));
  CHECK(s.store.batches().size() == before + 3);
}

TEST_CASE("a removed target that is being asked is cancelled, and ends too") {
  Stage s;
  s.begin();
  s.turn("m 1\n");
  s.scheduler.run_for(Duration(15'000));  // the answer is held
  REQUIRE(s.http.held_count() == 1);
  s.scraper.load({}, {});
  CHECK(s.http.held_count() == 0);
  CHECK(s.http.calls().back().cancelled);
  CHECK(s.store.last().stale(series("m")));
  CHECK(s.scraper.targets().empty());
}

TEST_CASE("a reload that changes nothing changes nothing; new limits apply without a gap") {
  Stage s;
  s.begin();
  s.turn("a 1\n");
  const std::size_t batches = s.store.batches().size();
  s.load(s.config());
  CHECK(s.status().health == TargetHealth::kUp);
  ScrapeConfig c = s.config();
  c.sample_limit = 1;
  s.load(c);
  CHECK(s.store.batches().size() == batches);  // no markers
  s.turn("a 1\nb 2\n");
  CHECK(s.status().last_error == "sample_limit of 1 exceeded");
}

TEST_CASE("a target that does not answer in its interval is not asked twice") {
  Stage s;
  s.begin();
  s.scheduler.run_for(Duration(60'000));
  CHECK(s.http.call_count() == 1);
  s.http.answer_oldest(make_response(200, "m 1\n", kPlain));
  CHECK(s.store.last().value(series("m")) == 1);
  s.scheduler.run_for(Duration(15'000));
  CHECK(s.http.call_count() == 2);
}

TEST_CASE("after stop() nothing is asked, nothing is written, and no series end") {
  Stage s;
  s.begin();
  s.turn("m 1\n");
  s.scheduler.run_for(Duration(15'000));
  const std::size_t calls = s.http.call_count();
  const std::size_t batches = s.store.batches().size();
  s.scraper.stop();
  CHECK(s.http.held_count() == 0);
  s.scheduler.run_for(Duration(60'000));
  CHECK(s.http.call_count() == calls);
  CHECK(s.store.batches().size() == batches);
}

TEST_CASE("a full executor delays a scrape but does not lose it") {
  struct Busy final : Executor {
    bool post(std::function<void()> task) override {
      if (refuse-- > 0) return false;
      task();
      return true;
    }
    int refuse = 3;
  } busy;
  Stage s;
  Scraper scraper({s.store, s.http, s.scheduler, busy, *s.log, *s.telemetry});
  scraper.load({s.config()}, {});
  scraper.start();
  s.http.answer_next(make_response(200, "m 1\n", kPlain));
  s.scheduler.run_for(Duration(15'200));
  CHECK(s.store.last().value(series("m")) == 1);
}

TEST_CASE("the process scrapes itself without a request") {
  Stage s;
  s.scraper.add_self("nines", "127.0.0.1:9999", Duration(5'000), [] { return "x 4\n"; });
  s.scraper.start();
  s.scheduler.run_for(Duration(5'000));
  CHECK(s.http.call_count() == 0);
  CHECK(s.store.last().value("x{instance=\"127.0.0.1:9999\", job=\"nines\"}") == 4);
  CHECK(s.status().kind == "self");
  s.load(s.config());
  CHECK(s.scraper.targets().size() == 2);
}

TEST_CASE("static labels join, override and steer") {
  Stage s;
  ScrapeConfig c = s.config();
  c.static_configs[0].labels = {
      {"env", "prod"}, {"instance", "named"}, {"__metrics_path__", "/other"}};
  s.begin(c);
  const auto batch = s.turn("m 1\n");
  CHECK(batch.value("m{env=\"prod\", instance=\"named\", job=\"j\"}") == 1);
  CHECK(s.http.calls()[0].request.url == "http://a:1/other");
  CHECK(s.status().discovered.get("__address__") == "a:1");
}

RelabelRule rule(RelabelAction action, std::vector<std::string> sources, std::string target,
                 std::string regex = "(.*)", std::string replacement = "$1") {
  RelabelSpec spec;
  spec.action = action;
  spec.source_labels = std::move(sources);
  spec.target_label = std::move(target);
  spec.regex = std::move(regex);
  spec.replacement = std::move(replacement);
  return *make_relabel_rule(spec);
}

TEST_CASE("relabelling decides where, when and whether a target is asked, and what it is called") {
  Stage s;
  ScrapeConfig c = s.config();
  c.static_configs = {{{"a:1", "b:1"}, {{"__meta_zone", "z1"}}}};
  c.relabel_configs = {
      rule(RelabelAction::kKeep, {"__address__"}, "", "a:.*"),
      rule(RelabelAction::kReplace, {"__address__"}, "__param_target"),
      rule(RelabelAction::kReplace, {"__address__"}, "instance"),
      rule(RelabelAction::kReplace, {"__meta_zone"}, "zone"),
      rule(RelabelAction::kReplace, {}, "__address__", "", "proxy:9115"),
      rule(RelabelAction::kReplace, {}, "__metrics_path__", "", "/probe"),
      rule(RelabelAction::kReplace, {}, "__scrape_interval__", "", "5s"),
      rule(RelabelAction::kReplace, {}, "__scrape_timeout__", "", "4s"),
  };
  s.begin(c);
  s.turn("m 1\n");
  REQUIRE(s.scraper.targets().size() == 1);
  CHECK(s.http.calls().size() == 2);  // in 15 s; the second is never answered here
  CHECK(s.http.calls().at(0).request.url == "http://proxy:9115/probe?target=a%3A1");
  CHECK(s.http.calls().at(0).request.timeout == Duration(4000));
  CHECK(s.status().interval == Duration(5000));
  CHECK(s.status().labels.to_string() == "{instance=\"a:1\", job=\"j\", zone=\"z1\"}");
  CHECK(s.status().discovered.get("__meta_zone") == "z1");
  const DroppedTargets dropped = s.scraper.dropped_targets();
  REQUIRE(dropped.shown.size() == 1);
  CHECK(dropped.shown[0].discovered.get("__address__") == "b:1");
  CHECK(dropped.counts.at("j") == 1);
}

TEST_CASE("a target whose relabelled labels make no sense fails, visibly, and is not asked") {
  Stage s;
  ScrapeConfig c = s.config();
  const auto reason = [&](const char* label, const char* value) {
    c.relabel_configs = {rule(RelabelAction::kReplace, {}, label, "", value)};
    s.load(c);
    s.scraper.start();
    s.scheduler.run_for(Duration(15'000));
    CHECK(s.status().health == TargetHealth::kDown);
    return s.status().last_error;
  };
  CHECK(reason("__address__", "") == "relabelling left no __address__");
  CHECK(reason("__scheme__", "ftp").starts_with("relabelling left __scheme__ \"ftp\""));
  CHECK(reason("__scrape_interval__", "soon").starts_with("__scrape_interval__"));
  CHECK(reason("__scrape_timeout__", "0s") == "__scrape_timeout__ must be above 0s");
  CHECK(reason("__scrape_timeout__", "16s") ==
        "__scrape_timeout__ (16s) is longer than __scrape_interval__ (15s)");
  CHECK(s.http.calls().empty());
}

TEST_CASE("target_limit lets exactly so many through and fails all of them beyond") {
  Stage s;
  ScrapeConfig c = s.config();
  c.target_limit = 2;
  c.static_configs = {{{"a:1", "b:1"}, {}}};
  s.http.set_handler([](const HttpRequest&) { return make_response(200, "m 1\n", kPlain); });
  s.begin(c);
  s.scheduler.run_for(Duration(15'000));
  CHECK(s.status().health == TargetHealth::kUp);
  c.static_configs = {{{"a:1", "b:1", "c:1"}, {}}};
  s.load(c);
  s.scheduler.run_for(Duration(15'000));
  for (const TargetStatus& t : s.scraper.targets()) {
    CHECK(t.last_error == "target_limit of 2 exceeded: job \"j\" has 3 targets");
  }
}

TEST_CASE("metric relabelling drops and renames series; limits count what it keeps") {
  Stage s;
  ScrapeConfig c = s.config();
  c.sample_limit = 2;
  c.label_limit = 4;
  RelabelSpec drop_label;
  drop_label.action = RelabelAction::kLabelDrop;
  drop_label.regex = "x.*";
  c.metric_relabel_configs = {
      rule(RelabelAction::kDrop, {"__name__"}, "", "go_.*"),
      rule(RelabelAction::kReplace, {"__name__"}, "__name__", "old_(.*)", "new_$1"),
      *make_relabel_rule(drop_label)};
  s.begin(c);
  const std::string body = "go_a 1\ngo_b 1\nold_m{x1=\"1\",x2=\"2\"} 5\nn 6\n";
  for (int i = 0; i < 2; ++i) {  // the second time from the cache
    const auto batch = s.turn(body);
    CHECK(batch.value(series("up")) == 1);
    CHECK(batch.value(series("new_m")) == 5);
    CHECK(batch.value(series("n")) == 6);
    CHECK(batch.value(series("scrape_samples_scraped")) == 4);
    CHECK(batch.value(series("scrape_samples_post_metric_relabeling")) == 2);
    CHECK(batch.rows.size() == 7);
  }
  s.turn(body + "o 7\n");
  CHECK(s.status().last_error == "sample_limit of 2 exceeded");
  c.metric_relabel_configs = {rule(RelabelAction::kReplace, {}, "__name__", "", "")};
  s.load(c);
  s.turn("m 1\n");
  CHECK(s.status().last_error ==
        "line 1, column 1: metric_relabel_configs left \"m\" without a name");
}

}  // namespace
}  // namespace nines::collector
