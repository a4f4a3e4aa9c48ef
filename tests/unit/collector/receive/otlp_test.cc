#include "collector/receive/otlp.h"

#include <cmath>
#include <string>
#include <vector>

#include <zlib.h>
#include <zstd.h>

#include <doctest/doctest.h>
#include <protozero/pbf_writer.hpp>

#include "base/text/json.h"
#include "collector/receive/internal/delta_sums.h"
#include "collector/receive/internal/otlp_names.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using protozero::pbf_writer;
using testing::RecordingAppender;
using testing::SimClock;

constexpr std::int64_t kTime = 1'700'000'000'000;
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kProtobuf = "application/x-protobuf";

struct Stage {
  explicit Stage(OtlpOptions o = {}) : options(std::move(o)) {}
  OtlpAnswer json(const std::string& body) { return receiver.take(kJson, "", body); }
  // What stands under a metric's name, in a resource of job "shop/pay" and instance "i-1".
  OtlpAnswer metric(const std::string& metric) {
    return json(R"({"resourceMetrics":[{"resource":{"attributes":[
      {"key":"service.name","value":{"stringValue":"pay"}},
      {"key":"service.namespace","value":{"stringValue":"shop"}},
      {"key":"service.instance.id","value":{"stringValue":"i-1"}},
      {"key":"k8s.pod.name","value":{"stringValue":"pay-7"}}]},
      "scopeMetrics":[{"scope":{"name":"lib","version":"1"},"metrics":[)" +
                metric + "]}]}]}");
  }
  std::optional<double> value(const std::string& series) {
    std::optional<double> found;
    for (const auto& batch : store.batches()) {
      if (const auto v = batch.value(series)) found = v;
    }
    return found;
  }

  OtlpOptions options;
  SimClock clock{from_millis(kTime)};
  RecordingAppender store;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  OtlpReceiver receiver{{store, clock, *log, *telemetry}, options};
};

const std::string kWho = R"(instance="i-1", job="shop/pay")";
const std::string kAt = R"("timeUnixNano":"1700000000000000000")";

TEST_CASE("a sum becomes a counter of its resource's job and instance, and its resource an info") {
  Stage s;
  const OtlpAnswer answer = s.metric(R"({"name":"http.server.requests","unit":"{request}",
    "description":"Requests.","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
    {"attributes":[{"key":"http.route","value":{"stringValue":"/pay"}},
                   {"key":"n","value":{"intValue":"7"}}],
     "startTimeUnixNano":"1699999000000000000",)" +
                                     kAt + R"(,"asInt":"42"}]}})");
  CHECK(answer.status == 200);
  CHECK(answer.body == "{}");
  const std::string name = R"(http_server_requests_total{http_route="/pay", )";
  CHECK(s.value(name + kWho + R"(, n="7"})") == 42);
  CHECK(s.value(R"(target_info{instance="i-1", job="shop/pay", k8s_pod_name="pay-7"})") == 1);
  REQUIRE(s.store.batches().size() == 1);
  CHECK(s.store.last().group == "receive/otlp/shop/pay/i-1");
  CHECK(to_millis(s.store.last().at) == kTime);
  CHECK(s.store.last().start(name + kWho + R"(, n="7"})") == 1'699'999'000'000);
  const Metadata metadata = s.store.metadata()["http_server_requests_total"];
  CHECK(metadata.type == MetricType::kCounter);
  CHECK(metadata.help == "Requests.");
}

TEST_CASE("classic histograms: cumulative buckets, sum, count, exemplars in their buckets") {
  Stage s;
  const std::string body = R"({"name":"latency","unit":"s","histogram":{"aggregationTemporality":2,
    "dataPoints":[{)" + kAt +
                           R"(,"count":"6","sum":7.5,"bucketCounts":["1","2","3"],
    "explicitBounds":[0.5,1],"exemplars":[{"asDouble":0.7,"timeUnixNano":"1700000000000000000",
    "traceId":"ABCD","spanId":"12","filteredAttributes":[]}]}]}})";
  CHECK(s.metric(body).status == 200);
  CHECK(s.value("latency_seconds_bucket{" + kWho + R"(, le="0.5"})") == 1);
  CHECK(s.value("latency_seconds_bucket{" + kWho + R"(, le="1"})") == 3);
  CHECK(s.value("latency_seconds_bucket{" + kWho + R"(, le="+Inf"})") == 6);
  CHECK(s.value("latency_seconds_sum{" + kWho + "}") == 7.5);
  CHECK(s.value("latency_seconds_count{" + kWho + "}") == 6);
  REQUIRE(s.store.exemplars().size() == 1);
  CHECK(s.store.exemplars()[0].series.find("le=\"1\"") != std::string::npos);
  CHECK(s.store.exemplars()[0].exemplar.labels.get("trace_id") == "abcd");
}

TEST_CASE("a histogram whose bounds and buckets disagree is refused, its neighbours are kept") {
  Stage s;
  const OtlpAnswer answer = s.metric(R"({"name":"h","histogram":{"aggregationTemporality":2,
    "dataPoints":[{)" + kAt + R"(,"count":"6","bucketCounts":["1"],"explicitBounds":[0.5,1]}]}},
    {"name":"g","gauge":{"dataPoints":[{)" +
                                     kAt + R"(,"asDouble":2.5}]}})");
  CHECK(answer.status == 200);
  CHECK(answer.body.find(R"("rejectedDataPoints":"1")") != std::string::npos);
  CHECK(answer.body.find("do not agree") != std::string::npos);
  CHECK(s.value("g{" + kWho + "}") == 2.5);
}

TEST_CASE("summaries, gauges of ratio, points that end a series") {
  Stage s;
  CHECK(s.metric(R"({"name":"q","summary":{"dataPoints":[{)" + kAt + R"(,"count":"3","sum":4,
    "quantileValues":[{"quantile":0.5,"value":1},{"quantile":1,"value":2}]}]}},
    {"name":"used","unit":"1","gauge":{"dataPoints":[{)" +
                 kAt + R"(,"asDouble":0.25}]}},
    {"name":"gone","gauge":{"dataPoints":[{)" +
                 kAt + R"(,"flags":1}]}})")
            .status == 200);
  CHECK(s.value("q{" + kWho + R"(, quantile="0.5"})") == 1);
  CHECK(s.value("q_count{" + kWho + "}") == 3);
  CHECK(s.value("used_ratio{" + kWho + "}") == 0.25);
  CHECK(is_stale_nan(*s.value("gone{" + kWho + "}")));
}

std::string delta(std::int64_t at_ms, int value) {
  return R"({"name":"jobs","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{
    "startTimeUnixNano":")" +
         std::to_string(at_ms - 1000) + R"(000000","timeUnixNano":")" + std::to_string(at_ms) +
         R"(000000","asInt":")" + std::to_string(value) + R"("}]}})";
}

TEST_CASE("deltas are added up; one that comes twice is refused and not counted twice") {
  Stage s;
  const std::string series = "jobs_total{" + kWho + "}";
  s.metric(delta(kTime, 3));
  CHECK(s.value(series) == 3);
  s.metric(delta(kTime + 1000, 4));
  CHECK(s.value(series) == 7);
  CHECK(s.store.last().start(series) == kTime - 1000);
  CHECK(s.metric(delta(kTime + 1000, 4)).body.find("not later") != std::string::npos);
  s.metric(delta(kTime + 2000, 1));
  CHECK(s.value(series) == 8);
}

TEST_CASE("sums of deltas are bounded; idle ones make room") {
  OtlpOptions options;
  options.delta_series_max = 1;
  options.delta_idle_max = Duration(1000);
  Stage s(options);
  CHECK(s.metric(delta(kTime, 3)).body == "{}");
  std::string other = delta(kTime, 3);
  other.replace(other.find("jobs"), 4, "more");
  CHECK(s.metric(other).body.find("more than 1 series") != std::string::npos);
  s.clock.advance(Duration(1001));
  CHECK(s.metric(other).body == "{}");
}

TEST_CASE("exponential histograms: indexes move by one, scales past 8 are coarsened") {
  // Buckets 0..3 of scale 9 are buckets 0 and 1 of scale 8.
  OtlpBuckets buckets{0, {1, 2, 3, 4}};
  coarsen(buckets, 1);
  CHECK(buckets.offset == 0);
  CHECK(buckets.counts == std::vector<std::uint64_t>{3, 7});
  OtlpBuckets negative{-3, {1, 2, 3, 4}};  // -3 -2 -1 0 become -2 -1 -1 0
  coarsen(negative, 1);
  CHECK(negative.offset == -2);
  CHECK(negative.counts == std::vector<std::uint64_t>{1, 5, 4});
  Stage s;
  const std::string point = R"({"name":"e","exponentialHistogram":{"aggregationTemporality":2,
    "dataPoints":[{)" + kAt +
                            R"(,"count":"3","sum":4,"zeroCount":"1","scale":)";
  CHECK(s.metric(point + R"(3,"positive":{"offset":-1,"bucketCounts":["1","0","1"]}}]}})").body ==
        "{}");
  CHECK(s.metric(point + R"(-5}]}})").body.find("coarser than -4") != std::string::npos);
}

TEST_CASE("deltas of exponential histograms far apart are added up at a coarser scale") {
  SimClock clock{from_millis(kTime)};
  DeltaSums sums(clock, 10, Duration(1000));
  const LabelSet labels{{"a", "b"}};
  OtlpPoint point;
  for (const std::int32_t offset : {-1, (1 << 20) - 1, (1 << 21) - 1}) {  // 1, 2 and 4 at scale 20
    point = {};
    point.time_ns = static_cast<std::uint64_t>(offset) + 10;
    point.scale = 20;
    point.count = 1;
    point.positive = {offset, {1}};
    REQUIRE(sums.accumulate(labels, point));
  }
  CHECK(point.count == 3);
  CHECK(point.scale == 7);  // at 8 they would spread over 513 buckets
  std::uint64_t count = 0;
  for (const std::uint64_t c : point.positive.counts) count += c;
  CHECK(count == 3);
  CHECK(point.positive.counts.front() == 1);
  CHECK(point.positive.counts.size() == 257);
}

TEST_CASE("names under the four strategies") {
  const auto name = [](OtlpTranslation t, std::string n, std::string unit, OtlpKind kind,
                       bool monotonic = false) {
    OtlpMetric metric;
    metric.name = std::move(n);
    metric.unit = std::move(unit);
    metric.kind = kind;
    metric.monotonic = monotonic;
    return otlp_metric_name(metric, t);
  };
  const auto with = OtlpTranslation::kUnderscoresWithSuffixes;
  const auto without = OtlpTranslation::kUnderscoresWithoutSuffixes;
  const auto utf8 = OtlpTranslation::kUtf8WithSuffixes;
  CHECK(name(with, "system.io", "By", OtlpKind::kSum, true) == "system_io_bytes_total");
  CHECK(name(with, "system.io.total", "By", OtlpKind::kSum, true) == "system_io_bytes_total");
  CHECK(name(with, "speed", "m/s", OtlpKind::kGauge) == "speed_meters_per_second");
  CHECK(name(with, "2xx..rate", "", OtlpKind::kGauge) == "_2xx_rate");
  CHECK(name(with, "io_bytes", "By", OtlpKind::kGauge) == "io_bytes");
  CHECK(name(without, "system.io", "By", OtlpKind::kSum, true) == "system_io");
  CHECK(name(utf8, "system.io", "By", OtlpKind::kSum, true) == "system.io_bytes_total");
  CHECK(name(OtlpTranslation::kNone, "system.io", "By", OtlpKind::kSum, true) == "system.io");
  CHECK(otlp_label_name("http.route", with) == "http_route");
  CHECK(otlp_label_name("1st", with) == "key_1st");
  CHECK(otlp_label_name("_x", with) == "key_x");
  CHECK(otlp_label_name("a..b", with) == "a__b");
  CHECK(otlp_label_name("http.route", utf8) == "http.route");
}

TEST_CASE("resource attributes are promoted, and identifying ones kept, when asked") {
  OtlpOptions options;
  options.promoted = {"k8s.pod.name"};
  options.keep_identifying = true;
  options.promote_scope = true;
  Stage s(options);
  s.metric(R"({"name":"g","gauge":{"dataPoints":[{)" + kAt + R"(,"asDouble":1}]}})");
  CHECK(s.value("g{" + kWho +
                R"(, k8s_pod_name="pay-7", otel_scope_name="lib", otel_scope_version="1"})") == 1);
  CHECK(s.value("target_info{" + kWho + R"(, k8s_pod_name="pay-7", service_instance_id="i-1", )" +
                R"(service_name="pay", service_namespace="shop"})") == 1);
}

std::string protobuf_gauge(double value) {
  std::string out;
  pbf_writer request(out);
  pbf_writer resource_metrics(request, 1);
  pbf_writer scope_metrics(resource_metrics, 2);
  pbf_writer metric(scope_metrics, 2);
  metric.add_string(1, "g");
  pbf_writer gauge(metric, 5);
  pbf_writer point(gauge, 1);
  point.add_fixed64(3, static_cast<std::uint64_t>(kTime) * 1'000'000);
  point.add_double(4, value);
  {
    pbf_writer attribute(point, 7);
    attribute.add_string(1, "ratio");
    pbf_writer any(attribute, 2);
    any.add_double(4, 0.5);
  }
  return out;
}

std::string gzipped(const std::string& in) {
  z_stream z{};
  REQUIRE(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(in.size() + 200, '\0');
  std::string copy = in;
  z.next_in = reinterpret_cast<Bytef*>(copy.data());
  z.avail_in = static_cast<uInt>(copy.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

TEST_CASE("the binary encoding, plain, gzip and zstd") {
  Stage s;
  const OtlpAnswer plain = s.receiver.take(kProtobuf, "", protobuf_gauge(1.5));
  CHECK(plain.status == 200);
  CHECK(plain.body.empty());
  CHECK(s.value(R"(g{ratio="0.5"})") == 1.5);
  CHECK(s.receiver.take(kProtobuf, "gzip", gzipped(protobuf_gauge(2.5))).status == 200);
  CHECK(s.value(R"(g{ratio="0.5"})") == 2.5);
  const std::string body = protobuf_gauge(3.5);
  std::string packed(ZSTD_compressBound(body.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), body.data(), body.size(), 3));
  CHECK(s.receiver.take(kProtobuf, "zstd", packed).status == 200);
  CHECK(s.value(R"(g{ratio="0.5"})") == 3.5);
}

TEST_CASE("what cannot be read says why, with the status that names it") {
  Stage s;
  CHECK(s.receiver.take("text/plain", "", "x").status == 415);
  CHECK(s.receiver.take(kJson, "br", "{}").status == 415);
  CHECK(s.receiver.take(kJson, "gzip", "{}").status == 400);
  CHECK(s.json("[]").status == 400);
  CHECK(s.json(R"({"resourceMetrics":7})").body.find("resourceMetrics is no array") !=
        std::string::npos);
  CHECK(s.receiver.take(kProtobuf, "", "\x0a\xff").status == 400);
  CHECK(s.store.batches().empty());
}

TEST_CASE("limits of a message hold at their value and refuse one past it") {
  const std::string body = protobuf_gauge(1);
  OtlpOptions options;
  options.decoded_bytes_max = body.size();
  options.parts_max = 5;  // resource, scope, metric, point, attribute
  CHECK(Stage(options).receiver.take(kProtobuf, "", body).status == 200);
  options.decoded_bytes_max = body.size() - 1;
  CHECK(Stage(options).receiver.take(kProtobuf, "", body).status == 413);
  options = {};
  options.parts_max = 4;
  CHECK(Stage(options).receiver.take(kProtobuf, "", body).status == 413);
  options = {};
  options.json_bytes_max = 2;
  CHECK(Stage(options).json("{}").status == 200);
  CHECK(Stage(options).json("{} ").status == 413);
}

TEST_CASE("a partial success in protobuf has its length") {
  // A gauge "g" with an attribute that has no name.
  constexpr char kRequest[] =
      "\x0a\x2a\x12\x28\x12\x26\x0a\x01\x67\x2a\x21\x0a\x1f\x19\x00\x00\x2a\x36\xfe\x9c"
      "\x97\x17\x21\x00\x00\x00\x00\x00\x00\xf8\x3f\x3a\x0b\x0a\x01\x8a\x12\x06\x2a\x04"
      "\x0a\x02\x18\x07";
  const auto answer =
      Stage(OtlpOptions{}).receiver.take(kProtobuf, "", {kRequest, sizeof kRequest - 1});
  CHECK(answer.status == 200);
  REQUIRE(answer.body.size() > 2);
  CHECK(answer.body.size() < 128);  // one byte says how long it is
  CHECK(answer.body[0] == 0x0a);    // field 1, a message
  CHECK(static_cast<std::size_t>(answer.body[1]) == answer.body.size() - 2);
}

}  // namespace
}  // namespace nines::collector
