// What templates of notifications need: times, collections, HTML. Expected texts are those of Go's
// time, text/template and html/template packages.
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/text/template.h"
#include "tests/support/sim_clock.h"

namespace nines {
namespace {

using Map = TemplateValue::Map;
using List = TemplateValue::List;

// Friday, 14 November 2025, 08:05:09.12 in UTC
constexpr LogTime kAt{std::chrono::nanoseconds(1'763'107'509'120'000'000)};

testing::SimClock& test_clock() {
  static testing::SimClock clock(from_millis(1'763'107'509'120 + 3'723'500));
  return clock;
}

TemplateValue kv(Map map) {
  return TemplateValue(std::move(map)).as("template.KV");
}

TemplateValue dot() {
  const Map down{{"Status", "firing"},
                 {"Labels", kv({{"alertname", "Down"}, {"instance", "<a>&\"b\""}, {"job", "j"}})},
                 {"StartsAt", TemplateTime{kAt, TimeZone::utc()}}};
  Map up = down;
  up["Status"] = "resolved";
  return Map{{"Alerts", TemplateValue(List{down, up}).as("template.Alerts")},
             {"At", TemplateTime{kAt, TimeZone::utc()}},
             {"Bad", "javascript:alert(1)"},
             {"Link", "https://x.example/?a=1&b=2"},
             {"Text", "<b>'x'</b>"}};
}

std::string render(std::string_view text, TemplateMode mode = TemplateMode::kText) {
  const auto parsed =
      Template::parse("t", text, notification_template_functions(test_clock()), mode);
  REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().what()));
  const auto out = parsed->execute(dot());
  return out ? *out : "error: " + out.error().what();
}

std::string html(std::string_view text) {
  return render(text, TemplateMode::kHtml);
}

TEST_CASE("a time is written by Go's layouts") {
  for (const auto& [layout, shown] :
       {std::pair{"2006-01-02T15:04:05Z07:00", "2025-11-14T08:05:09Z"},
        {"Mon Jan _2 15:04:05 MST 2006", "Fri Nov 14 08:05:09 UTC 2025"},
        {"Monday, 02-January-06 3:04PM", "Friday, 14-November-25 8:05AM"},
        {"1/2 03:4:5 pm -0700", "11/14 08:5:9 am +0000"},
        {".000 .999 002 __2", ".120 .12 318 318"},
        {"January Janet Months 05.00x", "November Janet Months 09.12x"},
        {"_2006 -07 Z07", "_2025 +00 Z"}}) {
    CHECK(render("{{ .At | date \"" + std::string(layout) + "\" }}") == shown);
    CHECK(render("{{ .At.Format \"" + std::string(layout) + "\" }}") == shown);
  }
}

TEST_CASE("tz shows another zone's clocks, daylight saving included") {
  CHECK(render("{{ .At | tz \"Europe/Paris\" }}") == "2025-11-14 09:05:09.12 +0100 CET");
  CHECK(render("{{ .At | tz \"America/New_York\" | date \"15:04 MST -07:00\" }}") ==
        "03:05 EST -05:00");
  CHECK(render("{{ (1752500000 | toTime) | tz \"Europe/Paris\" | date \"15:04 MST\" }}") ==
        "15:33 CEST");
  CHECK(render("{{ .At | tz \"Nowhere/Land\" }}").find("no time zone") != std::string::npos);
  CHECK(render("{{ \"x\" | tz \"UTC\" }}")
            .find("wrong type for value; expected time.Time; got string") != std::string::npos);
}

TEST_CASE("times and durations have methods, compare, and print as Go prints them") {
  CHECK(render("{{ .At }}") == "2025-11-14 08:05:09.12 +0000 UTC");
  CHECK(render("{{ .At.Unix }} {{ .At.Year }} {{ .At.Month }} {{ .At.Weekday }} {{ .At.Hour }}") ==
        "1763107509 2025 November Friday 8");
  CHECK(render("{{ since .At }} {{ since .At | humanizeDuration }} {{ (since .At).Minutes }}") ==
        "1h2m3.5s 1h 2m 3s 62.05833333333333");
  CHECK(render("{{ lt .At now }} {{ eq .At .At }} {{ if .At }}set{{ end }}") == "true true set");
  CHECK(render("{{ printf \"%s|%v\" .At (toDuration 1.5) }}") ==
        "2025-11-14 08:05:09.12 +0000 UTC|1.5s");
  CHECK(render("{{ toDuration 0.0015 }} {{ toDuration -61 }}") == "1.5ms -1m1s");
  CHECK(render("{{ .At.Nope }}").find("can't evaluate field Nope in type time.Time") !=
        std::string::npos);
}

TEST_CASE("lists and dictionaries are made, grow, and become JSON") {
  CHECK(
      render("{{ $l := list 1 \"a\" }}{{ $l = append $l true }}{{ range $l }}{{ . }},{{ end }}") ==
      "1,a,true,");
  CHECK(render("{{ (dict \"a\" 1 \"b\" \"x\").b }}") == "x");
  CHECK(render("{{ dict \"b\" (list 1 2.5 nil \"q\\\"\") \"a\" true \"t\" .At | toJson }}") ==
        "{\"a\":true,\"b\":[1,2.5,null,\"q\\\"\"],\"t\":\"2025-11-14T08:05:09.12Z\"}");
  CHECK(render("{{ dict \"a\" }}").find("even number") != std::string::npos);
  CHECK(render("{{ $l := list 1 }}{{ range 20 }}{{ $l = list $l $l }}{{ end }}")
            .find("more than 10000 values") != std::string::npos);
  CHECK(render("{{ urlUnescape \"a%20b+c\" }}{{ title \"aB cD\" }}") == "a b cAb Cd");
}

TEST_CASE("tmpl gives what a template writes, as a value") {
  CHECK(render("{{ define \"x\" }}<{{ . }}>{{ end }}{{ tmpl \"x\" 1 | toUpper }}"
               "{{ $n := \"x\" }}{{ tmpl $n 2 }}") == "<1><2>");
  CHECK(html("{{ define \"x\" }}<i>{{ . }}</i>{{ end }}{{ tmpl \"x\" .Text }}") ==
        "<i>&lt;b&gt;&#39;x&#39;&lt;/b&gt;</i>");
  CHECK(render("{{ tmpl \"nope\" 1 }}").find("not defined") != std::string::npos);
  CHECK(render("{{ define \"r\" }}{{ tmpl \"r\" . }}{{ end }}{{ tmpl \"r\" 1 }}")
            .find("maximum template depth (100)") != std::string::npos);
}

TEST_CASE("HTML: values are escaped, what is HTML already is not") {
  CHECK(html("<p>{{ .Text }}</p>") == "<p>&lt;b&gt;&#39;x&#39;&lt;/b&gt;</p>");
  CHECK(html("<p>{{ .Text | safeHtml }}</p>") == "<p><b>'x'</b></p>");
  CHECK(render("<p>{{ .Text }}</p>") == "<p><b>'x'</b></p>");
  CHECK(html("<a href=\"{{ .Link }}\">") == "<a href=\"https://x.example/?a=1&amp;b=2\">");
  CHECK(html("<a href='{{ .Bad }}'>") == "<a href='#ZgotmplZ'>");
  CHECK(html("<a href=\"/x?u={{ .Bad }}\">") == "<a href=\"/x?u=javascript%3aalert%281%29\">");
  CHECK(html("<style>a{color:{{ \"red\" }};b:{{ .Text }}}</style>") ==
        "<style>a{color:red;b:ZgotmplZ}</style>");
  CHECK(html("<script>{{ .Text }}</script>").find("cannot be escaped") != std::string::npos);
  CHECK(html("a<!-- {{ .Text }} -->b < c<p title={{ .Text }}>{{ .Nope }}") ==
        "ab &lt; c<p title=&lt;b&gt;&#39;x&#39;&lt;/b&gt;>");
  CHECK(html("<style>b{}</style><b>{{ 1 }}") == "<style>b{}</style><b>1");
}

// The constructs of a mail's default template: nested ranges over filtered alerts, sorted pairs, a
// trimmed block, counts.
TEST_CASE("a notification's usual template renders") {
  CHECK(render("{{ define \"s\" }}[{{ .Status | toUpper }}{{ if eq .Status \"firing\" }}:{{ len "
               ".L }}{{ end }}]{{ end -}}\n"
               "{{ template \"s\" (dict \"Status\" \"firing\" \"L\" .Alerts.Firing) }}\n"
               "{{- range .Alerts.Resolved }}\n{{ range .Labels.SortedPairs }} - {{ .Name }} = {{ "
               ".Value }}\n{{ end }}{{ with .Labels.Remove (stringSlice \"alertname\" \"job\") }}"
               "{{ .Values | join \",\" }}{{ end }}{{ end }}") ==
        "[FIRING:1]\n - alertname = Down\n - instance = <a>&\"b\"\n - job = j\n<a>&\"b\"");
}

// As Alertmanager 0.34 renders them.
TEST_CASE("collections and texts are as amtool renders them") {
  const TemplateValue labels =
      kv({{"grouplabelkey1", "grouplabelvalue1"}, {"grouplabelkey2", "grouplabelvalue2"}});
  const TemplateValue data =
      Map{{"GroupLabels", labels}, {"Alerts", TemplateValue(List{}).as("template.Alerts")}};
  for (const auto& row : std::vector<std::pair<std::string, std::string>>{
           {"{{ .GroupLabels.SortedPairs.Names }}", "[grouplabelkey1 grouplabelkey2]"},
           {"{{ .GroupLabels.SortedPairs.Values | join \", \" }}",
            "grouplabelvalue1, grouplabelvalue2"},
           {"{{ .GroupLabels.Remove (stringSlice \"grouplabelkey1\") }}",
            "grouplabelkey2=grouplabelvalue2"},
           {"{{ .GroupLabels.nope }}|{{ len .Alerts.Firing }} {{ len .Alerts.Resolved }}", "|0 0"},
           {"{{ title \"aB cD eF-gh\" }}|{{ toUpper \"aé\" }}|{{ toLower \"AÉ\" }}",
            "Ab Cd Ef-Gh|AÉ|aé"},
           {"{{ match \"a.*\" \"abc\" }}|{{ reReplaceAll \"b(.)\" \"<$1>\" \"abcb\" }}",
            "true|a<c>b"},
           {"{{ stringSlice \"a\" \"b\" }}|{{ safeHtml \"<b>\" }}|{{ \"<b>\" }}",
            "[a b]|<b>|<b>"}}) {
    const auto& text = row.first;
    const auto& expected = row.second;
    const auto parsed = Template::parse("t", text, notification_template_functions(test_clock()));
    REQUIRE_MESSAGE(parsed, text);
    const auto out = parsed->execute(data);
    REQUIRE_MESSAGE(out, text);
    CHECK_MESSAGE(*out == expected, text);
  }
}

}  // namespace
}  // namespace nines
