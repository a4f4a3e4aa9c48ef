#include "collector/exposition/parser.h"

#include <bit>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "collector/exposition/internal/value_scan.h"

namespace nines::collector {
namespace {

constexpr ExpositionFormat kText = ExpositionFormat::kText004;
constexpr ExpositionFormat kOpen = ExpositionFormat::kOpenMetrics;
constexpr ExpositionFormat kProto = ExpositionFormat::kProtobuf;

struct Recorder final : ExpositionVisitor {
  struct Seen {
    std::string series;
    double value;
    std::optional<std::int64_t> time_ms;
    bool as_expected;
  };
  Result<void> on_sample(const ExposedSample& s) override {
    samples.push_back({std::string(s.series), s.value, s.time_ms, s.as_expected});
    for (const ExposedExemplar& one : s.exemplars) exemplars.emplace_back(s.series, one);
    if (s.lead_known) ++leads_known;
    own_leads.emplace_back(s.lead_hash, s.lead_bytes);
    return {};
  }
  ExpectedSample expected() const override {
    const std::size_t i = samples.size();
    if (i >= guesses.size()) return {};
    if (i >= leads.size()) return {guesses[i], 0, 0};
    return {guesses[i], leads[i].first, leads[i].second};
  }
  void on_type(std::string_view family, MetricType type) override {
    metadata.push_back(std::string(family) + " type " + to_string(type));
  }
  void on_help(std::string_view family, std::string_view help) override {
    metadata.push_back(std::string(family) + " help " + std::string(help));
  }
  void on_unit(std::string_view family, std::string_view unit) override {
    metadata.push_back(std::string(family) + " unit " + std::string(unit));
  }
  std::vector<Seen> samples;
  std::vector<std::pair<std::string, ExposedExemplar>> exemplars;  // by their sample's series
  std::vector<std::string> metadata, guesses;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> leads;  // of the guesses
  std::vector<std::pair<std::uint64_t, std::uint32_t>> own_leads;
  std::size_t leads_known = 0;
};

Recorder parsed(std::string_view body, ExpositionFormat format = kText) {
  Recorder seen;
  const Result<void> r = parse_exposition(body, format, seen);
  CAPTURE(body);
  if (!r) FAIL(r.error().what());
  return seen;
}

std::string error_of(std::string_view body, ExpositionFormat format = kText) {
  Recorder seen;
  const Result<void> r = parse_exposition(body, format, seen);
  if (r) return "accepted";
  CHECK(r.error().code() == ErrorCode::kInvalid);
  return r.error().what();
}

TEST_CASE("text 0.0.4: series, values, timestamps and metadata in order") {
  const Recorder seen = parsed(
      "# HELP http_requests_total The \\\"total\\\" number\\nof requests.\n"
      "# TYPE http_requests_total counter\n"
      "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n"
      "http_requests_total{method=\"post\",code=\"400\"}    3\n"
      "\n"
      "# a comment\n"
      "#\n"
      "metric_without_labels 12.47\n"
      "  indented{ a = \"b\" , } 1e-3\t-5\n"
      "braces_and_no_blank{a=\"}\"}2\n"
      "empty_braces {} 1\n"
      "# TYPE x:y untyped\n"
      "x:y NaN");
  REQUIRE(seen.samples.size() == 7);
  CHECK(seen.samples[0].series == "http_requests_total{method=\"post\",code=\"200\"}");
  CHECK(seen.samples[0].value == 1027);
  CHECK(seen.samples[0].time_ms == 1395066363000);
  CHECK(seen.samples[1].value == 3);
  CHECK_FALSE(seen.samples[1].time_ms);
  CHECK(seen.samples[2].series == "metric_without_labels");
  CHECK(seen.samples[2].value == 12.47);
  CHECK(seen.samples[3].series == "indented{ a = \"b\" , }");
  CHECK(seen.samples[3].value == 1e-3);
  CHECK(seen.samples[3].time_ms == -5);
  CHECK(seen.samples[4].value == 2);
  CHECK(seen.samples[5].series == "empty_braces {}");
  CHECK(std::bit_cast<std::uint64_t>(seen.samples[6].value) == kNormalNanBits);
  CHECK(seen.metadata ==
        std::vector<std::string>{"http_requests_total help The \"total\" number\nof requests.",
                                 "http_requests_total type counter", "x:y type unknown"});
}

TEST_CASE("an exemplar's escapes are undone, and a guess of its series finds it too") {
  const char* const body = "a_total 1 # {x=\"\\\"\\n\",\"b c\"=\"d\"} 1e2\n# EOF\n";
  for (const bool guess : {false, true}) {
    Recorder seen;
    if (guess) seen.guesses = {"a_total"};
    REQUIRE(parse_exposition(body, kOpen, seen));
    REQUIRE(seen.exemplars.size() == 1);
    CHECK(seen.samples[0].as_expected == guess);
    CHECK(seen.exemplars[0].second.labels == LabelSet{{"b c", "d"}, {"x", "\"\n"}});
    CHECK(seen.exemplars[0].second.value == 100);
  }
}

TEST_CASE(
    "OpenMetrics: exemplars, their labels and times, created lines kept, seconds become "
    "milliseconds") {
  const Recorder seen = parsed(
      "# TYPE foo_seconds counter\n"
      "# UNIT foo_seconds seconds\n"
      "# HELP foo_seconds Some \\\"text\\\"\n"
      "foo_seconds_total{a=\"b\"} 17.0 1520879607.789 # {trace_id=\"KOO5\"} 0.67 1520879607.1\n"
      "foo_seconds_created{a=\"b\"} 1520430000.123\n"
      "# TYPE bar histogram\n"
      "bar_bucket{le=\"+Inf\"} 17 # {} 2\n"
      "# TYPE build info\n"
      "build_info{v=\"1\"} 1\n"
      "# EOF\n",
      kOpen);
  REQUIRE(seen.samples.size() == 4);
  CHECK(seen.samples[0].value == 17);
  CHECK(seen.samples[0].time_ms == 1520879607789);
  CHECK(seen.samples[1].series == "foo_seconds_created{a=\"b\"}");
  CHECK(seen.samples[1].value == 1520430000.123);
  CHECK(seen.samples[2].value == 17);
  REQUIRE(seen.exemplars.size() == 2);
  CHECK(seen.exemplars[0].first == "foo_seconds_total{a=\"b\"}");
  CHECK(seen.exemplars[0].second.labels == LabelSet{{"trace_id", "KOO5"}});
  CHECK(seen.exemplars[0].second.value == 0.67);
  CHECK(seen.exemplars[0].second.time_ms == 1520879607100);
  CHECK(seen.exemplars[1].second.labels.empty());
  CHECK(seen.exemplars[1].second.value == 2);
  CHECK(!seen.exemplars[1].second.time_ms);
  CHECK(seen.metadata[1] == "foo_seconds unit seconds");
  CHECK(seen.metadata[2] == "foo_seconds help Some \"text\"");
}

TEST_CASE("names may be any UTF-8 when quoted") {
  const Recorder seen = parsed(
      "# TYPE \"my.name\" gauge\n"
      "{\"my.name\",a=\"b\"} 1\n"
      "{\"only\"} 2\n"
      "plain{\"label.x\"=\"v\"} 3\n");
  REQUIRE(seen.samples.size() == 3);
  CHECK(seen.metadata == std::vector<std::string>{"my.name type gauge"});
  CHECK(*parse_series(seen.samples[0].series) == LabelSet{{"__name__", "my.name"}, {"a", "b"}});
  CHECK(*parse_series(seen.samples[1].series) == LabelSet{{"__name__", "only"}});
  CHECK(*parse_series(seen.samples[2].series) == LabelSet{{"__name__", "plain"}, {"label.x", "v"}});
}

TEST_CASE("the labels of a series have their escapes undone") {
  CHECK(*parse_series("m{a=\"x\\\\y\\\"z\\nw\\q\",b=\"\\\\\"}") ==
        LabelSet{{"__name__", "m"}, {"a", "x\\y\"z\nw\\q"}, {"b", "\\"}});
  CHECK(*parse_series("m{b=\"2\",a=\"1\"}") == *parse_series("m { a=\"1\", b=\"2\" }"));
  CHECK(*parse_series("m{a=\"\"}") == LabelSet{{"__name__", "m"}});  // an empty label is none
}

TEST_CASE("a series that cannot be stored is refused by name") {
  CHECK(parse_series("m{a=\"1\",a=\"2\"}").error().what().starts_with("label \"a\" stands twice"));
  CHECK(parse_series("m{a=\"\xFF\"}").error().what().starts_with("invalid UTF-8"));
  CHECK(parse_series("m{__name__=\"n\"}").error().code() == ErrorCode::kInvalid);
  CHECK_FALSE(parse_series("m{a=\"1\"} "));
  CHECK_FALSE(parse_series(""));
}

TEST_CASE("text errors name line, column and what stands there") {
  CHECK(error_of("ok 1\nfine 2\na_total{b=\"c\"} abc\n") ==
        "line 3, column 16: expected a value, got \"abc\"");
  CHECK(error_of("a") == "line 1, column 2: expected a value, got the end of the line");
  CHECK(error_of("<html>\n") == "line 1, column 1: expected a metric name");
  CHECK(error_of("1a 2\n") == "line 1, column 1: expected a metric name");
  CHECK(error_of("a{b=\"c} 1\n") == "line 1, column 5: unterminated quoted text");
  CHECK(error_of("a{b=\"c\\\"} 1\n") == "line 1, column 5: unterminated quoted text");
  CHECK(error_of("a{b=\"c\" 1\n") == "line 1, column 9: expected , or }");
  CHECK(error_of("a{b=\"c\"") == "line 1, column 8: label set is not closed");
  CHECK(error_of("a{b} 1\n") == "line 1, column 4: expected =");
  CHECK(error_of("a{b=c} 1\n") == "line 1, column 5: expected a quoted label value");
  CHECK(error_of("a{,} 1\n") == "line 1, column 3: expected a label name");
  CHECK(error_of("a{\"x\"} 1\n") == "line 1, column 3: series has two names");
  CHECK(error_of("{b=\"c\"} 1\n") == "line 1, column 1: series has no metric name");
  CHECK(error_of("{\"\"} 1\n") == "line 1, column 2: metric name is empty");
  CHECK(error_of("a 1 b\n") == "line 1, column 5: expected a timestamp, got \"b\"");
  CHECK(error_of("a 1 1.5\n") == "line 1, column 5: expected a timestamp, got \"1.5\"");
  CHECK(error_of("a 1 2 3\n") == "line 1, column 7: expected the end of the line, got \"3\"");
  CHECK(error_of("# TYPE a meter\n") == "line 1, column 10: expected a metric type, got \"meter\"");
  CHECK(error_of("a 1\r\n") == "line 1, column 3: expected a value, got \"1\\r\"");
}

TEST_CASE("OpenMetrics is as strict as its specification where it counts") {
  CHECK(error_of("a 1\n", kOpen) == "line 2, column 1: body does not end with # EOF");
  CHECK(error_of("", kOpen) == "line 1, column 1: body does not end with # EOF");
  CHECK(error_of("# EOF\na 1\n", kOpen) == "line 2, column 1: text after # EOF");
  CHECK(error_of("# EOF x", kOpen) == "line 1, column 6: text after # EOF");
  CHECK(error_of("\n# EOF\n", kOpen) == "line 1, column 1: blank line");
  CHECK(error_of("# hello\n# EOF\n", kOpen) ==
        "line 1, column 3: expected HELP, TYPE, UNIT or EOF, got \"hello\"");
  CHECK(error_of("# UNIT a_bytes seconds\n# EOF\n", kOpen) ==
        "line 1, column 16: expected a unit that ends the metric's name, got \"seconds\"");
  CHECK(error_of("a 1 NaN\n# EOF\n", kOpen) ==
        "line 1, column 5: expected a timestamp, got \"NaN\"");
  CHECK(error_of("a 1 # x\n# EOF\n", kOpen) ==
        "line 1, column 7: expected the labels of an exemplar");
  CHECK(error_of("a 1 # {b=\"c\"}\n# EOF\n", kOpen) ==
        "line 1, column 14: expected the value of an exemplar, got the end of the line");
  CHECK(error_of("a 1\na 1 # {b=\"c\",b=\"d\"} 1\n# EOF\n", kOpen) ==
        "line 2, column 14: label of an exemplar stands twice");
  CHECK(error_of("a 1 # {b=\"\xff\"} 1\n# EOF\n", kOpen) == "line 1, column 11: invalid UTF-8");
  CHECK(error_of("a 1 # {\"b\"} 1\n# EOF\n", kOpen) == "line 1, column 8: series has two names");
  CHECK(error_of("a 1 # {b=\"c\"} 1 x\n# EOF\n", kOpen) ==
        "line 1, column 17: expected the timestamp of an exemplar, got \"x\"");
  CHECK(error_of("a 1 # {b=\"c\"} 1 2 x\n# EOF\n", kOpen) ==
        "line 1, column 19: expected the end of the line, got \"x\"");
  CHECK(error_of("# TYPE a untyped\n# EOF\n", kOpen) ==
        "line 1, column 10: expected a metric type, got \"untyped\"");
  CHECK(parsed("# EOF", kOpen).samples.empty());
}

TEST_CASE("an expected series is taken at its word, one that only begins alike is not") {
  Recorder seen;
  seen.guesses = {"a", "a", "b{x=\"1\"}", "c", "d"};
  REQUIRE(parse_exposition("a 1\na {x=\"1\"} 2\nb{x=\"1\"} 3 4\ncc 5\n  d 6\ne 7\n", kText, seen));
  REQUIRE(seen.samples.size() == 6);
  CHECK(seen.samples[0].as_expected);
  CHECK_FALSE(seen.samples[1].as_expected);
  CHECK(seen.samples[1].series == "a {x=\"1\"}");
  CHECK(seen.samples[2].as_expected);
  CHECK(seen.samples[2].time_ms == 4);
  CHECK_FALSE(seen.samples[3].as_expected);
  CHECK(seen.samples[3].series == "cc");
  CHECK(seen.samples[4].as_expected);
  CHECK_FALSE(seen.samples[5].as_expected);
}

TEST_CASE("a visitor's error ends the parse") {
  struct Stubborn final : ExpositionVisitor {
    int seen = 0;
    Result<void> on_sample(const ExposedSample&) override {
      if (++seen == 2) return Error(ErrorCode::kLimit, "enough");
      return {};
    }
  } visitor;
  const auto r = parse_exposition("a 1\nb 2\nc 3\n", kText, visitor);
  REQUIRE_FALSE(r);
  CHECK(r.error().code() == ErrorCode::kLimit);
  CHECK(visitor.seen == 2);
}

TEST_CASE("values are Go's floats, correctly rounded, without hexadecimal and underscores") {
  CHECK(scan_value("0") == 0);
  CHECK(std::signbit(*scan_value("-0")));
  CHECK(scan_value("123456789012345") == 123456789012345.0);
  CHECK(scan_value("0.1") == 0.1);
  CHECK(scan_value("-12.5") == -12.5);
  CHECK(scan_value("5.") == 5.0);
  CHECK(scan_value(".5") == 0.5);
  CHECK(scan_value("1234567.12345678") == 1234567.12345678);
  CHECK(scan_value("0.30000000000000004") == 0.30000000000000004);
  CHECK(scan_value("1.7976931348623157e+308") == 1.7976931348623157e+308);
  CHECK(scan_value("+Inf") == HUGE_VAL);
  CHECK(scan_value("-inf") == -HUGE_VAL);
  for (const char* bad : {"", "-", ".", "1,5", "0x10", "0x1p3", "1_000", "1e", "--1", "1 "}) {
    CAPTURE(bad);
    CHECK_FALSE(scan_value(bad));
  }
}

TEST_CASE("a Content-Type that is missing, unreadable or unknown needs a fallback, others none") {
  struct Row {
    const char* type;
    std::optional<ExpositionFormat> without;  // a fallback
    ExpositionFormat with;                    // PrometheusProto as the fallback
  };
  const Row rows[] = {
      {"", std::nullopt, kProto},
      {"  ", std::nullopt, kProto},
      {"text/plain", kText, kText},
      {"text/plain;", kText, kText},
      {"TEXT/PLAIN ; Version=0.0.4", kText, kText},
      {"text/plain; version=1.0.0; escaping=allow-utf-8", kText, kText},
      {"text/plain; version=99", kText, kText},
      {"text/plain; charset=\"utf-8\"", kText, kText},
      {"text/plain; charset=\"a\\\";b\"", kText, kText},
      {"text/plain; charset", std::nullopt, kProto},
      {"text/plain; =x", std::nullopt, kProto},
      {"text/plain; a=\"b", std::nullopt, kProto},
      {"text/plain; a=1; a=2", std::nullopt, kProto},
      {"text/plain a=1", std::nullopt, kProto},
      {"text", std::nullopt, kProto},
      {"text/", std::nullopt, kProto},
      {"text/html; charset=utf-8", std::nullopt, kProto},
      {"application/json", std::nullopt, kProto},
      {"application/octet-stream", std::nullopt, kProto},
      {"application/openmetrics-text; version=1.0.0; charset=utf-8", kOpen, kOpen},
      {"application/openmetrics-text", kOpen, kOpen},
      {"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
       "encoding=delimited",
       kProto, kProto},
      {"application/vnd.google.protobuf", kProto, kProto},
  };
  for (const Row& row : rows) {
    CAPTURE(row.type);
    const auto plain = exposition_format(row.type, std::nullopt);
    CHECK(plain.has_value() == row.without.has_value());
    if (plain && row.without) CHECK(*plain == *row.without);
    if (!plain) CHECK(plain.error().what().find("fallback_scrape_protocol") != std::string::npos);
    const auto fallen = exposition_format(row.type, ScrapeProtocol::kPrometheusProto);
    REQUIRE(fallen);
    CHECK(*fallen == row.with);
  }
}

TEST_CASE("names that not every format can hold are asked for as configured") {
  const std::vector<ScrapeProtocol> all = default_scrape_protocols(true);
  CHECK(all.front() == ScrapeProtocol::kPrometheusProto);
  CHECK(accept_header(all, NameEscaping::kUnderscores) ==
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
        "encoding=delimited;escaping=underscores;q=0.6,"
        "application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.5,"
        "application/openmetrics-text;version=0.0.1;q=0.4,"
        "text/plain;version=1.0.0;escaping=underscores;q=0.3,"
        "text/plain;version=0.0.4;q=0.2,*/*;q=0.1");
  for (const char* name : {"allow-utf-8", "underscores", "dots", "values"}) {
    CHECK(to_string(*name_escaping(name)) == name);
  }
  CHECK_FALSE(name_escaping("utf8"));
}

TEST_CASE("the content type names the format") {
  const auto format = [](std::string_view type) {
    const auto f = exposition_format(type, std::nullopt);
    return f ? std::optional(*f) : std::nullopt;
  };
  CHECK(format("text/plain; version=0.0.4; charset=utf-8") == kText);
  CHECK(format("Text/Plain") == kText);
  CHECK(format("application/openmetrics-text; version=1.0.0") == kOpen);
  CHECK_FALSE(format("text/html"));
  CHECK_FALSE(format(""));
  CHECK(*exposition_format("text/html", ScrapeProtocol::kPrometheusText004) == kText);
  CHECK(*exposition_format("", ScrapeProtocol::kOpenMetricsText001) == kOpen);
  CHECK(*exposition_format("text/plain", ScrapeProtocol::kOpenMetricsText001) == kText);
}

TEST_CASE("protocols go by Prometheus's names, and are asked for in their order") {
  for (const std::string_view name : scrape_protocol_names()) {
    CHECK(to_string(*scrape_protocol(name)) == name);
  }
  CHECK_FALSE(scrape_protocol("PrometheusText"));
  CHECK(accept_header(default_scrape_protocols()) ==
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,"
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
        "text/plain;version=0.0.4;q=0.3,*/*;q=0.2");
  const std::vector<ScrapeProtocol> one = {ScrapeProtocol::kPrometheusText004};
  CHECK(accept_header(one) == "text/plain;version=0.0.4;q=0.6,*/*;q=0.5");
}

// Reads `second` with what `first` was as the guess.
Recorder again(std::string_view first, std::string_view second, ExpositionFormat f1 = kText,
               ExpositionFormat f2 = kText) {
  const Recorder before = parsed(first, f1);
  Recorder seen;
  for (const auto& sample : before.samples) seen.guesses.push_back(sample.series);
  seen.leads = before.own_leads;
  const Result<void> r = parse_exposition(second, f2, seen);
  CHECK_MESSAGE(r, (r ? "" : r.error().what()));
  return seen;
}

TEST_CASE("comments that stand as before are not reported again; changed ones are") {
  const std::string body =
      "# HELP a A.\n# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 2.5\n\n# TYPE b gauge\nb 3\n";
  Recorder seen = again(body, body);
  CHECK(seen.leads_known == 3);
  CHECK(seen.metadata.empty());
  REQUIRE(seen.samples.size() == 3);
  CHECK(seen.samples[1].value == 2.5);

  std::string changed = body;
  changed.replace(changed.find("A."), 2, "B.");
  seen = again(body, changed);
  CHECK(seen.leads_known == 2);
  CHECK(seen.metadata == std::vector<std::string>{"a help B.", "a type gauge"});

  // A value that is no short decimal, a timestamp, another order: the same samples all the same.
  seen = again(body, "# TYPE b gauge\nb 1e3\n# HELP a A.\n# TYPE a gauge\na{x=\"1\"} -0.125 17\n");
  REQUIRE(seen.samples.size() == 2);
  CHECK(seen.samples[0].value == 1000);
  CHECK(seen.samples[1].value == -0.125);
  CHECK(seen.samples[1].time_ms == 17);
}

TEST_CASE("a guess from one format is none in the other") {
  const Recorder seen =
      again("# TYPE a gauge\na 1\n", "# TYPE a gauge\na 1\n# EOF\n", kText, kOpen);
  CHECK(seen.leads_known == 0);
  CHECK(seen.metadata.size() == 1);
}

TEST_CASE("a value read in place is the value read slowly") {
  for (const char* text : {"0", "-0", "1", "12345", "999999999999999", "1234567890123456", "0.1",
                           "-3.25", ".5", "5.", "1e300", "1.7976931348623157e+308", "NaN", "+Inf",
                           "-Inf", "0.000000000000001", "18446744073709551616", "4.9e-324"}) {
    CAPTURE(text);
    const std::string body = "a " + std::string(text) + "\n";
    const double slow = parsed(body).samples.at(0).value;
    const Recorder fast = again("a 7\n", body);
    CHECK(fast.leads_known == 1);
    CHECK(std::bit_cast<std::uint64_t>(fast.samples.at(0).value) ==
          std::bit_cast<std::uint64_t>(slow));
  }
}

}  // namespace
}  // namespace nines::collector
