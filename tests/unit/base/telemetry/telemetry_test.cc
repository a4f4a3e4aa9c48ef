#include "base/telemetry/telemetry.h"

#include <doctest/doctest.h>

#include "base/telemetry/forget.h"

namespace nines {
namespace {

TEST_CASE("the same name and labels give the same metric") {
  const auto telemetry = make_telemetry();
  Counter& a = telemetry->counter("nines_scrapes_total", "Scrapes.", {{"job", "node"}});
  Counter& b = telemetry->counter("nines_scrapes_total", "Other words.", {{"job", "node"}});
  Counter& other = telemetry->counter("nines_scrapes_total", "Scrapes.", {{"job", "db"}});
  a.add();
  b.add(2);
  CHECK(&a == &b);
  CHECK(a.value() == 3);
  CHECK(other.value() == 0);
}

TEST_CASE("a gauge is set and moved") {
  const auto telemetry = make_telemetry();
  Gauge& g = telemetry->gauge("nines_targets", "Targets.");
  g.set(5);
  g.add(-2);
  CHECK(g.value() == 3);
}

TEST_CASE("the text lists families by name with help, type and buckets") {
  const auto telemetry = make_telemetry();
  telemetry->gauge("nines_z", "Last.").set(1.5);
  telemetry->counter("nines_a_total", "First.", {{"path", "a\"b\\c\nd"}}).add(7);
  Distribution& d = telemetry->distribution("nines_m_seconds", "Middle.", {0.1, 1});
  d.observe(0.05);
  d.observe(0.5);
  d.observe(5);
  CHECK(telemetry->text() ==
        "# HELP nines_a_total First.\n"
        "# TYPE nines_a_total counter\n"
        "nines_a_total{path=\"a\\\"b\\\\c\\nd\"} 7\n"
        "# HELP nines_m_seconds Middle.\n"
        "# TYPE nines_m_seconds histogram\n"
        "nines_m_seconds_count 3\n"
        "nines_m_seconds_sum 5.55\n"
        "nines_m_seconds_bucket{le=\"0.1\"} 1\n"
        "nines_m_seconds_bucket{le=\"1\"} 2\n"
        "nines_m_seconds_bucket{le=\"+Inf\"} 3\n"
        "# HELP nines_z Last.\n"
        "# TYPE nines_z gauge\n"
        "nines_z 1.5\n");
}

TEST_CASE("what has gone is shown no more, and begins anew when it comes back") {
  const auto telemetry = make_telemetry();
  const MetricLabels gone{{"rule_group", "a"}}, stays{{"rule_group", "b"}};
  telemetry->gauge("nines_g", "G.", gone).set(2);
  telemetry->gauge("nines_g", "G.", stays).set(3);
  telemetry->counter("nines_c_total", "C.", gone).add(4);
  telemetry->distribution("nines_d", "D.", {1}, gone).observe(1);
  telemetry->gauge("nines_plain", "P.").set(1);
  forget_metrics(*telemetry, "rule_group", "a");
  forget_metrics(*telemetry, "rule_group", "never there");
  const std::string text = telemetry->text();
  CHECK(text.find("rule_group=\"a\"") == std::string::npos);
  CHECK(text.find("nines_g{rule_group=\"b\"} 3") != std::string::npos);
  CHECK(text.find("nines_plain 1") != std::string::npos);
  CHECK(telemetry->counter("nines_c_total", "C.", gone).value() == 0);
}

}  // namespace
}  // namespace nines
