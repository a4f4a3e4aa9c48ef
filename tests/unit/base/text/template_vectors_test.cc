// Templates beside what Go 1.26's text/template and html/template, with the functions of
// Alertmanager 0.34 and of prometheus/common, make of the same text and the same data: a line each
// in vectors/templates.jsonl, [mode, data, text, output], a `!` in front of an error. Columns are
// counted from 1 there, too.
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "base/text/json.h"
#include "base/text/template.h"
#include "tests/support/sim_clock.h"

namespace nines {
namespace {

using Map = TemplateValue::Map;
using List = TemplateValue::List;

constexpr LogTime kAt{std::chrono::nanoseconds(1'763'107'509'120'000'000)};
constexpr const char* kAny = "map[string]interface {}";

TemplateValue named(Map map, const char* type) {
  return TemplateValue(std::move(map)).as(type);
}

TemplateValue kv(Map map) {
  return named(std::move(map), "template.KV");
}

TemplateValue time(LogTime at) {
  return TemplateTime{at, TimeZone::utc()};
}

TemplateRecord alert(const char* status, Map labels, Map annotations, LogTime ends,
                     const char* source, const char* fingerprint) {
  return {"template.Alert",
          {{"Status", status, "status"},
           {"Labels", kv(std::move(labels)), "labels"},
           {"Annotations", kv(std::move(annotations)), "annotations"},
           {"StartsAt", time(kAt), "startsAt"},
           {"EndsAt", time(ends), "endsAt"},
           {"GeneratorURL", source, "generatorURL"},
           {"Fingerprint", fingerprint, "fingerprint"}}};
}

TemplateValue notification() {
  const auto first = alert(
      "firing", {{"alertname", "Down"}, {"instance", "<a>&\"b\""}, {"job", "j"}},
      {{"summary", "it's <down>"}, {"runbook", "https://x.example/r?a=1&b=2"}}, LogTime::min(),
      "http://p.example:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1", "0123456789abcdef");
  const auto second =
      alert("resolved", {{"alertname", "Down"}, {"instance", "h2:80"}, {"job", "j"}}, {},
            kAt + std::chrono::seconds(90), "javascript:alert(1)", "fedcba9876543210");
  const auto third = alert(
      "firing", {{"alertname", "Down"}, {"instance", "h3"}, {"job", "j"}, {"severity", "page"}},
      {{"summary", "third"}}, LogTime::min(), "http://p.example/a b?x=<y>#\u00e9",
      "0123456789abcdef");
  return TemplateRecord{
      "*template.Data",
      {{"Receiver", "on call", "receiver"},
       {"Status", "firing", "status"},
       {"Alerts", TemplateValue(List{first, second, third}).as("template.Alerts"), "alerts"},
       {"NotificationReason", "", "notification_reason"},
       {"GroupLabels", kv({{"alertname", "Down"}}), "groupLabels"},
       {"CommonLabels", kv({{"alertname", "Down"}, {"job", "j"}}), "commonLabels"},
       {"CommonAnnotations", kv({}), "commonAnnotations"},
       {"RouteLabels", kv({}), "routeLabels"},
       {"ExternalURL", "http://am.example:9093", "externalURL"}}};
}

TemplateValue alert_data() {
  return TemplateRecord{
      "struct { Labels map[string]string; ExternalLabels map[string]string; "
      "ExternalURL string; Value interface {} }",
      {{"Labels", Map{{"job", "api"}, {"instance", "web:80"}, {"zone", "b"}}},
       {"ExternalLabels", Map{{"region", "eu"}}},
       {"ExternalURL", "http://h.example:9999/prom"},
       {"Value", 2.5}}};
}

TemplateValue sample(Map labels, double value) {
  return TemplateRecord{"*template.sample", {{"Labels", std::move(labels)}, {"Value", value}}};
}

TemplateValue mixed() {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const TemplateValue deep = named({{"c", "deep"}}, kAny);
  const List result{sample({{"host", "b"}, {"__value__", "v"}}, 2), sample({{"host", "a"}}, 1)};
  return named({{"L", Map{{"job", "api"}, {"zone", "b"}}},
                {"V", 1.2345},
                {"N", 65},
                {"Neg", -7},
                {"Z", 0},
                {"ZF", 0.0},
                {"List", List{"x", "y", "z"}},
                {"Nums", List{3, 1.5, -2}},
                {"Mixed", List{1, "a", true, TemplateValue(), 2.5}},
                {"Empty", List{}},
                {"E", ""},
                {"S", "h\u00e9llo <b>'q'\"&"},
                {"T", true},
                {"F", false},
                {"Nil", TemplateValue()},
                {"M", named({{"a", 1}, {"b", deep}}, kAny)},
                {"NaN", std::nan("")},
                {"Inf", kInf},
                {"NInf", -kInf},
                {"Big", 1e21},
                {"Small", 1e-7},
                {"Huge", 123456789.0},
                {"MaxI", std::numeric_limits<std::int64_t>::max()},
                {"MinI", std::numeric_limits<std::int64_t>::min()},
                {"At", time(kAt)},
                {"D", std::chrono::nanoseconds(5'401'500'000'000)},
                {"P", TemplateRecord{"template.Pair", {{"Name", "a"}, {"Value", "b"}}}},
                {"R", TemplateValue(result).as("template.queryResult")},
                {"Bad", "javascript:alert(1)"},
                {"Link", "https://x.example/?a=1&b=2"},
                {"H", TemplateHtml{"<i>&</i>"}},
                {"Bytes", std::string("a\0b\xff"
                                      "c\t\n\u2028\u00a0",
                                      12)}},
               kAny);
}

std::string render(const std::string& mode, const std::string& data, std::string text) {
  static const testing::SimClock clock(from_millis(1'763'107'509'120 + 3'723'500));
  const TemplateFunctions functions = notification_template_functions(clock);
  if (data == "alert") {
    text.insert(0,
                "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
                "{{$externalURL := .ExternalURL}}{{$value := .Value}}");
  }
  const auto parsed = Template::parse("t", text, functions,
                                      mode == "html" ? TemplateMode::kHtml : TemplateMode::kText);
  if (!parsed) return "!" + parsed.error().what();
  if (const auto complete = parsed->declares_its_variables(); !complete) {
    return "!" + complete.error().what();
  }
  const auto out = parsed->execute(data == "am"      ? notification()
                                   : data == "alert" ? alert_data()
                                                     : mixed());
  return out ? *out : "!" + out.error().what();
}

TEST_CASE("templates give what Go gives, errors and places included") {
  std::ifstream file(NINES_VECTORS_DIR "/templates.jsonl");
  REQUIRE(file.good());
  int count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    const auto row = Json::parse(line);
    REQUIRE_MESSAGE(row.has_value(), line);
    const std::string text = (*row)[std::size_t{2}].as_string();
    CAPTURE(text);
    CHECK(render((*row)[std::size_t{0}].as_string(), (*row)[std::size_t{1}].as_string(), text) ==
          (*row)[std::size_t{3}].as_string());
  }
  CHECK(count >= 500);
}

}  // namespace
}  // namespace nines
