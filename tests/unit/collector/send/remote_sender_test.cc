#include "collector/send/remote_sender.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "collector/receive/internal/write_request.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

const Timestamp kStart = from_millis(1'700'000'000'000);

class Positions final : public storage::KeyValueStore {
 public:
  Result<std::optional<std::string>> get_value(const std::string& key) override {
    const auto at = values.find(key);
    return at == values.end() ? std::optional<std::string>() : at->second;
  }
  Result<void> set_value(const std::string& key, const std::string& value) override {
    values[key] = value;
    return {};
  }
  std::map<std::string, std::string> values;
};

// A receiver that, like Prometheus, refuses a whole request when one of its samples is older than
// the newest of its series, and takes the newest a second time without a word.
class Receiver {
 public:
  explicit Receiver(WriteVersion version) : version_(version) {}

  HttpResponse take(const HttpRequest& request) {
    ++requests;
    if (status != 0) return testing::make_response(status, "no\n", headers);
    const auto message = unsnap(request.body, 64u << 20);
    REQUIRE(message);
    const auto written = read_write_request(*message, version_);
    REQUIRE(written);
    CHECK(written->bad.empty());
    metadata += written->metadata.size();
    auto next = series;
    for (const WrittenSeries& s : written->series) {
      std::string key;
      for (const auto& [name, value] : s.labels) {
        key += std::string(name) + "=" + std::string(value) + ",";
      }
      exemplars += s.exemplars.size();
      for (const PushedSample& sample : s.samples) {
        auto& kept = next[key];
        if (strict && !kept.empty() && sample.time_ms < kept.rbegin()->first) {
          return testing::make_response(400, "out of order sample");
        }
        kept[sample.time_ms] = sample.histogram ? sample.histogram->sum : sample.value;
        starts[{key, sample.time_ms}] = sample.start_ms;
      }
    }
    series = std::move(next);
    largest = std::max(largest, written->series.size());
    return testing::make_response(204);
  }

  std::size_t samples() const {
    std::size_t n = 0;
    for (const auto& [key, kept] : series) n += kept.size();
    return n;
  }

  int status = 0;  // of every answer; 0: it works
  HttpHeaders headers;
  bool strict = false;
  std::map<std::string, std::map<std::int64_t, double>> series;
  std::map<std::pair<std::string, std::int64_t>, std::int64_t> starts;  // as they came
  std::size_t requests = 0, metadata = 0, exemplars = 0, largest = 0;

 private:
  const WriteVersion version_;
};

struct World {
  explicit World(SendConfig c = {}) : config(std::move(c)), receiver(version()) {
    config.url = "http://receiver/api/v1/write";
    config.send_metadata = false;
    http.set_handler([this](const HttpRequest& request) -> std::optional<Result<HttpResponse>> {
      last = request;
      if (hold) return std::nullopt;
      if (down) return Result<HttpResponse>(Error(ErrorCode::kUnavailable, "refused"));
      return Result<HttpResponse>(receiver.take(request));
    });
    begin();
  }
  WriteVersion version() const {
    return config.protocol == SendProtocol::kV2 ? WriteVersion::kV2 : WriteVersion::kV1;
  }
  void begin() {
    telemetry = make_telemetry();
    sender = std::make_unique<RemoteSender>(
        SenderParts{store, store, positions, http, scheduler, pool, *log, *telemetry},
        std::vector<SendConfig>{config}, LabelSet{{"region", "eu"}});
    sender->start();
    auto opened = sender->appender().open_group("scrape/j/a:1");
    REQUIRE(opened);
    writer = *std::move(opened);
  }
  // What a kill leaves: the store and the positions noted so far.
  void kill() {
    const auto noted = positions.values;
    writer.reset();
    sender.reset();
    positions.values = noted;
  }
  void write(int first, int last_series, double value) {
    std::vector<storage::Row> rows;
    for (int i = first; i < last_series; ++i) {
      const auto slot = writer->slot(LabelSet{
          {"__name__", "m" + std::to_string(i)}, {"job", "j"}, {"instance", "a:1"}});
      REQUIRE(slot);
      rows.push_back({.slot = *slot, .value = value});
    }
    REQUIRE(writer->append(clock.now(), rows));
  }
  double metric(const std::string& name) const {
    const std::string text = telemetry->text();
    const std::size_t at = text.find("\n" + name + "{");
    if (at == std::string::npos) return -1;
    return std::stod(text.substr(text.find("} ", at) + 2));
  }

  SendConfig config;
  testing::SimClock clock{kStart};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor pool;
  testing::FakeHttpClient http;
  testing::MemoryMetrics store;
  Positions positions;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry;
  Receiver receiver;
  HttpRequest last;
  bool down = false, hold = false;
  std::unique_ptr<RemoteSender> sender;
  std::unique_ptr<storage::GroupWriter> writer;
};

TEST_CASE("what is written is sent after the deadline, with external labels and stale markers") {
  for (const SendProtocol protocol : {SendProtocol::kV1, SendProtocol::kV2}) {
    SendConfig config;
    config.protocol = protocol;
    World w(config);
    w.write(0, 3, 1.5);
    w.clock.advance(Duration(1'000));
    w.write(0, 3, stale_nan());
    CHECK(w.receiver.requests == 0);
    w.scheduler.run_for(Duration(5'000));
    CHECK(w.receiver.requests == 1);
    REQUIRE(w.receiver.series.size() == 3);
    const auto& kept = w.receiver.series.at("__name__=m1,instance=a:1,job=j,region=eu,");
    CHECK(kept.at(to_millis(kStart)) == 1.5);
    CHECK(is_stale_nan(kept.at(to_millis(kStart) + 1'000)));
    CHECK(w.metric("nines_remote_storage_samples_total") == 6);
    const auto header = [&](const std::string& name) {
      for (const auto& [n, value] : w.last.headers) {
        if (n == name) return value;
      }
      return std::string();
    };
    CHECK(header("Content-Encoding") == "snappy");
    CHECK(header("X-Prometheus-Remote-Write-Version") ==
          (protocol == SendProtocol::kV1 ? "0.1.0" : "2.0.0"));
  }
}

TEST_CASE("a full batch goes at once, and requests hold max_samples_per_send at most") {
  SendConfig config;
  config.queue.max_samples_per_send = 10;
  World w(config);
  w.write(0, 9, 1);
  CHECK(w.receiver.samples() == 0);
  w.clock.advance(Duration(1));
  w.write(0, 1, 2);
  CHECK(w.receiver.samples() == 10);
  w.clock.advance(Duration(1));
  w.write(0, 25, 3);
  w.scheduler.run_for(Duration(6'000));
  CHECK(w.receiver.samples() == 35);
  CHECK(w.receiver.largest == 10);
}

TEST_CASE("a server's failure is tried again with growing pauses, and nothing is lost") {
  World w;
  w.receiver.status = 503;
  w.write(0, 3, 1);
  w.scheduler.run_for(Duration(5'000));
  CHECK(w.receiver.requests == 1);
  w.scheduler.run_for(Duration(30 + 60 + 120));
  CHECK(w.receiver.requests == 4);
  w.scheduler.run_for(Duration(60'000));
  CHECK(w.receiver.requests < 30);  // 5 s apart at most
  w.receiver.status = 0;
  w.scheduler.run_for(Duration(5'000));
  CHECK(w.receiver.samples() == 3);
  CHECK(w.metric("nines_remote_storage_samples_failed_total") == 0);
  CHECK(w.metric("nines_remote_storage_samples_retried_total") > 0);
}

TEST_CASE("Retry-After is waited for, and 429 is final when it is told so") {
  World w;
  w.receiver.status = 429;
  w.receiver.headers = {{"retry-after", "7"}};
  w.write(0, 3, 1);
  w.scheduler.run_for(Duration(5'000));
  w.scheduler.run_for(Duration(6'900));
  CHECK(w.receiver.requests == 1);
  w.scheduler.run_for(Duration(200));
  CHECK(w.receiver.requests == 2);

  SendConfig config;
  config.queue.retry_on_http_429 = false;
  World f(config);
  f.receiver.status = 429;
  f.write(0, 3, 1);
  f.scheduler.run_for(Duration(60'000));
  CHECK(f.receiver.requests == 1);
  CHECK(f.metric("nines_remote_storage_samples_failed_total") == 3);
}

TEST_CASE("what is refused is dropped and counted, and the next batch goes") {
  World w;
  w.receiver.status = 400;
  w.write(0, 3, 1);
  w.scheduler.run_for(Duration(5'000));
  CHECK(w.metric("nines_remote_storage_samples_failed_total") == 3);
  w.receiver.status = 0;
  w.write(0, 3, 2);
  w.scheduler.run_for(Duration(5'000));
  CHECK(w.receiver.samples() == 3);
}

TEST_CASE("memory is bounded in an outage, and what did not fit is read from the store") {
  SendConfig config;
  config.queue.capacity = 10;
  config.queue.max_shards = 2;
  config.queue.max_samples_per_send = 10;
  World w(config);
  w.receiver.strict = true;
  w.down = true;
  for (int i = 0; i < 200; ++i) {
    w.write(0, 5, i);
    w.scheduler.run_for(Duration(1'000));
    CHECK(w.metric("nines_remote_storage_samples_pending") <= 40);
  }
  w.down = false;
  w.scheduler.run_for(Duration(60'000));
  CHECK(w.receiver.samples() == 1'000);
  CHECK(w.metric("nines_remote_storage_samples_caught_up_total") > 900);
  w.write(0, 5, 7);
  w.scheduler.run_for(Duration(6'000));
  CHECK(w.receiver.samples() == 1'005);
}

TEST_CASE("a kill loses nothing, whether the receiver takes samples twice or refuses them") {
  for (const bool strict : {false, true}) {
    for (const int series : {5, 40}) {
      World w;
      w.receiver.strict = strict;
      for (int i = 0; i < 98; ++i) {
        w.write(0, series, i);
        w.scheduler.run_for(Duration(1'000));
      }
      const std::size_t before = w.receiver.samples();
      CHECK(before < 98u * static_cast<std::size_t>(series));
      w.kill();
      w.clock.advance(Duration(10'000));
      w.begin();
      w.write(0, series, 1'000);
      w.scheduler.run_for(Duration(10'000));
      CHECK(w.receiver.samples() == 99u * static_cast<std::size_t>(series));
      CHECK(w.metric("nines_remote_storage_samples_failed_total") == 0);
    }
  }
}

TEST_CASE("a stop notes exactly what was acknowledged, and what was not follows") {
  World w;
  w.write(0, 3, 1);
  w.scheduler.run_for(Duration(6'000));
  w.hold = true;
  w.write(0, 3, 2);
  w.scheduler.run_for(Duration(6'000));
  CHECK(w.http.held_count() == 1);
  w.writer.reset();
  w.sender->stop();
  CHECK(w.http.held_count() == 0);
  CHECK(w.positions.values.begin()->second == std::to_string(to_millis(kStart) + 6'000));
  w.sender.reset();
  w.hold = false;
  w.begin();
  w.scheduler.run_for(Duration(6'000));
  CHECK(w.receiver.samples() == 6);
}

TEST_CASE("a new target begins with the present") {
  World w;
  w.kill();
  w.positions.values.clear();
  w.store.add(LabelSet{{"__name__", "old"}}, kStart - Duration(60'000), 1);
  w.begin();
  w.scheduler.run_for(Duration(10'000));
  CHECK(w.receiver.samples() == 0);
}

TEST_CASE("relabelling drops and renames; old samples and histograms are left out when told so") {
  SendConfig config;
  RelabelSpec drop;
  drop.source_labels = {"__name__"};
  drop.regex = "m1";
  drop.action = RelabelAction::kDrop;
  config.write_relabel_configs.push_back(*make_relabel_rule(drop));
  config.queue.sample_age_limit = Duration(10'000);
  World w(config);
  w.write(0, 3, 1);
  w.scheduler.run_for(Duration(5'000));
  CHECK(w.receiver.samples() == 2);
  w.down = true;
  w.write(0, 3, 2);
  w.scheduler.run_for(Duration(20'000));
  w.down = false;
  w.scheduler.run_for(Duration(20'000));
  CHECK(w.receiver.samples() == 2);
  CHECK(w.telemetry->text().find("reason=\"too_old\"") != std::string::npos);
}

TEST_CASE("histograms and exemplars arrive in both versions when they are asked for") {
  for (const SendProtocol protocol : {SendProtocol::kV1, SendProtocol::kV2}) {
    SendConfig config;
    config.protocol = protocol;
    config.send_native_histograms = true;
    config.send_exemplars = true;
    World w(config);
    Histogram h;
    h.schema = 3;
    h.count = 6;
    h.sum = 12.5;
    h.zero_count = 1;
    h.zero_threshold = 0.001;
    h.positive_spans = {{-2, 2}, {3, 1}};
    h.positive_buckets = {1, 2, 2};
    const auto slot = w.writer->slot(LabelSet{{"__name__", "h"}});
    REQUIRE(slot);
    const storage::Row row{.slot = *slot, .histogram = &h};
    REQUIRE(w.writer->append(w.clock.now(), {&row, 1}));
    h.positive_buckets = {1.5, 2, 2};  // fractions have a form of their own
    w.clock.advance(Duration(1));
    REQUIRE(w.writer->append(w.clock.now(), {&row, 1}));
    const storage::ExemplarRow exemplar{*slot, {LabelSet{{"trace_id", "x"}}, 1, 1'700'000'000'000}};
    REQUIRE(w.writer->append_exemplars({&exemplar, 1}));
    w.scheduler.run_for(Duration(5'000));
    CHECK(w.receiver.samples() == 2);
    CHECK(w.metric("nines_remote_storage_histograms_total") == 2);
    if (w.metric("nines_remote_storage_exemplars_total") > 0) CHECK(w.receiver.exemplars == 1);
  }
}

TEST_CASE("start times go out with samples and histograms in 2.0, from memory and from the store") {
  constexpr std::int64_t kBegan = 1'600'000'000'123;
  const std::string key = "__name__=c,region=eu,", h_key = "__name__=h,region=eu,";
  for (const SendProtocol protocol : {SendProtocol::kV1, SendProtocol::kV2}) {
    SendConfig config;
    config.protocol = protocol;
    config.send_native_histograms = true;
    config.queue.capacity = 10;
    config.queue.max_shards = 1;
    config.queue.max_samples_per_send = 10;
    World w(config);
    const auto c = w.writer->slot(LabelSet{{"__name__", "c"}});
    const auto h = w.writer->slot(LabelSet{{"__name__", "h"}});
    const auto none = w.writer->slot(LabelSet{{"__name__", "none"}});
    REQUIRE((c && h && none));
    Histogram histogram;
    histogram.count = 1;
    histogram.sum = 2;
    histogram.positive_spans = {{0, 1}};
    histogram.positive_buckets = {1};
    const auto write = [&](std::int64_t start) {
      const storage::Row rows[] = {
          {.slot = *c, .value = 1, .start_time_ms = start},
          {.slot = *h, .histogram = &histogram, .start_time_ms = start},
          {.slot = *none, .value = 1},
      };
      REQUIRE(w.writer->append(w.clock.now(), rows));
    };
    // The first goes at once, the last anew; what comes between is read back after an outage.
    const bool told = protocol == SendProtocol::kV2;
    const std::int64_t first = to_millis(w.clock.now());
    write(kBegan);
    w.scheduler.run_for(Duration(6'000));
    CHECK(w.receiver.starts.at({key, first}) == (told ? kBegan : 0));
    CHECK(w.receiver.starts.at({h_key, first}) == (told ? kBegan : 0));
    CHECK(w.receiver.starts.at({"__name__=none,region=eu,", first}) == 0);
    w.down = true;
    std::vector<std::int64_t> times;
    for (int i = 0; i < 40; ++i) {
      times.push_back(to_millis(w.clock.now()));
      write(kBegan + i / 20);  // it began anew in between
      w.scheduler.run_for(Duration(1'000));
    }
    w.down = false;
    w.scheduler.run_for(Duration(60'000));
    CHECK(w.metric("nines_remote_storage_samples_caught_up_total") > 60);
    for (std::size_t i = 0; i < times.size(); ++i) {
      CAPTURE(i);
      const std::int64_t want = told ? kBegan + static_cast<std::int64_t>(i) / 20 : 0;
      CHECK(w.receiver.starts.at({key, times[i]}) == want);
      CHECK(w.receiver.starts.at({h_key, times[i]}) == want);
    }
  }
}

TEST_CASE("metadata goes out from time to time, in parts") {
  SendConfig config;
  World w(config);
  w.kill();
  w.config.send_metadata = true;
  w.config.metadata_per_send = 2;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    w.store.set_metadata(name, {MetricType::kCounter, "h", "u"});
  }
  w.begin();
  CHECK(w.receiver.requests == 3);
  CHECK(w.receiver.metadata == 5);
  w.scheduler.run_for(Duration(60'000));
  CHECK(w.receiver.metadata == 10);
}

}  // namespace
}  // namespace nines::collector
