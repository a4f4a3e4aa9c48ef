#include <cmath>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <protozero/pbf_writer.hpp>

#include "collector/exposition/native_histogram.h"
#include "collector/exposition/parser.h"

namespace nines::collector {
namespace {

using protozero::pbf_writer;

struct Recorder final : ExpositionVisitor {
  struct Seen {
    std::string series;
    double value = 0;
    std::optional<std::int64_t> time_ms;
    std::int64_t start_ms = 0;
    std::optional<Histogram> histogram;
    std::vector<ExposedExemplar> exemplars;
    std::uint64_t lead_hash = 0;
    std::uint32_t lead_bytes = 0;
    bool as_expected = false;
  };
  Result<void> on_sample(const ExposedSample& s) override {
    Seen one{std::string(s.series), s.value,      s.time_ms,    s.start_ms, std::nullopt, {},
             s.lead_hash,           s.lead_bytes, s.as_expected};
    if (s.histogram != nullptr) one.histogram = *s.histogram;
    one.exemplars.assign(s.exemplars.begin(), s.exemplars.end());
    samples.push_back(std::move(one));
    return {};
  }
  ExpectedSample expected() const override {
    if (guesses == nullptr || samples.size() >= guesses->samples.size()) return {};
    const Seen& guess = guesses->samples[samples.size()];
    return {guess.series, guess.lead_hash, guess.lead_bytes};
  }
  void on_type(std::string_view family, MetricType type) override {
    about.push_back(std::string(family) + " type " + to_string(type));
  }
  void on_help(std::string_view family, std::string_view help) override {
    about.push_back(std::string(family) + " help " + std::string(help));
  }
  void on_unit(std::string_view family, std::string_view unit) override {
    about.push_back(std::string(family) + " unit " + std::string(unit));
  }
  const Seen& at(std::string_view series) const {
    for (const Seen& one : samples) {
      if (one.series == series) return one;
    }
    FAIL("no series " << series);
    return samples.front();
  }
  bool has(std::string_view series) const {
    for (const Seen& one : samples) {
      if (one.series == series) return true;
    }
    return false;
  }
  const Recorder* guesses = nullptr;
  std::vector<Seen> samples;
  std::vector<std::string> about;
};

using Fill = std::function<void(pbf_writer&)>;

std::string message(const Fill& fill) {
  std::string out;
  pbf_writer writer(out);
  fill(writer);
  return out;
}

std::string delimited(const std::string& one) {
  std::string out;
  protozero::write_varint(std::back_inserter(out), one.size());
  return out + one;
}

std::string timestamp(std::int64_t seconds, std::int32_t nanos) {
  return message([&](pbf_writer& w) {
    w.add_int64(1, seconds);
    w.add_int32(2, nanos);
  });
}

std::string label(const std::string& name, const std::string& value) {
  return message([&](pbf_writer& w) {
    w.add_string(1, name);
    w.add_string(2, value);
  });
}

std::string exemplar(const std::string& trace, double value, std::int64_t seconds) {
  return message([&](pbf_writer& w) {
    w.add_message(1, label("trace", trace));
    w.add_double(2, value);
    if (seconds != 0) w.add_message(3, timestamp(seconds, 0));
  });
}

// One family with one metric whose content is field `tag`.
std::string family(const std::string& name, std::int32_t type, std::uint32_t tag,
                   const std::string& content, std::int64_t time_ms = 0) {
  const std::string metric = message([&](pbf_writer& w) {
    w.add_message(1, label("a", "b\"\\\n"));
    w.add_message(tag, content);
    if (time_ms != 0) w.add_int64(6, time_ms);
  });
  return delimited(message([&](pbf_writer& w) {
    w.add_string(1, name);
    w.add_string(2, "Help.");
    w.add_enum(3, type);
    w.add_message(4, metric);
    w.add_string(5, "seconds");
  }));
}

const std::string kLabels = R"({a="b\"\\\n")";

std::string span(std::int32_t offset, std::uint32_t length) {
  return message([&](pbf_writer& w) {
    w.add_sint32(1, offset);
    w.add_uint32(2, length);
  });
}

std::string bucket(double bound, std::uint64_t count, const std::string& with = {}) {
  return message([&](pbf_writer& w) {
    w.add_uint64(1, count);
    w.add_double(2, bound);
    if (!with.empty()) w.add_message(3, with);
  });
}

std::string classic(std::initializer_list<std::string> buckets, std::uint64_t count) {
  return message([&](pbf_writer& w) {
    w.add_uint64(1, count);
    w.add_double(2, 12.5);
    for (const std::string& one : buckets) w.add_message(3, one);
  });
}

// Whole counts: zero 2, positive 1 1 3 at 1, 2, 5, negative 4 at -1.
std::string native(std::uint64_t count = 11, std::int32_t schema = 1) {
  return message([&](pbf_writer& w) {
    w.add_uint64(1, count);
    w.add_double(2, 7.5);
    w.add_message(3, bucket(1, 6, exemplar("c", 0.5, 1'700'000'001)));
    w.add_sint32(5, schema);
    w.add_double(6, 0.001);
    w.add_uint64(7, 2);
    w.add_message(9, span(-1, 1));
    const std::int64_t negative[] = {4};
    w.add_packed_sint64(10, std::begin(negative), std::end(negative));
    w.add_message(12, span(1, 2));
    w.add_message(12, span(2, 1));
    const std::int64_t positive[] = {1, 0, 2};
    w.add_packed_sint64(13, std::begin(positive), std::end(positive));
    w.add_message(15, timestamp(1'600'000'000, 500'000'000));
    w.add_message(16, exemplar("n", 2.5, 1'700'000'002));
  });
}

Recorder parsed(const std::string& body, const ExpositionOptions& options = {},
                const Recorder* guesses = nullptr) {
  Recorder seen;
  seen.guesses = guesses;
  const Result<void> r = parse_exposition(body, ExpositionFormat::kProtobuf, seen, options);
  if (!r) FAIL(r.error().what());
  return seen;
}

std::string error_of(const std::string& body, const ExpositionOptions& options = {}) {
  Recorder seen;
  const Result<void> r = parse_exposition(body, ExpositionFormat::kProtobuf, seen, options);
  if (r) return "accepted";
  CHECK(r.error().code() == ErrorCode::kInvalid);
  return r.error().what();
}

constexpr ExpositionOptions kNative{true, false, false};

TEST_CASE("protobuf: counters, gauges and untyped values with all that stands beside them") {
  const std::string counter = message([](pbf_writer& w) {
    w.add_double(1, 17);
    w.add_message(2, exemplar("t", 0.5, 1'700'000'000));
    w.add_message(3, timestamp(1'600'000'000, 123'000'000));
  });
  const std::string value = message([](pbf_writer& w) { w.add_double(1, -0.25); });
  const Recorder seen =
      parsed(family("c_total", 0, 3, counter, 1'700'000'000'123) + family("g", 1, 2, value) +
             family("u", 3, 5, value) + family("a name", 1, 2, value));
  REQUIRE(seen.samples.size() == 4);
  const Recorder::Seen& first = seen.at("c_total" + kLabels + "}");
  CHECK(first.value == 17);
  CHECK(first.time_ms == 1'700'000'000'123);
  CHECK(first.start_ms == 1'600'000'000'123);
  REQUIRE(first.exemplars.size() == 1);
  CHECK(first.exemplars[0].labels == LabelSet{{"trace", "t"}});
  CHECK(first.exemplars[0].time_ms == 1'700'000'000'000);
  CHECK(seen.at("g" + kLabels + "}").value == -0.25);
  CHECK(!seen.at("g" + kLabels + "}").time_ms);
  CHECK(seen.at("u" + kLabels + "}").value == -0.25);
  const Result<LabelSet> quoted = parse_series(seen.samples[3].series);
  REQUIRE(quoted);
  CHECK(*quoted == LabelSet{{"__name__", "a name"}, {"a", "b\"\\\n"}});
  CHECK(seen.about.at(0) == "c_total type counter");
  CHECK(seen.about.at(1) == "c_total help Help.");
  CHECK(seen.about.at(2) == "c_total unit seconds");
}

TEST_CASE("protobuf: a summary and a classic histogram become the series of the text formats") {
  const std::string summary = message([](pbf_writer& w) {
    w.add_uint64(1, 9);
    w.add_double(2, 4.5);
    w.add_message(3, message([](pbf_writer& q) {
                    q.add_double(1, 0.99);
                    q.add_double(2, 3);
                  }));
    w.add_message(4, timestamp(1, 0));
  });
  Recorder seen = parsed(family("s", 2, 4, summary));
  REQUIRE(seen.samples.size() == 3);
  CHECK(seen.at("s_count" + kLabels + "}").value == 9);
  CHECK(seen.at("s_sum" + kLabels + "}").value == 4.5);
  CHECK(seen.at("s" + kLabels + ",quantile=\"0.99\"}").value == 3);
  CHECK(seen.samples[2].start_ms == 1000);

  const std::string content = classic({bucket(0.5, 2, exemplar("e", 0.25, 0)), bucket(1, 5)}, 8);
  seen = parsed(family("h", 4, 7, content));
  REQUIRE(seen.samples.size() == 5);
  CHECK(seen.at("h_count" + kLabels + "}").value == 8);
  CHECK(seen.at("h_sum" + kLabels + "}").value == 12.5);
  CHECK(seen.at("h_bucket" + kLabels + ",le=\"0.5\"}").value == 2);
  CHECK(seen.at("h_bucket" + kLabels + ",le=\"0.5\"}").exemplars.size() == 1);
  CHECK(seen.at("h_bucket" + kLabels + ",le=\"1.0\"}").value == 5);
  CHECK(seen.at("h_bucket" + kLabels + ",le=\"+Inf\"}").value == 8);
}

TEST_CASE(
    "protobuf: native histograms when they are wanted, classic buckets beside them on request") {
  const std::string body = family("h", 4, 7, native());
  Recorder seen = parsed(body, kNative);
  REQUIRE(seen.samples.size() == 1);
  const Recorder::Seen& one = seen.at("h" + kLabels + "}");
  REQUIRE(one.histogram);
  Histogram wanted;
  wanted.schema = 1;
  wanted.zero_threshold = 0.001;
  wanted.zero_count = 2;
  wanted.count = 11;
  wanted.sum = 7.5;
  wanted.positive_spans = {{1, 2}, {2, 1}};
  wanted.positive_buckets = {1, 1, 3};
  wanted.negative_spans = {{-1, 1}};
  wanted.negative_buckets = {4};
  CHECK(*one.histogram == wanted);
  CHECK(one.start_ms == 1'600'000'000'500);
  REQUIRE(one.exemplars.size() == 1);
  CHECK(one.exemplars[0].labels == LabelSet{{"trace", "n"}});

  CHECK(parsed(family("h", 5, 7, native()), kNative).samples[0].histogram->reset_hint ==
        ResetHint::kGauge);
  seen = parsed(body, {true, false, true});
  CHECK(seen.samples.size() == 5);
  CHECK(seen.has("h_bucket" + kLabels + ",le=\"1.0\"}"));
  CHECK(seen.has("h_bucket" + kLabels + ",le=\"+Inf\"}"));
  seen = parsed(body);
  CHECK(seen.samples.size() == 4);
  CHECK_FALSE(seen.has("h" + kLabels + "}"));
}

TEST_CASE("protobuf: float counts, spans that only say native, resolutions past the finest kept") {
  const std::string floats = message([](pbf_writer& w) {
    w.add_double(2, 3);
    w.add_double(4, 4.5);
    w.add_sint32(5, 0);
    w.add_double(8, 0.5);
    w.add_message(12, span(0, 2));
    const double counts[] = {1.5, 2.5};
    w.add_packed_double(14, std::begin(counts), std::end(counts));
  });
  Recorder seen = parsed(family("h", 4, 7, floats), kNative);
  CHECK(seen.samples[0].histogram->count == 4.5);
  CHECK(seen.samples[0].histogram->zero_count == 0.5);
  CHECK(seen.samples[0].histogram->positive_buckets == std::vector<double>{1.5, 2.5});

  const std::string empty = message([](pbf_writer& w) {
    w.add_sint32(5, 3);
    w.add_message(12, span(0, 0));
  });
  seen = parsed(family("h", 4, 7, empty), kNative);
  REQUIRE(seen.samples.size() == 1);
  REQUIRE(seen.samples[0].histogram);
  CHECK(seen.samples[0].histogram->positive_spans.empty());

  seen = parsed(family("h", 4, 7, native(11, 9)), kNative);  // neighbours 1 and 2 join
  CHECK(seen.samples[0].histogram->schema == kSchemaMax);
  CHECK(seen.samples[0].histogram->positive_spans == std::vector<HistogramSpan>{{1, 1}, {1, 1}});
  CHECK(seen.samples[0].histogram->positive_buckets == std::vector<double>{2, 3});
  CHECK(seen.samples[0].histogram->negative_spans == std::vector<HistogramSpan>{{0, 1}});
}

TEST_CASE("protobuf: classic buckets become custom ones, what is no histogram stays as it is") {
  const ExpositionOptions convert{false, true, false};
  const std::string content = classic({bucket(0.5, 2, exemplar("e", 0.25, 3)), bucket(1, 5),
                                       bucket(std::numeric_limits<double>::infinity(), 8)},
                                      8);
  Recorder seen = parsed(family("h", 4, 7, content), convert);
  REQUIRE(seen.samples.size() == 1);
  const Histogram& h = *seen.at("h" + kLabels + "}").histogram;
  CHECK(h.schema == kCustomBucketsSchema);
  CHECK(h.custom_values == std::vector<double>{0.5, 1});
  CHECK(h.positive_buckets == std::vector<double>{2, 3, 3});
  CHECK(h.count == 8);
  CHECK(seen.samples[0].exemplars.size() == 1);
  CHECK(parsed(family("h", 4, 7, content), {false, true, true}).samples.size() == 6);
  // A native one that is wanted is not made a second time.
  seen = parsed(family("h", 4, 7, native()), {true, true, false});
  CHECK(seen.samples.size() == 1);
  CHECK(seen.samples[0].histogram->schema == 1);
  const std::string shrinking = classic({bucket(0.5, 6), bucket(1, 5)}, 8);
  seen = parsed(family("h", 4, 7, shrinking), convert);
  CHECK(seen.samples.size() == 5);
}

TEST_CASE("protobuf: what was expected is recognised and its description not given again") {
  const std::string value = message([](pbf_writer& w) { w.add_double(1, 1); });
  const std::string body = family("g", 1, 2, value) + family("h", 4, 7, native());
  const Recorder first = parsed(body, {true, false, true});
  const Recorder second = parsed(body, {true, false, true}, &first);
  CHECK(second.about.empty());
  REQUIRE(second.samples.size() == first.samples.size());
  for (const auto& one : second.samples) CHECK(one.as_expected);
  // Another type is another description.
  const Recorder third = parsed(family("g", 3, 5, value), {}, &first);
  CHECK(third.about.size() == 3);
  CHECK(third.samples[0].as_expected);
}

TEST_CASE("protobuf: errors name family, metric and byte") {
  const std::string value = message([](pbf_writer& w) { w.add_double(1, 1); });
  const std::string good = family("g", 1, 2, value);
  const std::string start = "metric family 2";
  CHECK(error_of(good + good.substr(0, 20)) ==
        start + ", byte " + std::to_string(good.size() + 1) + ": message says it is " +
            std::to_string(good.size() - 1) + " bytes long, there are 19");
  CHECK(error_of(good + "\x80").find(start + ", byte ") == 0);
  CHECK(error_of(good + delimited("")).find(": metric family has no name") != std::string::npos);
  CHECK(error_of(good + family("x", 0, 2, value)).find(start + " \"x\", metric 1, byte ") == 0);
  CHECK(error_of(family("x", 6, 2, value)).find("there is no metric type 6") != std::string::npos);
  CHECK(error_of(family("x\xff", 1, 2, value)).find("UTF-8") != std::string::npos);
  CHECK(error_of(family("h", 4, 7, native(12)), kNative)
            .find("the count is 12, its buckets hold 11") != std::string::npos);
  CHECK(error_of(family("h", 4, 7, native(11, 53)), kNative).find("schema 53") !=
        std::string::npos);
  CHECK(error_of(family("h", 4, 7, native(11, -5)), kNative).find("schema -5") !=
        std::string::npos);
  CHECK(error_of(family("h", 4, 7, native(11, -53)), kNative).find("custom") != std::string::npos);
  CHECK(error_of(family("h", 4, 7, native(12, 53))) == "accepted");  // nobody asked for it
  const std::string bad_time = message([](pbf_writer& w) {
    w.add_message(3, timestamp(std::numeric_limits<std::int64_t>::max(), 0));
  });
  CHECK(error_of(family("c", 0, 3, bad_time)).find("timestamp out of range") != std::string::npos);
  // Every prefix is either whole messages or an error; none is read past its end.
  const std::string body = good + family("h", 4, 7, native());
  for (std::size_t n = 1; n < body.size(); ++n) {
    const bool whole = n == good.size();
    CHECK((error_of(body.substr(0, n), kNative) == "accepted") == whole);
  }
}

TEST_CASE("resolution: buckets merge by powers of two, and stop at the coarsest") {
  Histogram h;
  h.schema = 2;
  h.positive_spans = {{-3, 4}, {2, 2}};  // -3 -2 -1 0, 3 4
  h.positive_buckets = {1, 2, 3, 4, 5, 6};
  h.count = 21;
  Histogram one = h;
  reduce_resolution(one, 1);  // -1 -1 0 0, 2 2
  CHECK(one.positive_spans == std::vector<HistogramSpan>{{-1, 2}, {1, 1}});
  CHECK(one.positive_buckets == std::vector<double>{3, 7, 11});
  Histogram two = h;
  reduce_resolution(two, 0);
  reduce_resolution(one, 0);
  CHECK(one == two);
  CHECK(check_histogram(two, true));
  reduce_resolution(two, 3);
  CHECK(two.schema == 0);

  one = h;
  CHECK(fit_buckets(one, 6));
  CHECK(one.schema == 2);
  CHECK(fit_buckets(one, 5));
  CHECK(one.schema == 1);
  one = h;
  CHECK_FALSE(fit_buckets(one, 0));
  h.schema = kCustomBucketsSchema;
  CHECK_FALSE(fit_buckets(h, 5));

  CHECK(schema_of_factor(0) == 8);
  CHECK(schema_of_factor(1.0001) == 8);
  CHECK(schema_of_factor(1.1) == 2);
  CHECK(schema_of_factor(2) == 0);
  CHECK(schema_of_factor(4) == -1);
  CHECK(schema_of_factor(1e300) == -4);
}

TEST_CASE("classic histograms of a text become custom ones, the others go by") {
  const std::string body =
      "# TYPE a counter\na_total 1\n"
      "# TYPE h histogram\n"
      "h_bucket{x=\"1\",le=\"1\"} 2 # {t=\"q\"} 0.5\nh_bucket{x=\"1\",le=\"+Inf\"} 3\n"
      "h_count{x=\"1\"} 3\nh_sum{x=\"1\"} 4.5\n"
      "h_bucket{le=\"1\",x=\"2\"} 7\nh_bucket{le=\"+Inf\",x=\"2\"} 5\nh_count{x=\"2\"} "
      "5\nh_sum{x=\"2\"} 1\n"
      "# TYPE i histogram\ni_bucket{le=\"+Inf\"} 6\ni_count 6\ni_sum 2\n"
      "# TYPE z gauge\nz 1\n# EOF\n";
  Recorder seen;
  REQUIRE(parse_exposition(body, ExpositionFormat::kOpenMetrics, seen, {false, true, false}));
  REQUIRE(seen.samples.size() == 8);
  CHECK(seen.samples[0].series == "a_total");
  CHECK(seen.samples[1].series == "h{x=\"1\"}");
  CHECK(seen.samples[1].histogram->custom_values == std::vector<double>{1});
  CHECK(seen.samples[1].histogram->positive_buckets == std::vector<double>{2, 1});
  CHECK(seen.samples[1].histogram->sum == 4.5);
  CHECK(seen.samples[1].exemplars.size() == 1);
  CHECK(seen.samples[2].series == "h_bucket{le=\"1\",x=\"2\"}");  // counts shrink: kept as it was
  CHECK(seen.samples[5].value == 1);
  CHECK(seen.samples[6].series == "i");
  CHECK(seen.samples[6].histogram->positive_buckets == std::vector<double>{6});
  CHECK(seen.samples[7].series == "z");
  Recorder both;
  REQUIRE(parse_exposition(body, ExpositionFormat::kOpenMetrics, both, {false, true, true}));
  CHECK(both.samples.size() == 15);
}

}  // namespace
}  // namespace nines::collector
