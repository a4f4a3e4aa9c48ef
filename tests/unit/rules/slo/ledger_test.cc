// How events become minutes.

#include <doctest/doctest.h>

#include "base/model/sample.h"
#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

TEST_CASE("a minute holds the increase from the last sample at its start to the last at its end") {
  Bench b;
  b.metrics.add(series("200"), at(0), 100);
  b.metrics.add(series("200"), at(30), 110);
  b.metrics.add(series("200"), at(60), 130);  // the end of minute 0 belongs to it
  b.metrics.add(series("200"), at(61), 131);
  b.metrics.add(series("200"), at(119), 150);
  b.boot({make_slo()});
  b.update(120);
  CHECK(b.minute(0).valid == 30);
  CHECK(b.minute(0).good == 30);
  CHECK(b.minute(1).valid == 20);
  CHECK(b.minute(2).valid == -1);
}

TEST_CASE("a minute that has not ended is not counted") {
  Bench b;
  b.metrics.add(series("200"), at(0), 0);
  b.metrics.add(series("200"), at(30), 5);
  b.boot({make_slo()});
  b.update(59);
  CHECK(b.minute(0).valid == -1);
  b.update(60);
  CHECK(b.minute(0).valid == 5);
}

TEST_CASE("a fall of a counter is a reset, after which it stands for itself") {
  Bench b;
  b.metrics.add(series("200"), at(0), 1'000);
  b.metrics.add(series("200"), at(20), 1'010);
  b.metrics.add(series("200"), at(40), 7);
  b.metrics.add(series("200"), at(60), 9);
  b.boot({make_slo()});
  b.update(60);
  CHECK(b.minute(0).valid == 10 + 7 + 2);
}

TEST_CASE("a staleness marker is no reset and no event") {
  Bench b;
  b.metrics.add(series("200"), at(0), 10);
  b.metrics.add(series("200"), at(20), stale_nan());
  b.metrics.add(series("200"), at(50), 14);
  b.boot({make_slo()});
  b.update(60);
  CHECK(b.minute(0).valid == 4);
}

TEST_CASE("the first sample of a target nobody had scraped before is where counting begins") {
  Bench b;
  b.metrics.add(up(), at(15), 1);
  b.metrics.add(series("200"), at(15), 1'000'000);
  b.metrics.add(series("500"), at(15), 3);
  b.metrics.add(series("200"), at(30), 1'000'005);
  b.boot({make_slo()});
  b.update(60);
  CHECK(b.minute(0).valid == 5);
  CHECK(b.minute(0).good == 5);
}

TEST_CASE("a series that is younger than its target counts from zero") {
  Bench b;
  SUBCASE("as another series of the target shows") {
    b.metrics.add(series("200"), at(0), 100);
    b.metrics.add(series("200"), at(15), 100);
  }
  SUBCASE("as `up` shows") {
    b.metrics.add(up(), at(0), 1);
  }
  SUBCASE("as `up` showed long before") {
    b.metrics.add(up(), at(-7'200), 1);
  }
  b.metrics.add(series("500"), at(15), 3);
  b.boot({make_slo()});
  b.update(60);
  CHECK(b.minute(0).valid == 3);
  CHECK(b.minute(0).good == 0);
}

TEST_CASE("that another target was scraped, or this one in vain, does not make a series young") {
  Bench b;
  SUBCASE("another instance") {
    b.metrics.add(series("200", "b"), at(0), 100);
  }
  SUBCASE("down") {
    b.metrics.add(up(), at(0), 0);
  }
  SUBCASE("scraped only now") {
    b.metrics.add(up(), at(15), 1);
  }
  SUBCASE("more than a day ago") {
    b.metrics.add(up(), at(-86'400 - 60), 1);
  }
  b.metrics.add(series("500"), at(15), 1'000);
  b.boot({make_slo()});
  b.update(60);
  CHECK(b.minute(0).valid == 0);
}

TEST_CASE("what a gap hid is counted when it is seen, once") {
  Bench b;
  b.metrics.add(series("200"), at(0), 100);
  b.boot({make_slo()});
  b.update(60);
  b.metrics.add(series("200"), at(7'230), 400);
  b.update(7'260);
  CHECK(b.minute(120).valid == 300);
  b.update(7'260);
  b.update(7'320);
  CHECK(b.status(7'320).valid == 300);
}

TEST_CASE("a late sample is counted with the next updates") {
  Bench b;
  b.metrics.add(series("200"), at(0), 0);
  b.metrics.add(series("200"), at(30), 10);
  b.boot({make_slo()});
  b.update(60);
  CHECK(b.minute(0).valid == 10);
  b.metrics.add(series("200"), at(59), 15);  // a scrape that had taken its time
  b.metrics.add(series("200"), at(90), 20);
  b.update(120);
  CHECK(b.minute(0).valid == 15);
  CHECK(b.minute(1).valid == 5);
}

TEST_CASE("updating twice writes nothing new") {
  Bench b;
  b.metrics.add(series("200"), at(0), 0);
  b.metrics.add(series("200"), at(30), 10);
  b.boot({make_slo()});
  b.update(60);
  const std::size_t writes = b.state.writes();
  b.update(60);
  b.update(70);
  CHECK(b.state.writes() == writes);
}

TEST_CASE("bad events may be counted instead of good ones") {
  Bench b;
  SloConfig slo = make_slo();
  slo.indicator.good.clear();
  slo.indicator.bad = "requests_total{code=\"500\"}";
  for (const auto& [code, step] : {std::pair("200", 90.0), std::pair("500", 10.0)}) {
    b.metrics.add(series(code), at(0), 0);
    b.metrics.add(series(code), at(60), step);
  }
  b.boot({slo});
  b.update(60);
  CHECK(b.minute(0).valid == 100);
  CHECK(b.minute(0).good == 90);
}

TEST_CASE("an indicator of no counters counts each sample by its value") {
  Bench b;
  SloConfig slo = make_slo();
  slo.indicator = {};
  slo.indicator.counter = false;
  slo.indicator.good = "probe_success";
  slo.indicator.total = "up";
  const LabelSet success{{"__name__", "probe_success"}, {"instance", "a"}, {"job", "shop"}};
  for (int i = 1; i <= 8; ++i) {
    b.metrics.add(up(), at(i * 15), 1);
    b.metrics.add(success, at(i * 15), i == 6 ? 0 : 1);
  }
  b.boot({slo});
  b.update(120);
  CHECK(b.minute(0).valid == 4);
  CHECK(b.minute(0).good == 4);
  CHECK(b.minute(1).valid == 4);
  CHECK(b.minute(1).good == 3);
}

TEST_CASE("the first update looks back one window, over what the ring holds") {
  Bench b;
  SloConfig slo = make_slo();
  slo.window = Duration(3'600'000);
  for (int m = 0; m <= 120; ++m) b.metrics.add(series("200"), at(m * 60), m * 10);
  b.boot({slo});
  b.update(7'200);
  CHECK(b.minutes().size() == 60);
  CHECK(b.minute(60).valid == 10);
  CHECK(b.status(7'200).valid == 600);
}

TEST_CASE("after a restart the ledger goes on where it stood, and tells before it is updated") {
  Bench b;
  for (int m = 0; m <= 10; ++m) b.metrics.add(series("200"), at(m * 60), m * 10);
  b.boot({make_slo()});
  b.update(300);
  b.boot({make_slo()});
  CHECK(b.status(300).valid == 50);
  b.update(600);
  CHECK(b.status(600).valid == 100);
  CHECK(b.minutes().size() == 11);  // the very first sample gave a minute without events
}

TEST_CASE("a rebuild counts late data anew and leaves alone what the ring has lost") {
  Bench b;
  // Minutes the ring does not know any more.
  REQUIRE(b.state.write_minutes("shop-availability",
                                {{kFirstMinute - 100, 7, 8, 0}, {kFirstMinute - 99, 9, 9, 0}}));
  for (int m = 0; m <= 10; ++m) b.metrics.add(series("200"), at(m * 60), m * 10);
  b.boot({make_slo()});
  b.update(600);
  b.metrics.add(series("500"), at(90), 0);
  b.metrics.add(series("500"), at(110), 4);
  b.update(660);
  CHECK(b.minute(1).valid == 10);  // too late for an update
  REQUIRE(b.service->rebuild("shop-availability", kStart - Duration(10'000'000)));
  CHECK(b.minute(1).valid == 14);
  CHECK(b.minute(1).good == 10);
  CHECK(b.minute(-100).valid == 8);
  CHECK(b.minute(-99).good == 9);
  CHECK(b.minute(5).valid == 10);
  CHECK(b.status(660).valid == 100 + 4 + 8 + 9);
  CHECK_FALSE(b.service->rebuild("nosuch", kStart));
}

TEST_CASE("a refusing ledger is an error of the update, and counted when it is well again") {
  Bench b;
  b.metrics.add(series("200"), at(0), 0);
  b.metrics.add(series("200"), at(30), 10);
  b.boot({make_slo()});
  b.state.fail_with(Error(ErrorCode::kIo, "disk full"));
  CHECK_FALSE(b.service->update(at(60)));
  b.state.heal();
  b.update(120);
  CHECK(b.minute(0).valid == 10);
}
