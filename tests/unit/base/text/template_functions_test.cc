// Expected texts are what Prometheus's template functions give for the same arguments.
#include <cmath>
#include <limits>
#include <utility>

#include <doctest/doctest.h>

#include "base/text/template.h"

namespace nines {
namespace {

using Map = TemplateValue::Map;
using List = TemplateValue::List;

std::string call(const std::string& function, const TemplateValue& value) {
  const auto parsed =
      Template::parse("t", "{{ . | " + function + " }}", standard_template_functions());
  REQUIRE_MESSAGE(parsed.has_value(), function);
  auto out = parsed->execute(value);
  return out ? *out : "error";
}

struct Row {
  double value;
  const char* text;
};

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST_CASE("letters of other alphabets have capitals, too") {
  CHECK(call("toLower", "ABÉ ÑŸ ΑΣΏ ДЁЯ Ł Ž ẞİ") == "abé ñÿ ασώ дёя ł ž ẞi");
  CHECK(call("toUpper", "abé ñÿ ασώς дёя ł ž ß") == "ABÉ ÑŸ ΑΣΏΣ ДЁЯ Ł Ž ß");
  CHECK(call("title", "été à l'école жук a_b 日本") == "Été À L'École Жук A_b 日本");
  CHECK(call("toUpper", "\xff") == "\xef\xbf\xbd");
}

TEST_CASE("humanize uses powers of a thousand both ways") {
  for (const auto& [value, text] : {Row{0, "0"},
                                    {1, "1"},
                                    {999, "999"},
                                    {1000, "1k"},
                                    {1234567, "1.235M"},
                                    {1048576, "1.049M"},
                                    {0.12, "120m"},
                                    {1e-7, "100n"},
                                    {-1500, "-1.5k"},
                                    {1e27, "1000Y"},
                                    {kInf, "+Inf"},
                                    {-kInf, "-Inf"},
                                    {kNan, "NaN"}}) {
    CHECK(call("humanize", value) == text);
  }
  CHECK(call("humanize", "1048576") == "1.049M");
  CHECK(call("humanize", 2000) == "2k");
  CHECK(call("humanize", "x") == "error");
  CHECK(call("humanize", Map{}) == "error");
}

TEST_CASE("humanize1024 uses powers of 1024 upwards only") {
  for (const auto& [value, text] : {Row{0, "0"},
                                    {1, "1"},
                                    {1023, "1023"},
                                    {1024, "1ki"},
                                    {1048576, "1Mi"},
                                    {0.12, "0.12"},
                                    {-2048, "-2ki"},
                                    {kInf, "+Inf"}}) {
    CHECK(call("humanize1024", value) == text);
  }
}

TEST_CASE("humanizeDuration counts from days to fractions of a second") {
  for (const auto& [value, text] : {Row{0, "0s"},
                                    {1, "1s"},
                                    {1.2345, "1.234s"},
                                    {59.99, "59.99s"},
                                    {60, "1m 0s"},
                                    {135.3563, "2m 15s"},
                                    {899.99, "14m 59s"},
                                    {3600, "1h 0m 0s"},
                                    {86400, "1d 0h 0m 0s"},
                                    {90000, "1d 1h 0m 0s"},
                                    {-183845, "-2d 3h 4m 5s"},
                                    {0.1, "100ms"},
                                    {0.0001, "100us"},
                                    {0.12345, "123.5ms"},
                                    {-0.1, "-100ms"},
                                    {kNan, "NaN"},
                                    {kInf, "+Inf"}}) {
    CHECK(call("humanizeDuration", value) == text);
  }
}

TEST_CASE("humanizePercentage takes a ratio") {
  for (const auto& [value, text] : {Row{0.959, "95.9%"},
                                    {-0.22222, "-22.22%"},
                                    {0, "0%"},
                                    {0.1234567, "12.35%"},
                                    {1.23456, "123.5%"}}) {
    CHECK(call("humanizePercentage", value) == text);
  }
}

TEST_CASE("humanizeTimestamp prints UTC as Go prints a time") {
  CHECK(call("humanizeTimestamp", 1435065584.128) == "2015-06-23 13:19:44.128 +0000 UTC");
  CHECK(call("humanizeTimestamp", 1435065584.0) == "2015-06-23 13:19:44 +0000 UTC");
  CHECK(call("humanizeTimestamp", "1435065584.5") == "2015-06-23 13:19:44.5 +0000 UTC");
  CHECK(call("humanizeTimestamp", kNan) == "NaN");
  CHECK(call("humanizeTimestamp", 1e300) == "error");
}

TEST_CASE("texts are numbers as Go reads them, and what cannot be a time says so") {
  CHECK(call("humanize", "1_000") == "1k");
  CHECK(call("humanize", "0x1p4") == "16");
  CHECK(call("humanize", "0x10") == "error");
  CHECK(call("humanize", "_1") == "error");
  CHECK(call("humanize", "1__0") == "error");
  CHECK(call("humanize", " 1") == "error");
  CHECK(call("toTime", kNan) == "error");
  CHECK(call("toTime", 1e11) == "error");
  CHECK(call("humanizeTimestamp", -0.0015) == "1969-12-31 23:59:59.999 +0000 UTC");
  CHECK(call("stripDomain", "[fe80::1%eth0]:9") == "[fe80::1%eth0]:9");
}

TEST_CASE("parseDuration gives seconds") {
  CHECK(call("parseDuration", "2h10m15s") == "7815");
  CHECK(call("parseDuration", "5ms") == "0.005");
  CHECK(call("parseDuration", "x") == "error");
  CHECK(call("toDuration", 3661.5) == "1h1m1.5s");
  CHECK(call("toDuration", 0.0015) == "1.5ms");
}

TEST_CASE("hosts lose their port or their domain") {
  for (const auto& [in, out] : {std::pair{"[::1]:6006", "::1"},
                                {"host.example:80", "host.example"},
                                {"host", "host"},
                                {"::1", "::1"},
                                {"1.2.3.4:5", "1.2.3.4"},
                                {"a:b:c", "a:b:c"}}) {
    CHECK(call("stripPort", in) == out);
  }
  for (const auto& [in, out] : {std::pair{"web.example.com:80", "web:80"},
                                {"web.example.com", "web"},
                                {"web", "web"},
                                {"1.2.3.4:80", "1.2.3.4:80"},
                                {"1.2.3.4", "1.2.3.4"},
                                {"[::1]:80", "[::1]:80"}}) {
    CHECK(call("stripDomain", in) == out);
  }
}

TEST_CASE("texts change case, match and are replaced") {
  CHECK(call("toUpper", "aBc1") == "ABC1");
  CHECK(call("toLower", "aBc1") == "abc1");
  CHECK(call("title", "aa bB-cc d_e it's") == "Aa BB-Cc D_e It'S");
  CHECK(call("trimSpace", " a ") == "a");
  CHECK(call("match \"a.c\"", "xabcx") == "true");
  CHECK(call("match \"^b\"", "abc") == "false");
  CHECK(call("match \"(\"", "abc") == "error");
  CHECK(call("reReplaceAll \"(b)\" \"[$1]\"", "abcb") == "a[b]c[b]");
  CHECK(call("safeHtml", "<b>") == "<b>");
  CHECK(call("toUpper", 1) == "error");
  CHECK(call("graphLink", "up{a=\"b c\"}") == "/graph?g0.expr=up%7Ba%3D%22b+c%22%7D&g0.tab=0");
}

TEST_CASE("query results are sorted and taken apart") {
  const auto sample = [](const char* host, double value) {
    return TemplateValue(
        Map{{"Labels", Map{{"host", host}, {"__value__", "v"}}}, {"Value", value}});
  };
  const List result{sample("b", 2), sample("a", 1)};
  CHECK(call("first | value", result) == "2");
  CHECK(call("sortByLabel \"host\" | first | label \"host\"", result) == "a");
  CHECK(call("first | label \"nope\"", result) == "");
  CHECK(call("first | strvalue", result) == "v");
  CHECK(call("first", List{}) == "error");
  CHECK(call("value", "x") == "error");
  CHECK(call("sortByLabel \"host\"", "x") == "error");
}

TEST_CASE("args names its arguments and join takes its separator first") {
  const auto parsed = Template::parse(
      "t", "{{with args 1 \"b\"}}{{.arg0}}{{.arg1}}{{end}}{{stringSlice \"a\" \"b\" | join \"-\"}}",
      standard_template_functions());
  CHECK(*parsed->execute({}) == "1ba-b");
}

}  // namespace
}  // namespace nines
