// What works on doubles is compiled once for every machine and once for those that take four at a
// time; both round the same.
#include "storage/chunk/internal/column_kernels.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace nines::storage::chunk {
namespace {

// Shifts and places are known when compiling: a load, a shift and a mask a value.
template <unsigned kWidth>
void unpack(const unsigned char* bytes, std::size_t groups, std::uint64_t* out) {
  constexpr std::uint64_t kMask = (std::uint64_t{1} << kWidth) - 1;
  for (; groups > 0; --groups, bytes += kWidth, out += 8) {
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes + i * kWidth / 8, 8);
      out[i] = word >> (i * kWidth % 8) & kMask;
    }
  }
}

using Unpack = void (*)(const unsigned char*, std::size_t, std::uint64_t*);
template <std::size_t... kWidths>
constexpr std::array<Unpack, sizeof...(kWidths)> unpack_by_width(std::index_sequence<kWidths...>) {
  return {&unpack<kWidths + 1>...};
}
constexpr auto kUnpack = unpack_by_width(std::make_index_sequence<kGroupWidthMost>());

// A whole number below 2^51 on either side stands, as it is, in the lower bits of 1.5 * 2^52 plus
// it: an addition makes a double of it, where a conversion is one value at a time.
constexpr std::int64_t kShiftBits = 0x4338000000000000;
constexpr double kShift = 6755399441055744.0;
constexpr std::uint64_t kHalf = std::uint64_t{1} << 51;

enum class By { kFactor, kDivisor, kTwo };

template <By kBy>
[[gnu::always_inline]] inline double scaled(double x, double by, double again) {
  if constexpr (kBy == By::kFactor) return x * by;
  if constexpr (kBy == By::kDivisor) return x / by;
  return x / by / again;
}

template <By kBy>
[[gnu::always_inline]] inline void scale(const std::int64_t* __restrict wholes, std::size_t count,
                                         double by, double again, double* __restrict out) {
  std::uint64_t beyond = 0;
  for (std::size_t i = 0; i < count; ++i) beyond |= static_cast<std::uint64_t>(wholes[i]) + kHalf;
  if (beyond >> 52 != 0) {
    for (std::size_t i = 0; i < count; ++i)
      out[i] = scaled<kBy>(static_cast<double>(wholes[i]), by, again);
    return;
  }
  for (std::size_t i = 0; i < count; ++i)
    out[i] = scaled<kBy>(std::bit_cast<double>(wholes[i] + kShiftBits) - kShift, by, again);
}

#if defined(__x86_64__)
template <By kBy>
[[gnu::target("avx2")]] void scale_wide(const std::int64_t* wholes, std::size_t count, double by,
                                        double again, double* out) {
  scale<kBy>(wholes, count, by, again, out);
}
#endif

template <By kBy>
void scale_here(const std::int64_t* wholes, std::size_t count, double by, double again,
                double* out) {
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0;
  if (wide) return scale_wide<kBy>(wholes, count, by, again, out);
#endif
  scale<kBy>(wholes, count, by, again, out);
}

}  // namespace

void unpack_groups(const unsigned char* bytes, std::size_t groups, unsigned width,
                   std::uint64_t* out) {
  kUnpack[width - 1](bytes, groups, out);
}

void add_base(std::uint64_t* values, std::size_t count, std::uint64_t base) {
  for (std::size_t i = 0; i < count; ++i) values[i] += base;
}

void sum_up(std::uint64_t* values, std::size_t count, std::uint64_t base, std::uint64_t first) {
  std::uint64_t reached = first;
  for (std::size_t i = 0; i < count; ++i) {
    reached += values[i] + base;
    values[i] = reached;
  }
}

void multiply_wholes(const std::int64_t* wholes, std::size_t count, double factor, double* out) {
  scale_here<By::kFactor>(wholes, count, factor, 0, out);
}
void divide_wholes(const std::int64_t* wholes, std::size_t count, double by, double* out) {
  scale_here<By::kDivisor>(wholes, count, by, 0, out);
}
void divide_wholes_twice(const std::int64_t* wholes, std::size_t count, double by, double again,
                         double* out) {
  scale_here<By::kTwo>(wholes, count, by, again, out);
}

}  // namespace nines::storage::chunk
