#include "rules/slo/config.h"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "rules/slo/service.h"
#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

std::vector<std::string> problems(const SloConfig& slo) {
  return check_slo(slo, {});
}

std::size_t with_selector(const std::string& total) {
  SloConfig slo = make_slo();
  slo.indicator.total = total;
  return problems(slo).size();
}

}  // namespace

TEST_CASE("the budget is the double nearest to what the target says") {
  CHECK(budget_ratio(99.9) == 0.001);
  CHECK(budget_ratio(99.99) == 0.0001);
  CHECK(budget_ratio(99.999) == 0.00001);
  CHECK(budget_ratio(95) == 0.05);
  CHECK(budget_ratio(50) == 0.5);
}

TEST_CASE("an indicator is made of plain selectors, one of good and bad") {
  CHECK(problems(make_slo(google_30d())).empty());
  CHECK(with_selector("(requests_total)") == 0);
  CHECK(with_selector("{__name__=~\"requests_.*\"}") == 0);
  CHECK(with_selector("rate(requests_total[5m])") == 1);
  CHECK(with_selector("requests_total offset 5m") == 1);
  CHECK(with_selector("requests_total @ 0") == 1);
  CHECK(with_selector("requests_total[5m]") == 1);
  CHECK(with_selector("requests_total{") == 1);
  CHECK(with_selector("") == 1);
  SloConfig both = make_slo();
  both.indicator.bad = "bad";
  CHECK(problems(both).size() == 1);
  both.indicator.good.clear();
  CHECK(problems(both).empty());
  both.indicator.bad.clear();
  CHECK(problems(both).size() == 1);
}

TEST_CASE("a target lies between 0 and 100 and reaches neither") {
  const auto with_target = [](double percent) {
    SloConfig slo = make_slo();
    slo.target_percent = percent;
    return problems(slo).size();
  };
  CHECK(with_target(0) == 1);
  CHECK(with_target(0.1) == 0);
  CHECK(with_target(99.9999) == 0);
  CHECK(with_target(100) == 1);
  CHECK(with_target(-1) == 1);
  CHECK(with_target(101) == 1);
  CHECK(with_target(std::numeric_limits<double>::quiet_NaN()) == 1);
}

TEST_CASE("a burn rate that the target can never exceed is refused") {
  SloConfig slo = make_slo({{Duration(3'600'000), Duration(300'000), 10, "page"}});
  slo.target_percent = 90;  // everything bad burns ten times too fast, and not faster
  REQUIRE(problems(slo).size() == 1);
  CHECK(problems(slo)[0].find("can never be exceeded") != std::string::npos);
  slo.alerting[0].burn_rate = 9.99;
  CHECK(problems(slo).empty());
  slo.alerting[0].short_window = slo.alerting[0].long_window;
  CHECK(problems(slo).size() == 1);
}

TEST_CASE("the generated groups pass the check of rules, one group per SLO with alerting") {
  SloConfig quiet = make_slo();
  quiet.name = "quiet";
  const auto groups = Service::alert_groups({make_slo(google_30d()), quiet});
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].file == "<slo shop-availability>");
  REQUIRE(groups[0].rules.size() == 4);
  CHECK(groups[0].rules[0].alert == "SLOBurnRate");
  CHECK(groups[0].rules[0].labels.at("severity") == "page");
  CHECK(groups[0].rules[3].labels.at("long_window") == "3d");
  CHECK(
      groups[0].rules[0].expr ==
      "max without (sloth_window) (slo:sli_error:ratio_rate1h{sloth_id=\"shop-shop-availability\"})"
      " > (14.4 * 0.001) and max without (sloth_window) "
      "(slo:sli_error:ratio_rate5m{sloth_id=\"shop-shop-availability\"}) > (14.4 * 0.001)");
  for (const std::string& problem : alerts::check_group(groups[0], {})) FAIL_CHECK(problem);
}
