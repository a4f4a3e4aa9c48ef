#include "collector/receive/push_gateway.h"

#include <bit>
#include <functional>
#include <iterator>
#include <string>

#include <doctest/doctest.h>
#include <protozero/pbf_writer.hpp>
#include <protozero/varint.hpp>

#include "base/text/json.h"
#include "tests/support/memory_state.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::InlineExecutor;
using testing::MemoryState;
using testing::RecordingAppender;
using testing::SimClock;
using testing::SimScheduler;

constexpr std::int64_t kTime = 1'700'000'000'000;
constexpr std::string_view kText = "text/plain; version=0.0.4";

struct Stage {
  explicit Stage(PushGatewayOptions o = {}) : options(o) { REQUIRE(gateway().start()); }
  PushGateway& gateway() {
    if (!made) {
      made = std::make_unique<PushGateway>(
          PushGatewayParts{store, state, scheduler, executor, *log, *telemetry}, options);
    }
    return *made;
  }
  void restart() {
    made.reset();
    REQUIRE(gateway().start());
  }
  PushAnswer put(std::string_view key, std::string_view body) {
    return gateway().push(PushKind::kReplaceGroup, key, kText, "", body);
  }
  PushAnswer post(std::string_view key, std::string_view body) {
    return gateway().push(PushKind::kReplaceFamilies, key, kText, "", body);
  }
  PushAnswer remove(std::string_view key) {
    return gateway().push(PushKind::kDelete, key, "", "", "");
  }
  std::optional<double> value(const std::string& series) {
    std::optional<double> found;
    for (const auto& batch : store.batches()) {
      if (const auto v = batch.value(series)) found = v;
    }
    return found;
  }

  PushGatewayOptions options;
  SimClock clock{from_millis(kTime)};
  SimScheduler scheduler{clock};
  InlineExecutor executor;
  RecordingAppender store;
  MemoryState state;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  std::unique_ptr<PushGateway> made;
};

TEST_CASE("a push is sampled under its grouping key, at once and at every interval") {
  Stage s;
  CHECK(s.put("job/nightly/instance/a", "# TYPE rows counter\nrows{job=\"x\",t=\"1\"} 5\n").status ==
        200);
  const std::string rows = R"(rows{instance="a", job="nightly", t="1"})";
  CHECK(s.value(rows) == 5);
  CHECK(s.value(R"(push_time_seconds{instance="a", job="nightly"})") == kTime / 1000);
  CHECK(s.value(R"(push_failure_time_seconds{instance="a", job="nightly"})") == 0);
  const std::size_t before = s.store.batches().size();
  s.scheduler.run_for(Duration(30'000));
  CHECK(s.store.batches().size() == before + 2);
  CHECK(s.store.last().value(rows) == 5);
  CHECK(to_millis(s.store.last().at) == kTime + 30'000);
}

TEST_CASE("POST replaces families of the same name, PUT the whole group; what is gone ends") {
  Stage s;
  s.put("job/j", "a 1\nb 2\n");
  s.post("job/j", "a{x=\"1\"} 3\n");
  CHECK(is_stale_nan(*s.value(R"(a{job="j"})")));
  CHECK(s.value(R"(a{job="j", x="1"})") == 3);
  CHECK(s.value(R"(b{job="j"})") == 2);
  s.put("job/j", "c 4\n");
  CHECK(is_stale_nan(*s.value(R"(b{job="j"})")));
  CHECK(s.value(R"(c{job="j"})") == 4);
}

TEST_CASE("DELETE ends a group's series and forgets it; deleting nothing is fine") {
  Stage s;
  s.put("job/j", "a 1\n");
  CHECK(s.remove("job/j").status == 202);
  CHECK(is_stale_nan(*s.value(R"(a{job="j"})")));
  CHECK(is_stale_nan(*s.value(R"(push_time_seconds{job="j"})")));
  CHECK(s.remove("job/j").status == 202);
  s.restart();
  CHECK(s.gateway().metrics_json() == "[]");
}

TEST_CASE("groups outlive a restart, values to the bit") {
  Stage s;
  s.put("job/j", "# HELP a What.\n# TYPE a gauge\na 0.1\nb NaN\n");
  const std::string before = s.gateway().metrics_json();
  s.clock.advance(Duration(1000));
  s.restart();
  CHECK(s.gateway().metrics_json() == before);
  CHECK(s.store.last().value(R"(a{job="j"})") == 0.1);
  CHECK(to_millis(s.store.last().at) == kTime + 1000);
}

TEST_CASE("grouping keys: base64, empty values, and what is refused") {
  Stage s;
  CHECK(s.put("job@base64/YS9i/path@base64/L3Zhci90bXA", "m 1\n").status == 200);
  CHECK(s.value(R"(m{job="a/b", path="/var/tmp"})") == 1);
  CHECK(s.put("job/j/empty@base64/=", "m 2\n").status == 200);
  CHECK(s.value(R"(m{job="j"})") == 2);
  CHECK(s.put("job/j/odd", "m 1\n").text ==
        R"(odd number of components in label string "job/j/odd")");
  CHECK(s.put("job@base64/=", "m 1\n").text == "job name is required");
  CHECK(s.put("job/j/__x/1", "m 1\n").text == R"(improper label name "__x")");
  CHECK(s.put("job/j/x@base64/!", "m 1\n").status == 400);
}

TEST_CASE("a bad push changes nothing but the group's failure time") {
  Stage s;
  s.put("job/j", "# TYPE a counter\na 1\n");
  CHECK(s.put("job/j", "a 1 1700000000000\n").text ==
        "line 1, column 1: pushed metrics must not have timestamps");
  CHECK(s.put("job/j", "a{\n").status == 400);
  CHECK(s.put("job/j", "a 1\na 1\n").status == 400);
  CHECK(s.put("job/k", "# TYPE a gauge\na 1\n").text.find("inconsistent with existing metrics") !=
        std::string::npos);
  s.scheduler.run_for(Duration(15'000));
  CHECK(s.value(R"(a{job="j"})") == 1);
  CHECK(s.value(R"(push_failure_time_seconds{job="j"})") == kTime / 1000);
  CHECK(s.value(R"(push_failure_time_seconds{job="k"})") == kTime / 1000);
}

TEST_CASE("a disk that says no refuses the push") {
  Stage s;
  s.state.fail_with(Error(ErrorCode::kIo, "disk"));
  CHECK(s.put("job/j", "a 1\n").status == 503);
  s.state.heal();
  CHECK(s.gateway().metrics_json() == "[]");
}

TEST_CASE("limits hold at their value and refuse one past it") {
  PushGatewayOptions options;
  options.groups_max = 1;
  options.series_per_group_max = 1;
  options.body_bytes_max = 8;
  Stage s(options);
  CHECK(s.put("job/j", "a 1\n").status == 200);
  CHECK(s.put("job/j", "a 1\nb 2\n").status == 413);
  CHECK(s.put("job/k", "a 1\n").status == 413);
  CHECK(s.put("job/j", "abcde 1\n").status == 200);
  CHECK(s.put("job/j", "abcdef 1\n").status == 413);
  options = {};
  options.state_bytes_max = 10;
  Stage tight(options);
  CHECK(tight.put("job/j", "a 1\n").status == 413);
}

TEST_CASE("/api/v1/metrics as Pushgateway's clients read it") {
  Stage s;
  s.put("job/j", "# HELP a What.\n# TYPE a gauge\na{x=\"1\"} 0.5\n");
  const Result<Json> json = Json::parse(s.gateway().metrics_json());
  REQUIRE(json);
  const Json& group = (*json)[std::size_t{0}];
  CHECK(group["labels"]["job"].as_string() == "j");
  CHECK(group["last_push_successful"].as_bool());
  CHECK(group["a"]["type"].as_string() == "GAUGE");
  CHECK(group["a"]["help"].as_string() == "What.");
  const Json& metric = group["a"]["metrics"][std::size_t{0}];
  CHECK(metric["labels"]["x"].as_string() == "1");
  CHECK(metric["value"].as_string() == "0.5");
}

using protozero::pbf_writer;

// A MetricFamily behind its length, as clients send them.
std::string delimited(const std::function<void(pbf_writer&)>& fill) {
  std::string message;
  pbf_writer writer(message);
  fill(writer);
  std::string out;
  protozero::write_varint(std::back_inserter(out), message.size());
  return out + message;
}

void add_label(pbf_writer& metric, const std::string& name, const std::string& value) {
  pbf_writer label(metric, 1);
  label.add_string(1, name);
  label.add_string(2, value);
}

constexpr std::int64_t kDeltas[] = {2, 1};

constexpr std::string_view kMessages =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

TEST_CASE("a push of protobuf messages is kept as the same push of text") {
  Stage s;
  const std::string body = delimited([](pbf_writer& f) {
                             f.add_string(1, "rows_total");
                             f.add_string(2, "Rows done.");
                             f.add_enum(3, 0);
                             pbf_writer metric(f, 4);
                             add_label(metric, "table", "a");
                             pbf_writer counter(metric, 3);
                             counter.add_double(1, 5);
                           }) +
                           delimited([](pbf_writer& f) {
                             f.add_string(1, "took_seconds");
                             f.add_enum(3, 4);
                             pbf_writer metric(f, 4);
                             pbf_writer histogram(metric, 7);
                             histogram.add_uint64(1, 3);
                             histogram.add_double(2, 4.5);
                             pbf_writer bucket(histogram, 3);
                             bucket.add_uint64(1, 1);
                             bucket.add_double(2, 0.5);
                           });
  const auto push = [&](const std::string& bytes) {
    return s.gateway().push(PushKind::kReplaceGroup, "job/j", kMessages, "", bytes);
  };
  const PushAnswer answer = push(body);
  CHECK_MESSAGE(answer.status == 200, answer.text);
  CHECK(s.value(R"(rows_total{job="j", table="a"})") == 5);
  CHECK(s.value(R"(took_seconds_bucket{job="j", le="0.5"})") == 1);
  CHECK(s.value(R"(took_seconds_bucket{job="j", le="+Inf"})") == 3);
  CHECK(s.value(R"(took_seconds_sum{job="j"})") == 4.5);
  const Result<Json> json = Json::parse(s.gateway().metrics_json());
  REQUIRE(json);
  const Json& group = (*json)[std::size_t{0}];
  CHECK(group["rows_total"]["type"].as_string() == "COUNTER");
  CHECK(group["rows_total"]["help"].as_string() == "Rows done.");
  CHECK(group["took_seconds"]["type"].as_string() == "HISTOGRAM");
  // Refused as a whole, with the place, and what was there before stays.
  CHECK(push(body.substr(0, body.size() - 1)).status == 400);
  CHECK(push("rows_total 1\n").status == 400);
  const PushAnswer timed = push(delimited([](pbf_writer& f) {
    f.add_string(1, "timed");
    f.add_enum(3, 1);
    pbf_writer metric(f, 4);
    {
      pbf_writer gauge(metric, 2);
      gauge.add_double(1, 1);
    }
    metric.add_int64(6, 1'700'000'000'000);
  }));
  CHECK(timed.status == 400);
  CHECK(timed.text.find("timestamps") != std::string::npos);
  CHECK(s.value(R"(push_failure_time_seconds{job="j"})") == kTime / 1000);
  CHECK(s.gateway().metrics_json().find("rows_total") != std::string::npos);
}

// A histogram without classic buckets: (0.5, 1] has 2, (1, 2] has 3, the zero bucket 1.
std::string native_push(double sum) {
  return delimited([sum](pbf_writer& f) {
    f.add_string(1, "took_seconds");
    f.add_enum(3, 4);
    pbf_writer metric(f, 4);
    add_label(metric, "step", "load");
    pbf_writer histogram(metric, 7);
    histogram.add_uint64(1, 6);
    histogram.add_double(2, sum);
    histogram.add_sint32(5, 0);       // schema
    histogram.add_double(6, 1e-128);  // zero threshold
    histogram.add_uint64(7, 1);       // zero count
    {
      pbf_writer span(histogram, 12);
      span.add_sint32(1, 0);
      span.add_uint32(2, 2);
    }
    histogram.add_packed_sint64(13, std::begin(kDeltas), std::end(kDeltas));
  });
}

TEST_CASE("a pushed native histogram stays whole, over a restart, until it goes") {
  Stage s;
  const auto push = [&](const std::string& bytes) {
    return s.gateway().push(PushKind::kReplaceGroup, "job/j", kMessages, "", bytes);
  };
  const PushAnswer answer = push(native_push(7.5));
  REQUIRE_MESSAGE(answer.status == 200, answer.text);
  const std::string series = R"(took_seconds{job="j", step="load"})";
  const auto newest = [&]() -> std::optional<Histogram> {
    std::optional<Histogram> found;
    for (const auto& batch : s.store.batches()) {
      for (const auto& row : batch.rows) {
        if (row.series == series) found = row.histogram;
      }
    }
    return found;
  };
  const std::optional<Histogram> first = newest();
  REQUIRE(first);
  CHECK(first->count == 6);
  CHECK(first->sum == 7.5);
  CHECK(first->zero_count == 1);
  CHECK(first->positive_spans == std::vector<HistogramSpan>{{0, 2}});
  CHECK(first->positive_buckets == std::vector<double>{2, 3});
  CHECK_FALSE(s.value(R"(took_seconds_count{job="j", step="load"})"));
  const Result<Json> json = Json::parse(s.gateway().metrics_json());
  REQUIRE(json);
  const Json& shown = (*json)[std::size_t{0}]["took_seconds"]["metrics"][std::size_t{0}];
  CHECK(shown["count"].as_string() == "6");
  CHECK(shown["sum"].as_string() == "7.5");
  // A sum that is no number is one more reason to keep bits.
  REQUIRE(push(native_push(stale_nan())).status == 200);
  const Histogram before = newest().value_or(Histogram{});
  s.restart();
  const Histogram after = newest().value_or(Histogram{});
  CHECK(after.count == 6);
  CHECK(std::bit_cast<std::uint64_t>(after.sum) == std::bit_cast<std::uint64_t>(before.sum));
  CHECK(after.positive_buckets == before.positive_buckets);
  CHECK(s.remove("job/j").status == 202);
  CHECK(s.store.last().stale(series));
}

}  // namespace
}  // namespace nines::collector
