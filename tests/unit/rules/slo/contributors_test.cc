// Who spent the budget, when, and how long it will last.
#include <doctest/doctest.h>

#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

LabelSet request(const std::string& code, const std::string& pod, const std::string& route) {
  return series(code).with("pod", pod).with("route", route);
}

ContributorsQuery over(std::int64_t from, std::int64_t to) {
  ContributorsQuery query;
  query.from = at(from);
  query.to = at(to);
  return query;
}

// Pod b fails, whatever the route; `pay` has most of the traffic.
void traffic(Bench& b) {
  for (const auto& [second, step] : {std::pair(0, 0.0), std::pair(60, 1.0), std::pair(120, 2.0)}) {
    b.metrics.add(request("200", "a", "pay"), at(second), 900 * step);
    b.metrics.add(request("200", "a", "cart"), at(second), 90 * step);
    b.metrics.add(request("500", "b", "pay"), at(second), 8 * step);
    b.metrics.add(request("500", "b", "cart"), at(second), 2 * step);
  }
}

}  // namespace

TEST_CASE("contributors are told by label, the label that tells most first") {
  Bench b;
  traffic(b);
  b.boot({make_slo()});
  b.update(120);
  const auto found = b.service->contributors("shop-availability", over(0, 120));
  REQUIRE(found);
  REQUIRE(found->labels.size() == 3);  // not job and instance: all have the same
  const ContributorsOfLabel* pod = nullptr;
  const ContributorsOfLabel* route = nullptr;
  for (const auto& of_label : found->labels) {
    CHECK(of_label.bad == 20);
    if (of_label.label == "pod") pod = &of_label;
    if (of_label.label == "route") route = &of_label;
  }
  REQUIRE(pod);
  REQUIRE(pod->values.size() == 1);  // pod a has no bad event
  CHECK(pod->values[0].value == "b");
  CHECK(pod->values[0].bad == 20);
  CHECK(pod->values[0].valid == 20);
  REQUIRE(route);
  REQUIRE(route->values.size() == 2);
  CHECK(route->values[0].value == "pay");
  CHECK(route->values[0].bad == 16);
  CHECK(route->values[0].valid == 1'816);
  CHECK(found->labels.back().label == "route");
}

TEST_CASE("one label may be asked for, over part of the time, with few values") {
  Bench b;
  traffic(b);
  b.boot({make_slo()});
  ContributorsQuery query = over(60, 120);
  query.label = "route";
  query.values = 1;
  const auto found = b.service->contributors("shop-availability", query);
  REQUIRE(found);
  REQUIRE(found->labels.size() == 1);
  CHECK(found->labels[0].bad == 10);
  REQUIRE(found->labels[0].values.size() == 1);
  CHECK(found->labels[0].values[0].bad == 8);
}

TEST_CASE("of a group only its own series count, and a latency's buckets are one") {
  Bench b;
  traffic(b);
  SloConfig slo = make_slo();
  slo.group_by = {"route"};
  b.boot({slo});
  b.update(120);
  const auto cart = b.service->contributors("shop-availability{route=\"cart\"}", over(0, 120));
  REQUIRE(cart);
  for (const auto& of_label : cart->labels) {
    CHECK(of_label.label != "route");
    CHECK(of_label.bad == 4);
  }
  SloConfig latency = make_slo();
  latency.indicator = {};
  latency.indicator.kind = IndicatorKind::kLatency;
  latency.indicator.total = "latency_seconds";
  latency.indicator.threshold = 1;
  b.boot({latency});
  for (const auto& [pod, fast] : {std::pair("a", 10.0), std::pair("b", 4.0)}) {
    const LabelSet base{{"job", "shop"}, {"pod", pod}};
    for (const int second : {0, 60}) {
      const double share = second / 60;
      b.metrics.add(base.with("__name__", "latency_seconds_count"), at(second), 10 * share);
      b.metrics.add(base.with("__name__", "latency_seconds_bucket").with("le", "1"), at(second),
                    fast * share);
    }
  }
  const auto slow = b.service->contributors("shop-availability", over(0, 60));
  REQUIRE(slow);
  REQUIRE(slow->labels.size() == 1);
  CHECK(slow->labels[0].label == "pod");
  REQUIRE(slow->labels[0].values.size() == 1);
  CHECK(slow->labels[0].values[0].value == "b");
  CHECK(slow->labels[0].values[0].bad == 6);
}

TEST_CASE("hours without a bad event are not read") {
  Bench b;
  b.boot({make_slo()});
  for (int hour = 0; hour <= 5; ++hour) {  // one bad event in the third hour
    b.metrics.add(request("200", "a", "pay"), at(hour * 3'600), 100 * hour);
    b.metrics.add(request("500", "a", "pay"), at(hour * 3'600), hour >= 3 ? 1 : 0);
    b.update(hour * 3'600);
  }
  const auto found = b.service->contributors("shop-availability", over(0, 5 * 3'600));
  REQUIRE(found);
  REQUIRE(found->labels.size() == 1);
  CHECK(found->labels[0].label == "code");
  CHECK(found->labels[0].values.at(0).bad == 1);
  ContributorsQuery query = over(0, 5 * 3'600);
  query.label = "pod";
  const auto by_pod = b.service->contributors("shop-availability", query);
  REQUIRE(by_pod);
  CHECK(by_pod->labels.at(0).values.at(0).valid == 101);  // of that hour alone
}

TEST_CASE("too many series, too little time and composites are refused") {
  Bench b;
  traffic(b);
  SloConfig whole = make_slo();
  whole.name = "whole";
  whole.indicator = {};
  whole.indicator.kind = IndicatorKind::kComposite;
  whole.indicator.members = {{"shop-availability"}};
  b.boot({make_slo(), whole});
  ContributorsQuery query = over(0, 120);
  query.series = 4;
  CHECK(b.service->contributors("shop-availability", query));
  query.series = 3;
  const auto many = b.service->contributors("shop-availability", query);
  REQUIRE_FALSE(many);
  CHECK(many.error().code() == ErrorCode::kLimit);
  CHECK_FALSE(b.service->contributors("shop-availability", over(60, 60)));
  CHECK_FALSE(b.service->contributors("whole", over(0, 120)));
  CHECK_FALSE(b.service->contributors("nosuch", over(0, 120)));
}

TEST_CASE("what some minutes cost is their bad events, of the budget of the window") {
  Bench b;
  std::vector<storage::LedgerMinute> rows;
  for (int m = 0; m < 100; ++m)
    rows.push_back({kFirstMinute + m, m >= 50 && m < 60 ? 90.0 : 100.0, 100, 0});
  REQUIRE(b.state.write_minutes("shop-availability", rows));
  SloConfig slo = make_slo();
  slo.target_percent = 90;
  b.boot({slo});
  const auto some = b.service->spent("shop-availability", at(55 * 60), at(58 * 60), at(6'000));
  REQUIRE(some);
  CHECK(some->valid == 300);
  CHECK(some->bad == 30);
  CHECK(some->share == doctest::Approx(0.03));  // of 1000
  CHECK(b.service->spent("shop-availability", at(0), at(3'000), at(6'000))->bad == 0);
  CHECK_FALSE(b.service->spent("nosuch", at(0), at(60), at(60)));
}

TEST_CASE("the end of the budget has a band: the burn rates of an hour, six hours and a day") {
  Bench b;
  std::vector<storage::LedgerMinute> rows;
  const int day = 1'440;
  for (int m = 0; m < day; ++m) {
    // Nothing for 18 hours, then 1 bad of 1000 a minute, 2 in the last hour.
    const double bad = m < 18 * 60 ? 0 : m < 23 * 60 ? 1 : 2;
    rows.push_back({kFirstMinute + m, 1'000 - bad, 1'000, 0});
  }
  REQUIRE(b.state.write_minutes("shop-availability", rows));
  SloConfig slo = make_slo();
  slo.target_percent = 99;
  b.boot({slo});
  const SloStatus s = b.status(day * 60);
  const auto seconds_at = [&](double burn) { return s.budget_remaining * 30 * 86'400 / burn; };
  CHECK(s.exhaustion_seconds == doctest::Approx(seconds_at(0.2)));
  CHECK(s.exhaustion_band.soonest_seconds == doctest::Approx(seconds_at(0.2)));
  CHECK(s.exhaustion_band.latest_seconds == doctest::Approx(seconds_at(420.0 / 14'400)));
  b.update(day * 60 + 3 * 3'600);
  const SloStatus later = b.status(day * 60 + 3 * 3'600);  // nothing for three hours
  CHECK(later.exhaustion_seconds == -1);
  CHECK(later.exhaustion_band.soonest_seconds > 0);
  CHECK(later.exhaustion_band.latest_seconds == -1);
}
