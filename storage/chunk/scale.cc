// Doubles as whole numbers of decimal places, where that is exact.

#include <array>
#include <bit>
#include <cmath>

#include "storage/chunk/column.h"
#include "storage/chunk/internal/column_kernels.h"

namespace nines::storage::chunk {
namespace {

constexpr double kExactMax = 9007199254740992.0;  // 2^53
constexpr std::uint8_t kExponentMax = 15;

constexpr std::array<double, 16> kPower = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                           1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr std::array<double, 16> kInverse = {1e0,  1e-1, 1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7,
                                             1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15};

// To the nearest whole number, ties to even: what std::nearbyint() does, without the call where
// adding and taking away 1.5 * 2^52 does it.
double nearest(double x) {
  constexpr double kShift = 6755399441055744.0;
  if (std::fabs(x) < 2251799813685248.0) return (x + kShift) - kShift;
  return std::nearbyint(x);
}

}  // namespace

bool Scale::unpack(std::uint8_t byte, Scale& out) {
  if (byte >> 4 > 2) return false;
  out.decoder = static_cast<Decoder>(byte >> 4);
  out.exponent = byte & 0x0FU;
  return out.decoder != Decoder::kDivideTwice || out.exponent >= 3;
}

double Scale::value(std::int64_t whole) const {
  const auto x = static_cast<double>(whole);
  switch (decoder) {
    case Decoder::kMultiply:
      return x * kInverse[exponent];
    case Decoder::kDivideTwice:
      return (x / 1000.0) / kPower[exponent - 3U];
    case Decoder::kDivide:
      break;
  }
  return x / kPower[exponent];
}

void Scale::values(const std::int64_t* wholes, std::size_t count, double* out) const {
  switch (decoder) {
    case Decoder::kMultiply:
      return multiply_wholes(wholes, count, kInverse[exponent], out);
    case Decoder::kDivideTwice:
      return divide_wholes_twice(wholes, count, 1000.0, kPower[exponent - 3U], out);
    case Decoder::kDivide:
      break;
  }
  if (exponent == 0) return multiply_wholes(wholes, count, 1, out);
  divide_wholes(wholes, count, kPower[exponent], out);
}

bool Scale::whole(double v, std::int64_t& out) const {
  const double x = nearest(v * kPower[exponent]);
  if (!(std::fabs(x) < kExactMax)) return false;  // NaN and infinities too
  out = static_cast<std::int64_t>(x);
  return std::bit_cast<std::uint64_t>(value(out)) == std::bit_cast<std::uint64_t>(v);
}

bool find_scale(std::span<const double> values, Scale& out) {
  const auto fits = [&](const Scale& scale) {
    std::int64_t ignored = 0;
    for (const double v : values) {
      if (!scale.whole(v, ignored)) return false;
    }
    out = scale;
    return true;
  };
  for (std::uint8_t e = 0; e <= kExponentMax; ++e) {
    if (fits({Scale::Decoder::kDivide, e})) return true;
    if (e > 0 && fits({Scale::Decoder::kMultiply, e})) return true;
    if (e > 3 && fits({Scale::Decoder::kDivideTwice, e})) return true;
  }
  return false;
}

}  // namespace nines::storage::chunk
