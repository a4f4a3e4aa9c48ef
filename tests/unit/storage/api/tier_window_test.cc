// Samples folded into the windows of a tier.
#include "storage/api/tier_window.h"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "tests/support/sim_clock.h"

namespace nines::storage {
namespace {

constexpr std::int64_t kStep = 300'000;

std::vector<TierWindow> folded(const SampleColumns& samples, std::int64_t step = kStep) {
  std::vector<TierWindow> out;
  fold_samples(samples, step, out);
  return out;
}

SampleColumns columns(std::vector<std::int64_t> times, std::vector<double> values) {
  SampleColumns out;
  out.times = std::move(times);
  out.values = std::move(values);
  return out;
}

SampleColumns part(const SampleColumns& all, std::size_t from, std::size_t to) {
  SampleColumns out;
  for (std::size_t i = from; i < to; ++i) {
    out.times.push_back(all.times[i]);
    out.values.push_back(all.values[i]);
    if (!all.start_times.empty()) out.start_times.push_back(all.start_times[i]);
  }
  return out;
}

TEST_CASE("a window is open on the left and closed on the right") {
  CHECK(window_end(0, kStep) == 0);
  CHECK(window_end(1, kStep) == kStep);
  CHECK(window_end(kStep, kStep) == kStep);
  CHECK(window_end(kStep + 1, kStep) == 2 * kStep);
  CHECK(window_end(-1, kStep) == 0);
  CHECK(window_end(-kStep, kStep) == -kStep);
  const auto windows = folded(columns({kStep, kStep + 1, 2 * kStep}, {1, 2, 3}));
  REQUIRE(windows.size() == 2);
  CHECK(windows[0].count == 1);
  CHECK(windows[1].count == 2);
  CHECK(windows[1].end == 2 * kStep);
}

TEST_CASE("a window says what its samples were") {
  const auto windows = folded(columns({10, 20, 30, 40}, {4, 1, 6, 2}));
  REQUIRE(windows.size() == 1);
  const TierWindow& w = windows[0];
  CHECK(w.count == 4);
  CHECK(w.sum == 13);
  CHECK(w.min == 1);
  CHECK(w.max == 6);
  CHECK(w.first == 4);
  CHECK(w.last == 2);
  CHECK(w.first_time == 10);
  CHECK(w.last_time == 40);
  CHECK(w.resets == 2);
  CHECK(w.correction == 10);  // 4 before the first reset, 6 before the second
  CHECK(w.increase() == 1 + 5 + 2);
}

TEST_CASE("staleness markers end a window and are no samples") {
  auto windows = folded(columns({10, 20}, {4, stale_nan()}));
  REQUIRE(windows.size() == 1);
  CHECK(windows[0].count == 1);
  CHECK(windows[0].ended);
  windows = folded(columns({10, 20, 30}, {4, stale_nan(), 5}));
  CHECK(windows[0].count == 2);
  CHECK_FALSE(windows[0].ended);
  windows = folded(columns({10}, {stale_nan()}));
  REQUIRE(windows.size() == 1);
  CHECK(windows[0].count == 0);
  CHECK(windows[0].ended);
}

TEST_CASE("of native histograms a window says only that they were there") {
  SampleColumns samples = columns({10, 20, 30}, {4, 0, 5});
  samples.histograms = {nullptr, std::make_shared<Histogram>(), nullptr};
  const auto windows = folded(samples);
  REQUIRE(windows.size() == 1);
  CHECK(windows[0].histograms);
  CHECK(windows[0].count == 2);
  CHECK(windows[0].sum == 9);
}

TEST_CASE("NaN is a value: it counts, sums are NaN, least and most look past it") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto windows = folded(columns({10, 20, 30}, {nan, 2, 1}));
  CHECK(windows[0].count == 3);
  CHECK(std::isnan(windows[0].sum));
  CHECK(std::isnan(windows[0].first));
  CHECK(windows[0].min == 1);
  CHECK(windows[0].max == 2);
  CHECK(std::isnan(folded(columns({10, 20}, {nan, nan}))[0].max));
}

TEST_CASE("a known start after the sample before is a reset, whatever the values") {
  SampleColumns samples = columns({1000, 2000, 3000}, {5, 7, 9});
  samples.start_times = {500, 500, 2500};
  const auto windows = folded(samples);
  CHECK(windows[0].resets == 1);
  CHECK(windows[0].correction == 7);
  CHECK(windows[0].first_start == 500);
  CHECK(windows[0].last_start == 2500);
}

TEST_CASE("sums are compensated") {
  const auto windows = folded(columns({1, 2, 3}, {1e100, 1, -1e100}));
  CHECK(windows[0].sum == 1);
  CHECK(folded(columns({1, 2}, {1e308, 1e308}))[0].sum == std::numeric_limits<double>::infinity());
}

// However a series is cut, its pieces make the windows of the whole.
TEST_CASE("windows merged from pieces are those of the whole") {
  testing::SeededRng dice(11);
  for (int round = 0; round < 2000; ++round) {
    CAPTURE(round);
    const bool whole_numbers = round % 2 == 0;
    SampleColumns all;
    std::int64_t t = static_cast<std::int64_t>(dice.below(kStep));
    double most = 0;
    double v = 0;
    const std::size_t n = 2 + dice.below(60);
    for (std::size_t i = 0; i < n; ++i) {
      t += 1 + static_cast<std::int64_t>(dice.below(60'000));
      v = dice.below(6) == 0 ? 0
                             : v + static_cast<double>(dice.below(1000)) / (whole_numbers ? 1 : 7);
      all.times.push_back(t);
      all.values.push_back(dice.below(12) == 0 ? stale_nan() : v);
      most += v;
      if (round % 5 == 0)
        all.start_times.push_back(
            dice.below(3) == 0 ? 0 : t - static_cast<std::int64_t>(dice.below(90'000)));
    }
    const auto whole = folded(all);
    std::vector<TierWindow> pieces;
    for (std::size_t at = 0; at < n;) {
      const std::size_t next = std::min(n, at + 1 + dice.below(10));
      for (const TierWindow& w : folded(part(all, at, next))) pieces.push_back(w);
      at = next;
    }
    fold_windows(kStep, pieces);
    REQUIRE(pieces.size() == whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
      TierWindow piece = pieces[i];
      if (!whole_numbers) {  // one rounding a piece
        CHECK(std::fabs(piece.sum - whole[i].sum) <= 1e-14 * most);
        CHECK(std::fabs(piece.correction - whole[i].correction) <= 1e-14 * most);
        piece.sum = whole[i].sum;
        piece.correction = whole[i].correction;
      }
      CHECK(piece == whole[i]);
    }
  }
}

TEST_CASE("a fold goes on where its last window ends") {
  std::vector<TierWindow> out = folded(columns({10, 20}, {1, 2}));
  fold_samples(columns({30, kStep + 1}, {4, 8}), kStep, out);
  REQUIRE(out.size() == 2);
  CHECK(out[0] == folded(columns({10, 20, 30}, {1, 2, 4}))[0]);
}

TEST_CASE("hours folded from five minutes are those folded from samples") {
  SampleColumns all;
  for (int i = 0; i < 2000; ++i) {
    all.times.push_back(1'700'000'000'000 + 15'000 * i + i % 7);
    all.values.push_back(i % 300 * 3);
  }
  std::vector<TierWindow> hours = folded(all);
  fold_windows(tier_step(Tier::k1h), hours);
  const auto whole = folded(all, tier_step(Tier::k1h));
  REQUIRE(hours.size() == whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) CHECK(hours[i] == whole[i]);
}

}  // namespace
}  // namespace nines::storage
