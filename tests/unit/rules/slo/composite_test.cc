// SLOs made of other SLOs.
#include <doctest/doctest.h>

#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

SloConfig member(const std::string& instance) {
  SloConfig slo = make_slo();
  slo.name = instance;
  slo.indicator.good = "requests_total{code!=\"500\",instance=\"" + instance + "\"}";
  slo.indicator.total = "requests_total{instance=\"" + instance + "\"}";
  return slo;
}

SloConfig composite(const std::string& name, std::vector<CompositeMember> members,
                    CompositeMethod method = CompositeMethod::kWeighted) {
  SloConfig slo = make_slo();
  slo.name = name;
  slo.target_percent = 90;
  slo.indicator = {};
  slo.indicator.kind = IndicatorKind::kComposite;
  slo.indicator.method = method;
  slo.indicator.members = std::move(members);
  return slo;
}

void count(Bench& b, const std::string& instance, std::int64_t second, double good, double bad) {
  b.metrics.add(series("200", instance), at(second), good);
  b.metrics.add(series("500", instance), at(second), bad);
}

}  // namespace

TEST_CASE("a minute's share is the mean of its members' by weight, or the worst") {
  Bench b;
  b.boot({composite("worst", {{"a"}, {"b"}}, CompositeMethod::kWorst),
          composite("all", {{"weighted", 1}, {"worst", 1}}),  // stands before what it is made of
          composite("weighted", {{"a", 3}, {"b", 1}}), member("a"), member("b")});
  count(b, "a", 0, 0, 0);
  count(b, "b", 0, 0, 0);
  count(b, "a", 60, 1'000, 0);
  count(b, "b", 60, 1, 1);
  count(b, "a", 120, 1'000, 0);  // no event
  count(b, "b", 120, 1, 4);
  b.update(120);
  CHECK(b.minute(0, "weighted").valid == 1);
  CHECK(b.minute(0, "weighted").good == (3 * 1 + 0.5) / 4);
  CHECK(b.minute(0, "worst").good == 0.5);
  CHECK(b.minute(0, "all").good == ((3 * 1 + 0.5) / 4 + 0.5) / 2);
  CHECK(b.minute(1, "weighted").good == 0);  // who has no events has no part
  const SloStatus status = b.status(120, "weighted");
  CHECK(status.valid == 2);
  CHECK(status.budget_total == doctest::Approx(0.2));
  CHECK(status.state == "breached");
}

TEST_CASE("a composite follows late samples, restarts and rebuilds of its members") {
  Bench b;
  const std::vector<SloConfig> slos{member("a"), composite("all", {{"a"}}),
                                    composite("outer", {{"all"}})};
  b.boot(slos);
  count(b, "a", 0, 0, 0);
  count(b, "a", 60, 10, 0);
  b.update(60);
  b.metrics.add(series("500", "a"), at(45), 10);
  b.metrics.add(series("500", "a"), at(61), 10);
  b.boot(slos);
  b.update(120);
  CHECK(b.minute(0, "all").good == 0.5);
  CHECK(b.minute(0, "outer").good == 0.5);
  b.update(600);
  b.metrics.add(series("200", "a"), at(50), 30);  // too late for an update
  b.update(660);
  CHECK(b.minute(0, "outer").good == 0.5);
  REQUIRE(b.service->rebuild("a", at(0)));
  CHECK(b.minute(0, "a").valid == 30 + 10 + 10);  // 30, then a reset to 10
  CHECK(b.minute(0, "all").good == 0.8);
  CHECK(b.minute(0, "outer").good == 0.8);
}

TEST_CASE("each group of a grouped SLO is a member, or one of them") {
  Bench b;
  SloConfig grouped = make_slo();
  grouped.group_by = {"instance"};
  const std::string only_b = "shop-availability{instance=\"b\"}";
  b.boot({grouped, composite("all", {{"shop-availability"}}), composite("one", {{only_b}})});
  CHECK(check_together({grouped, composite("one", {{only_b}})}).empty());
  count(b, "a", 0, 0, 0);
  count(b, "b", 0, 0, 0);
  count(b, "a", 60, 10, 0);
  count(b, "b", 60, 5, 5);
  b.update(60);
  CHECK(b.minute(0, "all").good == 0.75);
  CHECK(b.minute(0, "one").good == 0.5);
}

TEST_CASE("members that are not there, and cycles with their path, are refused") {
  const auto problems = check_together(
      {composite("a", {{"b"}}), composite("b", {{"c"}, {"x"}}), composite("c", {{"a"}})});
  REQUIRE(problems.size() == 4);
  CHECK(problems[0].first == 0);
  CHECK(problems[0].second.find("a -> b -> c -> a") != std::string::npos);
  CHECK(problems[1].second.find("there is no SLO \"x\"") != std::string::npos);
  CHECK(problems[2].second.find("b -> c -> a -> b") != std::string::npos);
  CHECK(check_together({composite("a", {{"a"}})}).at(0).second.find("a -> a") != std::string::npos);
  CHECK(check_together({member("a"), composite("b", {{"a"}}), composite("c", {{"b"}, {"a"}})})
            .empty());
  SloConfig first = member("api-0");
  first.definition = "api";
  const auto objective = check_together({first, composite("b", {{"api"}})});
  REQUIRE(objective.size() == 1);
  CHECK(objective[0].second.find("write one of \"api-0\"") != std::string::npos);
}

TEST_CASE("a composite's own mistakes are refused") {
  CHECK(check_slo(composite("c", {{"a"}}), {}).empty());
  CHECK(check_slo(composite("c", {}), {}).size() == 1);
  CHECK(check_slo(composite("c", {{"a"}, {"a"}}), {}).size() == 1);
  CHECK(check_slo(composite("c", {{"a", 0}}), {}).size() == 1);
  CHECK(check_slo(composite("c", {{""}}), {}).size() == 1);
  SloConfig grouped = composite("c", {{"a"}});
  grouped.group_by = {"x"};
  CHECK(check_slo(grouped, {}).size() == 1);
}
