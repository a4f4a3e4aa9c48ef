// Events counted from log lines.
#include <doctest/doctest.h>

#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

SloConfig lines() {
  SloConfig slo = make_slo();
  slo.indicator = {};
  slo.indicator.kind = IndicatorKind::kLogs;
  slo.indicator.bad = "{app=\"shop\"} |= \"error\"";
  slo.indicator.total = "{app=\"shop\"}";
  return slo;
}
const LabelSet kShop{{"app", "shop"}, {"pod", "a"}};

}  // namespace

TEST_CASE("each line of a minute is an event, on the minute's very end too") {
  Bench b;
  b.boot({lines()});
  b.logs.add(kShop, at(0), "before");
  b.logs.add(kShop, at(1), "fine");
  b.logs.add(kShop, at(30), "an error");
  b.logs.add({{"app", "other"}}, at(31), "an error");
  b.logs.add({{"app", "shop"}, {"pod", "b"}}, at(60), "fine");
  b.logs.add(kShop, at(61), "fine");
  b.update(120);
  CHECK(b.minute(0).valid == 3);
  CHECK(b.minute(0).good == 2);
  CHECK(b.minute(1).valid == 1);
  CHECK(b.minute(2).valid == -1);
  b.logs.add(kShop, at(100), "late error");
  b.update(180);
  CHECK(b.minute(1).valid == 2);
  CHECK(b.minute(1).good == 1);
}

TEST_CASE("late lines change the minutes they belong to, and what is made of their SLO") {
  Bench b;
  SloConfig errors = lines();
  errors.name = "lines";
  SloConfig requests = make_slo();
  SloConfig whole = make_slo();
  whole.name = "whole";
  whole.indicator = {};
  whole.indicator.kind = IndicatorKind::kComposite;
  whole.indicator.members = {{"lines", 1}, {"shop-availability", 1}};
  b.boot({errors, requests, whole});
  b.logs.add(kShop, at(10), "fine");
  b.metrics.add(series("200"), at(0), 5);
  for (std::int64_t minute = 1; minute <= 30; ++minute) {
    b.metrics.add(series("200"), at(minute * 60), 5);
    b.update(minute * 60);
  }
  const auto late = [&](std::int64_t second, const std::string& text) {
    b.logs.add(kShop, at(second), text);
    b.late_lines.tell(at(second));
  };
  late(25 * 60, "an error");  // on the minute's very end
  b.update(31 * 60);
  CHECK(b.minute(24, "lines").valid == 1);
  CHECK(b.minute(24, "lines").good == 0);
  CHECK(b.minute(25, "lines").valid == -1);
  CHECK(b.minute(24, "whole").valid == 1);
  late(5 * 60 + 1, "fine");  // so far back every five minutes alone
  b.update(32 * 60);
  CHECK(b.minute(5, "lines").valid == -1);
  b.update(36 * 60);
  CHECK(b.minute(5, "lines").good == 1);
  CHECK(b.minute(0, "lines").valid == 1);
}

TEST_CASE("lines that came while nines was down are counted after its start") {
  Bench b;
  b.boot({lines()});
  for (std::int64_t minute = 1; minute <= 20; ++minute) b.update(minute * 60);
  b.logs.add(kShop, at(8 * 60 + 5), "an error");
  b.update(21 * 60);
  CHECK(b.minute(8).valid == -1);
  b.boot({lines()});
  b.update(22 * 60);
  b.update(27 * 60);
  CHECK(b.minute(8).valid == 1);
}

TEST_CASE("good lines may be counted instead of bad ones, and streams grouped") {
  Bench b;
  SloConfig slo = lines();
  slo.indicator.bad.clear();
  slo.indicator.good = "{app=\"shop\"} != \"error\"";
  slo.group_by = {"pod"};
  b.boot({slo});
  b.logs.add(kShop, at(10), "fine");
  b.logs.add({{"app", "shop"}, {"pod", "b"}}, at(20), "error");
  b.update(60);
  CHECK(b.minute(0, "shop-availability{pod=\"a\"}").good == 1);
  CHECK(b.minute(0, "shop-availability{pod=\"b\"}").good == 0);
  CHECK(b.minute(0, "shop-availability{pod=\"b\"}").valid == 1);
}

TEST_CASE("what counts lines must select lines") {
  CHECK(check_slo(lines(), {}).empty());
  for (const char* wrong :
       {"", "up", "{", "count_over_time({app=\"shop\"}[1m])", "{app=\"shop\"} |"}) {
    SloConfig slo = lines();
    slo.indicator.total = wrong;
    CHECK_MESSAGE(check_slo(slo, {}).size() == 1, wrong);
  }
  SloConfig both = lines();
  both.indicator.good = both.indicator.total;
  CHECK(check_slo(both, {}).size() == 1);
}
