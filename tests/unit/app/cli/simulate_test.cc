// `nines slo simulate` against counting minute by minute.
#include "app/cli/internal/simulate.h"

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

namespace nines::app {
namespace {

constexpr Duration kMinute{60'000};
constexpr Duration kHour{3'600'000};
constexpr Duration kDay{86'400'000};

Judged judged(std::vector<slo::BurnWindow> rows, double target = 99.9) {
  Judged out;
  out.target_percent = target;
  out.rows = std::move(rows);
  return out;
}

// One unit after the other, 1,000 events in each; `bad_in` of the unit with this index.
struct Oracle {
  double target;
  std::vector<double> bad;  // share of each unit, from the outage's beginning

  bool burns(std::size_t end, std::int64_t window, double rate) const {
    double sum = 0;
    for (std::int64_t i = 0; i < window && i < static_cast<std::int64_t>(end); ++i)
      sum += bad[end - 1 - static_cast<std::size_t>(i)];
    return sum / static_cast<double>(window) > rate * slo::budget_ratio(target) * (1 + 1e-12);
  }
  bool fires(std::size_t end, const slo::BurnWindow& row, Duration unit) const {
    return burns(end, row.long_window / unit, row.burn_rate) &&
           burns(end, row.short_window / unit, row.burn_rate);
  }
};

void same_as_counting(const Judged& slo, double errors, std::int64_t lasts, double bad_share) {
  const Duration unit = slo.budgeting == slo::Budgeting::kOccurrences ? kMinute : slo.slice_window;
  Oracle oracle{slo.target_percent,
                std::vector<double>(static_cast<std::size_t>(lasts), bad_share)};
  oracle.bad.resize(oracle.bad.size() + 6'000, 0);
  const Simulated result = simulate(slo, {errors, lasts * unit});
  REQUIRE(result.rows.size() == slo.rows.size());
  for (const RowOutcome& one : result.rows) {
    CAPTURE(one.row.burn_rate);
    CAPTURE(errors);
    CAPTURE(lasts);
    std::size_t first = 1;
    while (first <= static_cast<std::size_t>(lasts) && !oracle.fires(first, one.row, unit)) ++first;
    if (first > static_cast<std::size_t>(lasts)) {
      CHECK_FALSE(one.fires_after);
      CHECK_FALSE(one.over_after);
      continue;
    }
    REQUIRE(one.fires_after);
    CHECK(*one.fires_after == static_cast<std::int64_t>(first) * unit);
    std::size_t over = static_cast<std::size_t>(lasts);
    while (oracle.fires(over, one.row, unit)) ++over;
    REQUIRE(one.over_after);
    CHECK(*one.over_after ==
          static_cast<std::int64_t>(over - static_cast<std::size_t>(lasts)) * unit);
  }
}

}  // namespace

TEST_CASE("an outage is judged as counting its minutes would judge it") {
  for (const double errors : {0.05, 0.1, 0.3, 0.6, 1.0, 1.44, 1.5, 10.0, 100.0}) {
    for (const std::int64_t lasts : {1, 4, 9, 60, 61, 500})
      same_as_counting(judged(slo::google_30d()), errors, lasts, errors / 100);
  }
  same_as_counting(judged({{2 * kHour, 10 * kMinute, 3.5, "sev1"}}, 95), 30, 90, 0.3);
  same_as_counting(judged(slo::pyrra(7 * kDay), 99), 20, 45, 0.2);
}

TEST_CASE("time slices are judged whole: bad or good, or by their share") {
  Judged slices = judged({{kHour, 5 * kMinute, 2, "page"}}, 90);
  slices.budgeting = slo::Budgeting::kTimeslices;
  slices.slice_target = 0.95;
  slices.slice_window = 5 * kMinute;
  same_as_counting(slices, 6, 30, 1);
  // Five in a hundred may fail in a good slice.
  CHECK(simulate(slices, {5, kHour}).burn_rate == 0);
  CHECK_FALSE(simulate(slices, {5, kHour}).rows[0].fires_after);
  slices.budgeting = slo::Budgeting::kRatioTimeslices;
  same_as_counting(slices, 30, 40, 0.3);
}

TEST_CASE("the budget is gone when nothing is left of it") {
  const Judged slo = judged(slo::google_30d());
  // 43,200 minutes of which 0.1 % may be bad: 43.2 of a full outage, 86.4 of half a one.
  CHECK(simulate(slo, {100}).gone_after == 44 * kMinute);
  CHECK(simulate(slo, {50}).gone_after == 87 * kMinute);
  CHECK_FALSE(simulate(slo, {100, 43 * kMinute}).gone_after);
  CHECK(simulate(slo, {0.1}).gone_after == 30 * kDay);
  CHECK_FALSE(simulate(slo, {0.09}).gone_after);
  CHECK(simulate(slo, {100, 432 * kMinute}).spent == doctest::Approx(10));
  CHECK(simulate(slo, {100}).rows[0].spent == doctest::Approx(1 / 43.2));
}

TEST_CASE("an SLO judges by its own rows, target and window, read here or told by a server") {
  slo::SloConfig config;
  config.target_percent = 95;
  config.window = 7 * kDay;
  config.alerting = {{2 * kHour, 10 * kMinute, 4, "sev1"}};
  const Judged read = judged_of(config);
  const Judged told = judged_of(*Json::parse(
      R"({"target_percent":95,"window_seconds":604800,"budgeting_method":"Occurrences","alerting":[
          {"long_seconds":7200,"short_seconds":600,"burn_rate":4,"severity":"sev1"}]})"));
  for (const Judged& one : {read, told}) {
    const Simulated result = simulate(one, {50, kHour});
    REQUIRE(result.rows.size() == 1);
    CHECK(result.rows[0].row.severity == "sev1");
    CHECK(result.burn_rate == doctest::Approx(10));
    CHECK(result.rows[0].fires_after == 49 * kMinute);  // 4 of 10 times 120 minutes, and one more
    CHECK(result.spent == doctest::Approx(60 * 10 / (7 * 1'440.0)));
  }
  const Judged sliced = judged_of(*Json::parse(
      R"({"target_percent":99,"window_seconds":3600,"budgeting_method":"Timeslices",
          "time_slice_target":0.9,"time_slice_seconds":300,"alerting":[]})"));
  CHECK(sliced.budgeting == slo::Budgeting::kTimeslices);
  CHECK(sliced.slice_target == 0.9);
  CHECK(sliced.slice_window == 5 * kMinute);
}

}  // namespace nines::app
