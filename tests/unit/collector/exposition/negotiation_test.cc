// What is asked of a target, and how its answer is read, for every combination of the two.
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "collector/exposition/parser.h"

namespace nines::collector {
namespace {

const std::string kBehind =
    " and no fallback_scrape_protocol specified for target; "
    "fallback_scrape_protocol = \"PrometheusText0.0.4\" reads it as text";

std::vector<ScrapeProtocol> all_protocols() {
  std::vector<ScrapeProtocol> out;
  for (const std::string_view name : scrape_protocol_names()) out.push_back(*scrape_protocol(name));
  REQUIRE(out.size() == 5);
  return out;
}

TEST_CASE("a Content-Type that names an exposition is taken at its word, whatever the fallback") {
  struct Row {
    const char* type;
    ExpositionFormat format;
  };
  const Row rows[] = {
      {"text/plain", ExpositionFormat::kText004},
      {"text/plain;", ExpositionFormat::kText004},
      {"text/plain; version=0.0.4", ExpositionFormat::kText004},
      {"text/plain; version=1.0.0", ExpositionFormat::kText004},
      {"text/plain; version=99", ExpositionFormat::kText004},
      {"text/plain; charset=utf-8; charset=utf-8", ExpositionFormat::kText004},
      {"application/openmetrics-text", ExpositionFormat::kOpenMetrics},
      {"application/openmetrics-text; version=0.0.1", ExpositionFormat::kOpenMetrics},
      {"Application/OpenMetrics-Text; version=1.0.0; charset=utf-8",
       ExpositionFormat::kOpenMetrics},
      {"application/vnd.google.protobuf", ExpositionFormat::kProtobuf},
      {"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
       "encoding=delimited",
       ExpositionFormat::kProtobuf},
  };
  for (const Row& row : rows) {
    // How names were escaped is the target's matter: they are stored as they came.
    for (const char* escaping : {"", "allow-utf-8", "underscores", "dots", "values", "other"}) {
      const std::string type =
          std::string(row.type) + (*escaping == 0 ? "" : std::string("; escaping=") + escaping);
      // "text/plain;" with a parameter behind it has an empty one, which cannot be read.
      if (type.find(";;") != type.npos) continue;
      CAPTURE(type);
      const auto plain = exposition_format(type, std::nullopt);
      REQUIRE(plain);
      CHECK(*plain == row.format);
      for (const ScrapeProtocol fallback : all_protocols()) {
        CHECK(*exposition_format(type, fallback) == row.format);
      }
    }
  }
}

TEST_CASE("any other is an error in the words people look for, or what the fallback says") {
  struct Row {
    const char* type;
    const char* error;
  };
  const Row rows[] = {
      {"", "non-compliant scrape target sending blank Content-Type"},
      {" \t", "non-compliant scrape target sending blank Content-Type"},
      {"text/html", "received unsupported Content-Type \"text/html\""},
      {"text/html; charset=utf-8",
       "received unsupported Content-Type \"text/html; charset=utf-8\""},
      {"text", "received unsupported Content-Type \"text\""},
      {"application/json", "received unsupported Content-Type \"application/json\""},
      {"application/octet-stream",
       "received unsupported Content-Type \"application/octet-stream\""},
      {"text/openmetrics", "received unsupported Content-Type \"text/openmetrics\""},
      {"text/", "cannot parse Content-Type \"text/\""},
      {"/plain", "cannot parse Content-Type \"/plain\""},
      {"text/plain version=0.0.4", "cannot parse Content-Type \"text/plain version=0.0.4\""},
      // A comma in place of a semicolon, as some exporters had it.
      {"text/plain, version=0.0.4", "cannot parse Content-Type \"text/plain, version=0.0.4\""},
      {"text/plain;;version=1.0.0", "cannot parse Content-Type \"text/plain;;version=1.0.0\""},
      {"text/plain; version", "cannot parse Content-Type \"text/plain; version\""},
      {"text/plain; version=", "cannot parse Content-Type \"text/plain; version=\""},
      {"text/plain; a=1; a=2", "cannot parse Content-Type \"text/plain; a=1; a=2\""},
      {"text/plain; a=\"b", "cannot parse Content-Type \"text/plain; a=\\\"b\""},
      {"\x01\xff", "cannot parse Content-Type \"\\x01\\xff\""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.type);
    const auto refused = exposition_format(row.type, std::nullopt);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == ErrorCode::kInvalid);
    CHECK(refused.error().what() == row.error + kBehind);
    for (const ScrapeProtocol fallback : all_protocols()) {
      const auto format = exposition_format(row.type, fallback);
      REQUIRE(format);
      CHECK(*format == format_of(fallback));
    }
  }
  // Of what is endless no more is shown than says what it is.
  const auto endless = exposition_format("x/" + std::string(1'000'000, 'y'), std::nullopt);
  REQUIRE_FALSE(endless);
  CHECK(endless.error().what().size() < 400);
}

TEST_CASE("each protocol is asked for as it is written down, with the escaping where it counts") {
  struct Row {
    const char* protocol;
    const char* asked;
    bool escaped;
    ExpositionFormat format;
  };
  const Row rows[] = {
      {"PrometheusProto",
       "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
       "encoding=delimited",
       true, ExpositionFormat::kProtobuf},
      {"PrometheusText0.0.4", "text/plain;version=0.0.4", false, ExpositionFormat::kText004},
      {"PrometheusText1.0.0", "text/plain;version=1.0.0", true, ExpositionFormat::kText004},
      {"OpenMetricsText0.0.1", "application/openmetrics-text;version=0.0.1", false,
       ExpositionFormat::kOpenMetrics},
      {"OpenMetricsText1.0.0", "application/openmetrics-text;version=1.0.0", true,
       ExpositionFormat::kOpenMetrics},
  };
  for (const Row& row : rows) {
    CAPTURE(row.protocol);
    const std::optional<ScrapeProtocol> protocol = scrape_protocol(row.protocol);
    REQUIRE(protocol);
    CHECK(format_of(*protocol) == row.format);
    for (const char* name : {"allow-utf-8", "underscores", "dots", "values"}) {
      const std::vector<ScrapeProtocol> one = {*protocol};
      const std::string escaping = row.escaped ? std::string(";escaping=") + name : "";
      CHECK(accept_header(one, *name_escaping(name)) == row.asked + escaping + ";q=0.6,*/*;q=0.5");
    }
    // An answer of the type that was asked for is read as that protocol.
    CHECK(*exposition_format(row.asked, std::nullopt) == row.format);
  }
}

}  // namespace
}  // namespace nines::collector
