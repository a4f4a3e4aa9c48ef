// Samples that come late, in any order, within the window: the ledger ends up as if they had come
// in time.
#include <random>
#include <vector>

#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

struct Arrival {
  std::int64_t arrives = 0, second = 0;  // after kStart
  LabelSet labels;
  double value = 0;
};

// An hour and a half of two targets. Most samples come at once, some up to 50 minutes late.
std::vector<Arrival> history(std::mt19937& random) {
  std::vector<Arrival> out;
  const auto chance = [&](double p) { return std::uniform_real_distribution<>(0, 1)(random) < p; };
  for (const std::string instance : {"a", "b"}) {
    double ok = 1'000, failed = 50;
    std::int64_t lagging_until = 0, lag = 0;  // a sender that is cut off for a while
    for (std::int64_t second = 0; second < 5'400; second += 15) {
      if (second >= lagging_until && chance(0.01)) {
        lag = std::uniform_int_distribution<std::int64_t>(60, 3'000)(random);
        lagging_until = second + std::uniform_int_distribution<std::int64_t>(15, 600)(random);
      }
      if (chance(0.005)) ok = failed = 0;  // restarted
      ok += std::uniform_int_distribution<>(0, 40)(random);
      if (chance(0.2)) failed += std::uniform_int_distribution<>(0, 5)(random);
      const std::int64_t after = second < lagging_until ? lag : 0;
      out.push_back({second + after, second, series("200", instance), ok});
      out.push_back({second + after, second, series("500", instance), failed});
    }
  }
  return out;
}

void take(Bench& b, const Arrival& one) {
  b.metrics.add(one.labels, at(one.second), one.value);
  if (one.arrives - one.second > 120) b.late.tell(at(one.second));
}

// Runs until all that came late has been counted, with restarts in between.
void run(Bench& b, std::vector<Arrival> samples, const SloConfig& slo, int restart_every) {
  std::stable_sort(samples.begin(), samples.end(),
                   [](const Arrival& x, const Arrival& y) { return x.arrives < y.arrives; });
  std::size_t next = 0;
  for (std::int64_t minute = 0; minute <= 150; ++minute) {
    for (; next < samples.size() && samples[next].arrives <= minute * 60; ++next)
      take(b, samples[next]);
    if (restart_every > 0 && minute % restart_every == restart_every - 1) {
      (void)b.late.take_late();  // the process that knew of it has died
      b.boot({slo});
    }
    b.update(minute * 60);
  }
  REQUIRE(next == samples.size());
}

void same(const std::vector<storage::LedgerMinute>& got,
          const std::vector<storage::LedgerMinute>& wanted) {
  std::vector<storage::LedgerMinute> a = got, b = wanted;
  const auto is_nothing = [](const storage::LedgerMinute& row) { return row.valid == 0; };
  std::erase_if(a, is_nothing);
  std::erase_if(b, is_nothing);
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].minute == b[i].minute);
    CHECK(a[i].good == b[i].good);
    CHECK(a[i].valid == b[i].valid);
  }
}

}  // namespace

TEST_CASE("late samples change the minutes they belong to, as if they had come in time") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::vector<Arrival> samples = history(random);
    Bench late;
    late.boot({make_slo()});
    run(late, samples, make_slo(), seed % 2 == 0 ? 17 : 0);
    Bench oracle;
    std::vector<Arrival> in_time = samples;
    for (Arrival& one : in_time) one.arrives = one.second;
    oracle.boot({make_slo()});
    run(oracle, in_time, make_slo(), 0);
    same(late.minutes(), oracle.minutes());
  }
}

TEST_CASE("a few minutes are counted again at once, more of them every five minutes") {
  Bench b;
  b.boot({make_slo()});
  const auto add = [&](std::int64_t second, double value) {
    b.metrics.add(series("200"), at(second), value);
  };
  add(0, 100);
  for (std::int64_t minute = 1; minute <= 30; ++minute) {
    if (minute != 10 && minute != 25) add(minute * 60, 100.0 + 10.0 * static_cast<double>(minute));
    b.update(minute * 60);
  }
  CHECK(b.minute(24).valid == -1);  // in minute 25 both came at once
  CHECK(b.minute(25).valid == 20);
  add(25 * 60, 350);  // six minutes late
  b.late.tell(at(25 * 60));
  b.update(31 * 60);
  CHECK(b.minute(24).valid == 10);
  CHECK(b.minute(25).valid == 10);
  add(10 * 60, 200);  // 21 minutes late
  b.late.tell(at(10 * 60));
  b.update(32 * 60);
  CHECK(b.minute(10).valid == 20);
  b.update(36 * 60);
  CHECK(b.minute(9).valid == 10);
  CHECK(b.minute(10).valid == 10);
}

TEST_CASE("what comes later than the window is left to a rebuild") {
  Bench b;
  b.boot({make_slo()});
  b.metrics.add(series("200"), at(0), 100);
  for (std::int64_t minute = 1; minute <= 90; ++minute) {
    if (minute != 5)
      b.metrics.add(series("200"), at(minute * 60), 100 + static_cast<double>(minute));
    b.update(minute * 60);
  }
  b.metrics.add(series("200"), at(300), 105);
  b.late.tell(at(300));
  b.update(91 * 60);
  b.update(97 * 60);
  CHECK(b.minute(5).valid == 2);
  REQUIRE(b.service->rebuild("shop-availability", at(0)));
  CHECK(b.minute(5).valid == 1);
  CHECK(b.minute(4).valid == 1);
}
