// Loops over columns, compiled once for every machine and once for those that take four doubles at
// a time; both round the same. Questions are asked of a piece at a time, so that they end early.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/model/sample.h"
#include "rules/promql/internal/columns.h"
#include "rules/promql/internal/kahan.h"
#include "rules/promql/internal/sum_kernel.h"

namespace nines::promql {
namespace {

constexpr std::size_t kPiece = 256;

[[gnu::always_inline]] inline bool stale_in(const double* values, std::size_t count) {
  std::uint64_t found = 0;
  for (std::size_t i = 0; i < count; ++i)
    found |= std::bit_cast<std::uint64_t>(values[i]) == kStaleNanBits ? 1U : 0U;
  return found != 0;
}

[[gnu::always_inline]] inline bool decrease_in(const double* values, std::size_t count) {
  std::uint64_t found = 0;
  for (std::size_t i = 1; i < count; ++i) found |= values[i] < values[i - 1] ? 1U : 0U;
  return found != 0;
}

// As kahan_add(), without a branch.
[[gnu::always_inline]] inline void add_in(const double* __restrict row, std::size_t count,
                                          double* __restrict sums, double* __restrict errors) {
  for (std::size_t i = 0; i < count; ++i) {
    const double value = row[i], sum = sums[i], error = errors[i];
    const double next = sum + value;
    const bool sum_larger = std::fabs(sum) >= std::fabs(value);
    const double larger = sum_larger ? sum : value;
    const double smaller = sum_larger ? value : sum;
    const double lost = error + ((larger - next) + smaller);
    const bool infinite = std::fabs(next) == std::numeric_limits<double>::infinity();
    const bool absent = std::bit_cast<std::uint64_t>(value) == kStaleNanBits;
    sums[i] = absent ? sum : next;
    errors[i] = absent ? error : infinite ? 0.0 : lost;
  }
}

// The error of an addition is a double of its own, so that it may be found either way: this one
// (D. Knuth, The Art of Computer Programming 2, 4.2.2) does not ask which number is the larger.
[[gnu::always_inline]] inline void sum_in(const double* values, FourWindows& w) {
  using Four [[gnu::vector_size(4 * sizeof(double))]] = double;
  std::size_t shared = SIZE_MAX;
  for (std::size_t k = 0; k < kWindowsAtOnce; ++k) shared = std::min(shared, w.end[k] - w.begin[k]);
  const double* const a = values + w.begin[0];
  const double* const b = values + w.begin[1];
  const double* const c = values + w.begin[2];
  const double* const d = values + w.begin[3];
  Four sum = {0, 0, 0, 0}, error = {0, 0, 0, 0};
  for (std::size_t i = 0; i < shared; ++i) {
    const Four value = {a[i], b[i], c[i], d[i]};
    const Four next = sum + value;
    const Four added = next - sum;
    error += (sum - (next - added)) + (value - added);
    sum = next;
  }
  for (std::size_t k = 0; k < kWindowsAtOnce; ++k) {
    w.sums[k] = sum[k];
    w.errors[k] = error[k];
    for (std::size_t i = w.begin[k] + shared; i < w.end[k]; ++i)
      kahan_add(values[i], w.sums[k], w.errors[k]);
  }
}

#if defined(__x86_64__)
bool wide() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}
[[gnu::target("avx2")]] bool stale_in_wide(const double* values, std::size_t count) {
  return stale_in(values, count);
}
[[gnu::target("avx2")]] bool decrease_in_wide(const double* values, std::size_t count) {
  return decrease_in(values, count);
}
[[gnu::target("avx2")]] void add_in_wide(const double* row, std::size_t count, double* sums,
                                         double* errors) {
  add_in(row, count, sums, errors);
}
[[gnu::target("avx2")]] void sum_in_wide(const double* values, FourWindows& windows) {
  sum_in(values, windows);
}
#else
bool wide() {
  return false;
}
constexpr auto stale_in_wide = stale_in;
constexpr auto decrease_in_wide = decrease_in;
constexpr auto add_in_wide = add_in;
constexpr auto sum_in_wide = sum_in;
#endif

}  // namespace

bool any_stale(const double* values, std::size_t count) {
  const auto look = wide() ? &stale_in_wide : &stale_in;
  for (std::size_t at = 0; at < count; at += kPiece) {
    if (look(values + at, std::min(kPiece, count - at))) return true;
  }
  return false;
}

bool any_decrease(const double* values, std::size_t count) {
  const auto look = wide() ? &decrease_in_wide : &decrease_in;
  for (std::size_t at = 0; at + 1 < count; at += kPiece) {
    if (look(values + at, std::min(kPiece + 1, count - at))) return true;
  }
  return false;
}

void add_row(const double* row, std::size_t count, double* sums, double* errors) {
  (wide() ? &add_in_wide : &add_in)(row, count, sums, errors);
}

void sum_windows(const double* values, FourWindows& windows) {
  (wide() ? &sum_in_wide : &sum_in)(values, windows);
}

}  // namespace nines::promql
