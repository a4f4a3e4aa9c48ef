// Rows of alerts that can never fire are refused with the reason; what can fire is taken.
#include <doctest/doctest.h>

#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

std::vector<std::string> problems(double target, double burn_rate) {
  SloConfig slo = make_slo({{Duration(3'600'000), Duration(300'000), burn_rate, "page"}});
  slo.target_percent = target;
  return check_slo(slo, {});
}

}  // namespace

TEST_CASE("a burn rate that the target can never exceed is refused, and the highest is named") {
  CHECK(problems(93.06, 14.4).size() == 0);
  CHECK(problems(93, 14.4).size() == 1);  // 1 / 0.07 is 14.29
  CHECK(problems(90, 9.999).empty());
  CHECK(problems(90, 10).size() == 1);
  const auto text = problems(90, 10).at(0);
  CHECK(text.find("a burn rate of 10 can never be exceeded") != std::string::npos);
  CHECK(text.find("the highest possible with a target of 90% is 10") != std::string::npos);
  CHECK(problems(99, 0).size() == 1);
  CHECK(problems(99, -1).size() == 1);
}

TEST_CASE("every row of a preset is checked, and windows must be able to hold what they measure") {
  SloConfig slo = make_slo(google_30d());
  slo.target_percent = 50;  // the highest burn rate is 2: three of four rows can never fire
  CHECK(check_slo(slo, {}).size() == 3);
  slo.target_percent = 99;
  CHECK(check_slo(slo, {}).empty());
  slo.alerting = {{Duration(300'000), Duration(300'000), 2, "page"}};
  CHECK(check_slo(slo, {}).size() == 1);
  slo.alerting = {{Duration(300'000), Duration(30'000), 2, "page"}};
  CHECK(check_slo(slo, {}).size() == 1);
  slo.alerting = {{Duration(300'000), Duration(60'000), 2, ""}};
  CHECK(check_slo(slo, {}).size() == 1);
}

TEST_CASE("min_events must not be negative, and rows ask for it in their long window") {
  SloConfig slo = make_slo(google_30d());
  slo.min_events = -1;
  CHECK(check_slo(slo, {}).size() == 1);
  slo.min_events = 100;
  CHECK(check_slo(slo, {}).empty());
  const auto groups = Service::alert_groups({slo});
  REQUIRE(groups.size() == 1);
  REQUIRE(groups[0].rules.size() == 4);
  CHECK(groups[0].rules[0].expr.find("slo:valid_events:increase1h") != std::string::npos);
  CHECK(groups[0].rules[3].expr.find("slo:valid_events:increase3d") != std::string::npos);
  CHECK(groups[0].rules[0].expr.find(">= 100") != std::string::npos);
}
