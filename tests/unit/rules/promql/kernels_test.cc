// Loops over columns against the plain words they stand for.
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "rules/promql/internal/columns.h"
#include "rules/promql/internal/kahan.h"
#include "rules/promql/internal/sum_kernel.h"
#include "rules/promql/internal/values.h"

namespace nines::promql {
namespace {

const std::vector<std::size_t> kLengths{0,   1,   2,   3,   4,   5,   7,   8,
                                        255, 256, 257, 258, 511, 512, 513, 1000};

TEST_CASE("a staleness marker is found wherever it is; other NaNs are none") {
  for (const std::size_t length : kLengths) {
    std::vector<double> values(length, std::bit_cast<double>(kNormalNanBits));
    CHECK_FALSE(any_stale(values.data(), length));
    for (std::size_t i = 0; i < length; ++i) {
      const double kept = std::exchange(values[i], stale_nan());
      REQUIRE(any_stale(values.data(), length));
      values[i] = kept;
    }
  }
}

TEST_CASE("a decrease is found wherever it is; equal values and NaN are none") {
  for (const std::size_t length : kLengths) {
    std::vector<double> values(length);
    for (std::size_t i = 0; i < length; ++i) values[i] = static_cast<double>(i / 2);
    CHECK_FALSE(any_decrease(values.data(), length));
    for (std::size_t i = 1; i < length; ++i) {
      const double kept = std::exchange(values[i], values[i - 1] - 0.5);
      REQUIRE(any_decrease(values.data(), length));
      values[i] = std::bit_cast<double>(kNormalNanBits);
      REQUIRE_FALSE(any_decrease(values.data(), length));
      values[i] = kept;
    }
  }
}

TEST_CASE("rows are summed up as kahan_add() does, bit by bit") {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  std::mt19937_64 random(3);
  for (const std::size_t length : kLengths) {
    std::vector<double> sums(length), errors(length), want_sums(length), want_errors(length);
    for (int round = 0; round < 40; ++round) {
      std::vector<double> row(length);
      for (double& v : row) {
        const auto kind = random() % 40;
        v = std::ldexp(static_cast<double>(random() % 1'000'000'007) - 5e8,
                       static_cast<int>(random() % 200) - 100);
        if (kind == 0) v = absent();
        if (kind == 1) v = -0.0;
        if (round > 30 && kind == 2) v = kInf;
        if (round > 35 && kind == 3) v = -kInf;
        if (round > 35 && kind == 4) v = std::bit_cast<double>(kNormalNanBits);
      }
      add_row(row.data(), length, sums.data(), errors.data());
      for (std::size_t i = 0; i < length; ++i) {
        if (!is_absent(row[i])) kahan_add(row[i], want_sums[i], want_errors[i]);
        const auto same = [](double a, double b) {
          return (std::isnan(a) && std::isnan(b)) ||
                 std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
        };
        REQUIRE(same(sums[i], want_sums[i]));
        REQUIRE(same(errors[i], want_errors[i]));
      }
    }
  }
}

TEST_CASE("four windows are summed up as kahan_add() does, bit by bit") {
  std::mt19937_64 random(4);
  std::vector<double> values(300);
  for (double& v : values)
    v = std::ldexp(static_cast<double>(random() % 1'000'000'007) - 5e8,
                   static_cast<int>(random() % 200) - 100);
  values[17] = -0.0;
  for (int round = 0; round < 2000; ++round) {
    FourWindows four{};
    for (std::size_t k = 0; k < kWindowsAtOnce; ++k) {
      four.begin[k] = random() % values.size();
      four.end[k] = four.begin[k] + random() % (values.size() - four.begin[k] + 1);
    }
    if (round % 10 == 0) four.end[1] = four.begin[1];
    sum_windows(values.data(), four);
    for (std::size_t k = 0; k < kWindowsAtOnce; ++k) {
      double sum = 0, error = 0;
      for (std::size_t i = four.begin[k]; i < four.end[k]; ++i) kahan_add(values[i], sum, error);
      REQUIRE(std::bit_cast<std::uint64_t>(four.sums[k]) == std::bit_cast<std::uint64_t>(sum));
      REQUIRE(four.errors[k] == error);
    }
  }
}

}  // namespace
}  // namespace nines::promql
