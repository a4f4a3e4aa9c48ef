// Queries over time of which only the windows of a tier are left, beside the same queries over all
// samples.
#include <bit>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "rules/promql/engine.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/sim_clock.h"

namespace nines::promql {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kStart = 1'700'006'400'000;  // midnight
static_assert(kStart % kDay == 0);

// Three days of a counter with resets, a gauge, a series that ends and comes again, one whose
// samples say when they began, and one of native histograms.
void fill(testing::MemoryMetrics& store) {
  testing::SeededRng dice(3);
  double counter = 0;
  for (std::int64_t i = 0; i < 3 * kDay / kMinute; ++i) {
    const std::int64_t t = kStart + i * kMinute + static_cast<std::int64_t>(dice.below(900));
    const auto add = [&](const char* name, double v) {
      store.add(LabelSet::from({{"__name__", name}, {"n", name}}), from_millis(t), v);
    };
    counter = dice.below(500) == 0 ? 0.5 : counter + static_cast<double>(dice.below(100)) / 10;
    add("counter_total", counter);
    add("gauge", std::sin(static_cast<double>(i) / 50) * 100 - 20);
    const std::int64_t phase = i % 700;
    if (phase < 400) add("comes_and_goes", phase == 399 ? stale_nan() : static_cast<double>(i));
    if (i % 40 == 0) add("rare", static_cast<double>(i % 1000));
    if (i > 4000) add("young", 7);
  }
}

struct Both {
  testing::MemoryMetrics whole, dropped;
  testing::SimClock clock{from_millis(kStart + 3 * kDay)};
  Engine on_whole{whole, clock, {}};
  Engine on_dropped{dropped, clock, {}};

  explicit Both(std::int64_t until = kStart + 2 * kDay + 3 * kHour + 7 * kMinute) {
    fill(whole);
    fill(dropped);
    storage::Retention kept;
    kept.dropped_until = from_millis(until);
    kept.tier_from = {from_millis(kStart), from_millis(kStart)};
    dropped.drop(kept);
  }
  void only_1h() {
    storage::Retention kept = dropped.retention();
    kept.tier_from[0] = *kept.dropped_until - std::chrono::hours(1);
    dropped.drop(kept);
  }
};

QueryResult range(const Engine& engine, const std::string& text, std::int64_t from, std::int64_t to,
                  std::int64_t step) {
  const auto query = Query::parse(text);
  REQUIRE_MESSAGE(query, query.error().what());
  auto result = engine.range(*query, from_millis(from), from_millis(to), Duration(step));
  REQUIRE_MESSAGE(result, result.error().what());
  return *std::move(result);
}
QueryResult instant(const Engine& engine, const std::string& text, std::int64_t at) {
  const auto query = Query::parse(text);
  REQUIRE_MESSAGE(query, query.error().what());
  auto result = engine.instant(*query, from_millis(at));
  REQUIRE_MESSAGE(result, result.error().what());
  return *std::move(result);
}

bool has(const std::vector<std::string>& texts, const std::string& part) {
  for (const std::string& text : texts) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

void check_same(const Matrix& a, const Matrix& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].labels == b[i].labels);
    REQUIRE(a[i].samples.times == b[i].samples.times);
    for (std::size_t s = 0; s < a[i].samples.size(); ++s) {
      const double x = a[i].samples.values[s];
      const double y = b[i].samples.values[s];
      CAPTURE(a[i].samples.times[s]);
      if (tolerance == 0) {
        CHECK(std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y));
      } else {
        CHECK(std::fabs(x - y) <= tolerance * std::max(1.0, std::fabs(x)));
      }
    }
  }
}

const std::string kAll = "{__name__=~\".+\"}";

TEST_CASE("steps at multiples of the tier's step give what single samples gave") {
  for (const bool hours : {false, true}) {
    Both both;
    if (hours) both.only_1h();
    const std::string tier = hours ? "from the 1h tier until" : "from the 5m tier until";
    for (const char* length : {"5m", "1h", "6h", "2d"}) {
      if (hours && std::string(length) == "5m") continue;
      for (const char* f : {"count", "min", "max", "first", "last", "present", "sum", "avg"}) {
        const std::string text = std::string(f) + "_over_time(" + kAll + "[" + length + "])";
        CAPTURE(text);
        const auto a = range(both.on_whole, text, kStart, kStart + 3 * kDay, kHour);
        const auto b = range(both.on_dropped, text, kStart, kStart + 3 * kDay, kHour);
        const bool sums = f[0] == 's' || f[0] == 'a';
        check_same(std::get<Matrix>(a.value), std::get<Matrix>(b.value), sums ? 1e-12 : 0);
        CHECK(has(b.infos, tier));
        CHECK(b.warnings.empty());
        CHECK(a.infos.empty());
      }
      for (const char* f : {"rate", "increase", "delta", "resets", "absent_over_time",
                            "ts_of_first_over_time", "ts_of_last_over_time"}) {
        const std::string text = std::string(f) + "(counter_total[" + length + "])";
        CAPTURE(text);
        const auto a = range(both.on_whole, text, kStart, kStart + 3 * kDay, kHour);
        const auto b = range(both.on_dropped, text, kStart, kStart + 3 * kDay, kHour);
        const bool exact = f[0] == 'd' || f[0] == 't' || f[0] == 'a' || text.find("resets") == 0;
        check_same(std::get<Matrix>(a.value), std::get<Matrix>(b.value), exact ? 0 : 1e-12);
      }
    }
  }
}

TEST_CASE("at five-minute steps, with an offset, in a subquery and below an aggregation too") {
  Both both;
  const std::int64_t end = kStart + 3 * kDay;
  for (const char* text :
       {"rate(counter_total[10m])", "sum(increase(counter_total[15m] offset 20m))",
        "max_over_time(rate(counter_total[30m])[6h:30m])", "avg_over_time(gauge[5m]) > 10",
        "max_over_time(gauge[1h] @ 1700060400)", "count_over_time(rare[20m])",
        "gauge - gauge offset 1h", "absent_over_time(rare[30m])", "absent(comes_and_goes)",
        "timestamp(comes_and_goes)"}) {
    CAPTURE(text);
    const auto a = range(both.on_whole, text, kStart + kDay, end, 5 * kMinute);
    const auto b = range(both.on_dropped, text, kStart + kDay, end, 5 * kMinute);
    check_same(std::get<Matrix>(a.value), std::get<Matrix>(b.value), 1e-12);
    CHECK(has(b.infos, "from the 5m tier until"));
    CHECK(b.warnings.empty());
  }
}

TEST_CASE("instant selectors see the last sample of a window, and where a series ended") {
  for (const bool hours : {false, true}) {
    Both both;
    if (hours) both.only_1h();
    const std::int64_t step = hours ? kHour : 5 * kMinute;
    const auto a = range(both.on_whole, kAll, kStart, kStart + 3 * kDay, step);
    const auto b = range(both.on_dropped, kAll, kStart, kStart + 3 * kDay, step);
    check_same(std::get<Matrix>(a.value), std::get<Matrix>(b.value), 0);
    CHECK(has(b.infos, hours ? "from the 1h tier until" : "from the 5m tier until"));
  }
}

TEST_CASE("instants between the ends of windows are answered as of the end before") {
  Both both;
  for (const char* text : {"gauge", "rate(counter_total[1h])", "sum_over_time(gauge[2h])",
                           "comes_and_goes", "count_over_time(rare[1h])"}) {
    for (std::int64_t i = 0; i < 50; ++i) {
      const std::int64_t at = kStart + kDay + i * 61 * 7'001;
      const std::int64_t moved = at / (5 * kMinute) * 5 * kMinute;
      const auto a = instant(both.on_whole, text, moved);
      const auto b = instant(both.on_dropped, text, at);
      const auto& x = std::get<Vector>(a.value);
      const auto& y = std::get<Vector>(b.value);
      REQUIRE(x.size() == y.size());
      if (!x.empty()) CHECK(x[0].value == doctest::Approx(y[0].value).epsilon(1e-12));
    }
  }
}

TEST_CASE("a range over the seam counts everything once, and ends where it was asked to") {
  Both both;
  const std::int64_t begin = kStart + 2 * kDay;  // dropped until three hours later
  for (std::int64_t at = begin + 4 * kHour; at < begin + 9 * kHour; at += 17 * kMinute + 13'000) {
    const std::int64_t length = (at - begin) / (5 * kMinute) * (5 * kMinute);
    // It begins in the tier: its first edge is moved.
    const std::int64_t from = (at - length) / (5 * kMinute) * (5 * kMinute);
    const std::string text = "count_over_time(gauge[" + std::to_string(length) + "ms])";
    const std::string same = "count_over_time(gauge[" + std::to_string(at - from) + "ms])";
    const auto a = instant(both.on_whole, same, at);
    const auto b = instant(both.on_dropped, text, at);
    CHECK(std::get<Vector>(a.value).at(0).value == std::get<Vector>(b.value).at(0).value);
  }
}

TEST_CASE("what is held sample by sample is answered from samples, without a word") {
  Both both;
  const std::int64_t from = kStart + 2 * kDay + 5 * kHour;
  for (const char* text : {"rate(counter_total[7m])", "quantile_over_time(0.9, gauge[17m])",
                           "gauge", "changes(gauge[1h])"}) {
    const auto a = range(both.on_whole, text, from, kStart + 3 * kDay, 15'000);
    const auto b = range(both.on_dropped, text, from, kStart + 3 * kDay, 15'000);
    check_same(std::get<Matrix>(a.value), std::get<Matrix>(b.value), 0);
    CHECK(b.infos.empty());
    CHECK(b.warnings.empty());
  }
}

TEST_CASE("what windows do not know is not answered from them, and the answer says so") {
  Both both;
  const std::int64_t end = kStart + 3 * kDay;
  const auto warning = [&](const std::string& text, std::int64_t step) {
    const auto r = range(both.on_dropped, text, kStart, end, step);
    CHECK(r.infos.empty());
    REQUIRE(r.warnings.size() == 1);
    return r.warnings[0];
  };
  const std::string since = "single samples until 2023-11-17T03:07:00Z were dropped";
  for (const char* f : {"quantile_over_time(0.9, gauge[1h])", "stddev_over_time(gauge[1h])",
                        "predict_linear(gauge[1h], 60)", "deriv(gauge[1h])", "changes(gauge[1h])",
                        "irate(counter_total[1h])", "rate(counter_total[1h] smoothed)"}) {
    const std::string said = warning(f, kHour);
    CHECK(said.find(since) != std::string::npos);
    CHECK(said.find("are kept in tiers") != std::string::npos);
  }
  CHECK(warning("quantile_over_time(0.9, gauge[1h])", kHour).find("quantile_over_time needs") !=
        std::string::npos);
  // The range, then the step, is finer than windows.
  CHECK(warning("rate(counter_total[7m])", kHour)
            .find("the 5m tier (from 2023-11-15T00:00:00Z) answers ranges of multiples of 5m") !=
        std::string::npos);
  CHECK(warning("rate(counter_total[1h])", kMinute).find("at steps of 1h or more") !=
        std::string::npos);
  CHECK(warning("gauge", kMinute).find("a selector at such steps") != std::string::npos);
  const auto matrix = instant(both.on_dropped, "gauge[1d]", kStart + 2 * kDay);
  CHECK(has(matrix.warnings, "a range of samples needs them"));
}

TEST_CASE("the finer tier is taken, unless only the coarser one reaches back") {
  Both both;
  storage::Retention kept = both.dropped.retention();
  kept.tier_from[0] = from_millis(kStart + 2 * kDay);
  both.dropped.drop(kept);
  const std::int64_t end = kStart + 3 * kDay;
  auto r =
      range(both.on_dropped, "rate(counter_total[1h])", kStart + 2 * kDay + 2 * kHour, end, kHour);
  CHECK(has(r.infos, "from the 5m tier"));
  r = range(both.on_dropped, "rate(counter_total[1h])", kStart + kDay, end, kHour);
  CHECK(has(r.infos, "from the 1h tier"));
  // Only the finer one can answer, as far as it reaches.
  r = range(both.on_dropped, "rate(counter_total[30m])", kStart + kDay, end, kHour);
  CHECK(has(r.infos, "from the 5m tier"));
}

TEST_CASE("spans with native histograms are not answered, and are named") {
  Both both;
  Histogram h;
  h.count = 3;
  h.sum = 4;
  const std::int64_t at = kStart + kDay + 30 * kMinute + 1;
  both.dropped.add(LabelSet::from({{"__name__", "gauge"}, {"n", "gauge"}}), from_millis(at), h);
  const auto r = range(both.on_dropped, "sum_over_time(gauge[1h])", kStart + kDay,
                       kStart + kDay + 6 * kHour, kHour);
  CHECK(has(r.infos, "no native histograms are kept in the 5m tier"));
  CHECK(std::get<Matrix>(r.value).at(0).samples.size() == 6);  // one of seven is missing
}

TEST_CASE("a store that dropped nothing, or keeps no tiers, has nothing to say") {
  Both both;
  both.dropped.drop({});
  auto r =
      range(both.on_dropped, "quantile_over_time(0.9, gauge[1h])", kStart, kStart + kDay, kMinute);
  CHECK(r.warnings.empty());
  storage::Retention kept;
  kept.dropped_until = from_millis(kStart + kDay);
  both.dropped.drop(kept);
  r = range(both.on_dropped, "rate(counter_total[1h])", kStart, kStart + kDay, kMinute);
  CHECK(r.warnings.empty());
  CHECK(r.infos.empty());
}

}  // namespace
}  // namespace nines::promql
