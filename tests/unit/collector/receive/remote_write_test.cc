#include "collector/receive/remote_write.h"

#include <string>
#include <utility>
#include <vector>

#include <snappy.h>

#include <doctest/doctest.h>
#include <protozero/pbf_writer.hpp>

#include "base/text/text.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using protozero::pbf_writer;
using testing::RecordingAppender;
using testing::SimClock;

constexpr std::string_view kV1 = "application/x-protobuf";
constexpr std::string_view kV2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
constexpr std::int64_t kTime = 1'700'000'000'000;

using Labels = std::vector<std::pair<std::string, std::string>>;
using Samples = std::vector<std::pair<std::int64_t, double>>;

std::string packed(const std::string& message) {
  std::string out;
  snappy::Compress(message.data(), message.size(), &out);
  return out;
}

void add_series(std::string& message, const Labels& labels, const Samples& samples) {
  pbf_writer request(message);
  pbf_writer series(request, 1);
  for (const auto& [name, value] : labels) {
    pbf_writer label(series, 1);
    label.add_string(1, name);
    label.add_string(2, value);
  }
  for (const auto& [time, value] : samples) {
    pbf_writer sample(series, 2);
    sample.add_double(1, value);
    sample.add_int64(2, time);
  }
}

Labels named(std::string name, std::string instance = "a:1") {
  return {{"__name__", std::move(name)}, {"instance", std::move(instance)}, {"job", "j"}};
}

struct Stage {
  RemoteWriteAnswer v1(const std::string& message) {
    return receiver.take(kV1, "snappy", packed(message));
  }
  RemoteWriteAnswer v2(const std::string& message) {
    return receiver.take(kV2, "snappy", packed(message));
  }

  SimClock clock{from_millis(kTime)};
  RecordingAppender store;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  RemoteWriteOptions options;
  RemoteWriteReceiver receiver{{store, clock, *log, *telemetry}, options};
};

TEST_CASE(
    "series of one job and instance come into one group, samples of one time into one batch") {
  Stage s;
  std::string message;
  add_series(message, named("a"), {{kTime, 1}, {kTime + 15'000, 2}});
  add_series(message, named("b"), {{kTime, 3}});
  add_series(message, named("c", "b:1"), {{kTime, 4}});
  const RemoteWriteAnswer answer = s.v1(message);
  CHECK(answer.status == 204);
  CHECK(answer.text.empty());
  CHECK_FALSE(answer.counted);
  const auto batches = s.store.batches();
  REQUIRE(batches.size() == 3);
  for (const auto& batch : batches) {
    if (batch.group == "receive/remote_write/j/b:1") {
      CHECK(batch.value("c{instance=\"b:1\", job=\"j\"}") == 4);
      continue;
    }
    CHECK(batch.group == "receive/remote_write/j/a:1");
    CHECK(batch.rows.size() == (batch.at == from_millis(kTime) ? 2 : 1));
  }
  add_series(message, named("a"), {{kTime + 30'000, 5}});
  CHECK(s.v1(message).status == 204);
  CHECK(s.store.slot_calls() == 3);  // once for each series
  CHECK(s.store.open_groups() == 2);
}

TEST_CASE("a field of a wrong wire type is refused like any other damage") {
  Stage s;
  std::string message;
  add_series(message, named("a"), {{kTime, 1}});
  for (const std::string& field : {std::string("\x08\x01", 2),                           // a series
                                  std::string("\x0a\x02\x08\x01", 4),                   // a label
                                  std::string("\x0a\x04\x12\x02\x08\x01", 6),           // a value
                                  std::string("\x0a\x03\x0a\x01\x18", 5)}) {
    const RemoteWriteAnswer answer = s.v1(message + field);
    CHECK(answer.status == 400);
    CHECK(answer.text.find("not a remote write message") != std::string::npos);
  }
  CHECK(s.store.batches().empty());
}

TEST_CASE("staleness markers and other NaN come through bit by bit") {
  Stage s;
  std::string message;
  add_series(message, named("a"), {{kTime, stale_nan()}});
  CHECK(s.v1(message).status == 204);
  CHECK(s.store.last().stale("a{instance=\"a:1\", job=\"j\"}"));
}

TEST_CASE("what is wrong with one series does not cost the others") {
  Stage s;
  std::string message;
  add_series(message, {{"instance", "a:1"}}, {{kTime, 1}});
  add_series(message, {{"__name__", "x"}, {"a", "1"}, {"a", "2"}}, {{kTime, 1}});
  add_series(message, {{"__name__", "x"}, {"a", "\xff"}}, {{kTime, 1}});
  add_series(message, {{"__name__", "x"}, {"a", std::string(4097, 'v')}}, {{kTime, 1}});
  add_series(message, named("fine"), {{kTime, 7}});
  const RemoteWriteAnswer answer = s.v1(message);
  CHECK(answer.status == 400);
  CHECK(answer.text.find("has no name") != std::string::npos);
  CHECK(answer.text.find("\"a\" stands twice") != std::string::npos);
  CHECK(answer.text.find("not valid UTF-8") != std::string::npos);
  CHECK(answer.samples == 1);
  CHECK(s.store.last().value("fine{instance=\"a:1\", job=\"j\"}") == 7);
}

TEST_CASE("labels hold at their limits and are refused one past them") {
  Stage s;
  Labels labels = {{"__name__", "m"}, {"long", std::string(4096, 'v')}};
  for (int i = 0; i < 62; ++i) labels.emplace_back("l" + std::to_string(i), "v");
  std::string message;
  add_series(message, labels, {{kTime, 1}});
  CHECK(s.v1(message).status == 204);
  labels.emplace_back("one_more", "v");
  message.clear();
  add_series(message, labels, {{kTime, 1}});
  CHECK(s.v1(message).text == "a series has more than 64 labels");
}

TEST_CASE("a series past the store's limit is refused and named") {
  Stage s;
  s.store.set_series_max(1);
  std::string message;
  add_series(message, named("a"), {{kTime, 1}});
  add_series(message, named("b"), {{kTime, 1}});
  const RemoteWriteAnswer answer = s.v1(message);
  CHECK(answer.status == 400);
  CHECK(answer.text.find("too many series") != std::string::npos);
  CHECK(answer.samples == 1);
}

TEST_CASE("native histograms: deltas add up, nonsense is refused") {
  Stage s;
  const auto histogram = [](std::vector<std::int64_t> deltas, std::int32_t schema = 1) {
    std::string message;
    pbf_writer request(message);
    {
      pbf_writer series(request, 1);
      {
        pbf_writer label(series, 1);
        label.add_string(1, "__name__");
        label.add_string(2, "h");
      }
      pbf_writer h(series, 4);
      h.add_uint64(1, 6);
      h.add_double(3, 2.5);
      h.add_sint32(4, schema);
      {
        pbf_writer span(h, 11);
        span.add_sint32(1, -1);
        span.add_uint32(2, 2);
      }
      h.add_packed_sint64(12, deltas.begin(), deltas.end());
      h.add_int64(15, kTime);
    }
    return message;
  };
  CHECK(s.v1(histogram({2, 2})).status == 204);
  CHECK(s.store.last().rows.size() == 1);
  CHECK(s.v1(histogram({2, 2, 1})).text.find("do not agree") != std::string::npos);
  CHECK(s.v1(histogram({2, -3})).text.find("negative") != std::string::npos);
  CHECK(s.v1(histogram({2, 2}, 9)).text.find("schema") != std::string::npos);
}

std::string v2_message(std::uint32_t value_ref = 2) {
  std::string message;
  pbf_writer request(message);
  for (const char* symbol : {"", "__name__", "m", "Help.", "bytes", "trace_id", "abc"}) {
    request.add_string(4, symbol);
  }
  {
    pbf_writer series(request, 5);
    const std::vector<std::uint32_t> refs = {1, value_ref};
    series.add_packed_uint32(1, refs.begin(), refs.end());
    {
      pbf_writer sample(series, 2);
      sample.add_double(1, 42);
      sample.add_int64(2, kTime);
    }
    {
      pbf_writer exemplar(series, 4);
      const std::vector<std::uint32_t> labels = {5, 6};
      exemplar.add_packed_uint32(1, labels.begin(), labels.end());
      exemplar.add_double(2, 0.5);
      exemplar.add_int64(3, kTime + 1);
    }
    pbf_writer metadata(series, 5);
    metadata.add_enum(1, 2);
    metadata.add_uint32(3, 3);
    metadata.add_uint32(4, 4);
  }
  return message;
}

TEST_CASE("2.0: symbols, metadata, and counts in the answer") {
  Stage s;
  const RemoteWriteAnswer answer = s.v2(v2_message());
  CHECK(answer.status == 204);
  CHECK(answer.counted);
  CHECK(answer.samples == 1);
  CHECK(answer.exemplars == 1);
  REQUIRE(s.store.exemplars().size() == 1);
  CHECK(s.store.exemplars()[0].series == "m");
  const Exemplar expected{{{"trace_id", "abc"}}, 0.5, kTime + 1, true};
  CHECK(same_exemplar(s.store.exemplars()[0].exemplar, expected));
  CHECK(s.store.last().value("m") == 42);
  CHECK(s.store.metadata().at("m") == Metadata{MetricType::kGauge, "Help.", "bytes"});
  CHECK(s.v2(v2_message(7)).text == "a series refers to symbols that are not there");
}

TEST_CASE("2.0: what describes a part of a histogram or a summary describes its family") {
  const auto described = [](const char* series_name, int type) {
    Stage s;
    std::string message;
    {
      pbf_writer request(message);
      for (const char* symbol : {"", "__name__", series_name, "Help."}) request.add_string(4, symbol);
      pbf_writer series(request, 5);
      const std::vector<std::uint32_t> refs = {1, 2};
      series.add_packed_uint32(1, refs.begin(), refs.end());
      {
        pbf_writer sample(series, 2);
        sample.add_double(1, 42);
        sample.add_int64(2, kTime);
      }
      pbf_writer metadata(series, 5);
      metadata.add_enum(1, type);
      metadata.add_uint32(3, 3);
    }
    CHECK(s.v2(message).status == 204);
    return s.store.metadata().empty() ? "" : s.store.metadata().begin()->first;
  };
  constexpr int kCounter = 1, kHistogram = 3, kGaugeHistogram = 4, kSummary = 5;
  CHECK(described("took_bucket", kHistogram) == "took");
  CHECK(described("took_sum", kGaugeHistogram) == "took");
  CHECK(described("took_count", kSummary) == "took");
  CHECK(described("took_bucket", kSummary) == "took_bucket");
  CHECK(described("took_count", kCounter) == "took_count");
  CHECK(described("took", kHistogram) == "took");  // a native one
  CHECK(described("_sum", kHistogram) == "_sum");
}

TEST_CASE("1.0: exemplars, in the order of their times, even without a sample beside them") {
  Stage s;
  std::string message;
  {
    pbf_writer request(message);
    pbf_writer series(request, 1);
    {
      pbf_writer label(series, 1);
      label.add_string(1, "__name__");
      label.add_string(2, "m_total");
    }
    const auto add = [&](std::int64_t time_ms, const std::string& name) {
      pbf_writer exemplar(series, 3);
      {
        pbf_writer label(exemplar, 1);
        label.add_string(1, name);
        label.add_string(2, "x");
      }
      exemplar.add_double(2, 3);
      exemplar.add_int64(3, time_ms);
    };
    add(kTime + 5, "trace_id");
    add(kTime, "span_id");
    add(kTime, "\xff");
  }
  const RemoteWriteAnswer answer = s.v1(message);
  CHECK(answer.status == 400);  // one of them was no text
  CHECK(answer.exemplars == 2);
  const auto kept = s.store.exemplars();
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].exemplar.labels.get("span_id") == "x");
  CHECK(kept[1].exemplar.time_ms == kTime + 5);
}

TEST_CASE("1.0 metadata stands beside the series") {
  Stage s;
  std::string message;
  {
    pbf_writer request(message);
    pbf_writer metadata(request, 3);
    metadata.add_enum(1, 1);
    metadata.add_string(2, "m_total");
    metadata.add_string(4, "Help.");
  }
  CHECK(s.v1(message).status == 204);
  CHECK(s.store.metadata().at("m_total") == Metadata{MetricType::kCounter, "Help.", ""});
}

TEST_CASE("headers choose the version, and what is unknown is 415") {
  Stage s;
  const std::string body = packed(v2_message());
  CHECK(s.receiver
            .take("Application/X-Protobuf; proto=io.prometheus.write.v2.Request", "SNAPPY", body)
            .samples == 1);
  CHECK(s.receiver.take("", "", packed("")).status == 204);
  CHECK(s.receiver.take("application/x-protobuf;proto=prometheus.WriteRequest", "", packed(""))
            .status == 204);
  CHECK(s.receiver.take("application/json", "snappy", body).status == 415);
  CHECK(
      s.receiver.take("application/x-protobuf;proto=io.prometheus.write.v3.Request", "snappy", body)
          .status == 415);
  CHECK(s.receiver.take(kV1, "zstd", body).status == 415);
}

TEST_CASE("damaged bodies and snappy bombs are 400, before they take memory") {
  Stage s;
  CHECK(s.receiver.take(kV1, "snappy", "").status == 400);
  CHECK(s.receiver.take(kV1, "snappy", "not snappy at all").status == 400);
  std::string message;
  add_series(message, named("a"), {{kTime, 1}});
  CHECK(s.receiver.take(kV1, "snappy", packed(message.substr(0, message.size() - 3))).status ==
        400);
  // Says 4 GiB - 1, then 60 MiB, in a few bytes.
  CHECK(s.receiver.take(kV1, "snappy", "\xff\xff\xff\xff\x0f zzz").text.find("more than") !=
        std::string::npos);
  CHECK(s.receiver.take(kV1, "snappy", "\x80\x80\x80\x1e zzz").text == "snappy block is damaged");
  CHECK(s.store.batches().empty());
}

TEST_CASE("a message of exactly the limit is read, one byte more is not") {
  RecordingAppender store;
  SimClock clock{from_millis(kTime)};
  const auto log = make_null_log();
  const auto telemetry = make_telemetry();
  std::string message;
  add_series(message, named("a"), {{kTime, 1}});
  RemoteWriteOptions options;
  options.decoded_bytes_max = message.size();
  RemoteWriteReceiver exact({store, clock, *log, *telemetry}, options);
  CHECK(exact.take(kV1, "snappy", packed(message)).status == 204);
  --options.decoded_bytes_max;
  RecordingAppender other;
  RemoteWriteReceiver tight({other, clock, *log, *telemetry}, options);
  CHECK(tight.take(kV1, "snappy", packed(message)).status == 400);
}

TEST_CASE("groups are limited; idle ones make room") {
  RecordingAppender store;
  SimClock clock{from_millis(kTime)};
  const auto log = make_null_log();
  const auto telemetry = make_telemetry();
  RemoteWriteOptions options;
  options.groups_max = 2;
  RemoteWriteReceiver receiver({store, clock, *log, *telemetry}, options);
  const auto send = [&](const std::string& instance) {
    std::string message;
    add_series(message, named("a", instance), {{kTime, 1}});
    return receiver.take(kV1, "snappy", packed(message)).status;
  };
  CHECK(send("a:1") == 204);
  CHECK(send("b:1") == 204);
  CHECK(send("c:1") == 400);
  clock.advance(Duration(3'600'001));
  CHECK(send("b:1") == 204);  // still there
  CHECK(send("c:1") == 204);  // a:1 has gone
  CHECK(store.open_groups() == 2);
}

}  // namespace
}  // namespace nines::collector
