// All reals between the midpoints to a double's two neighbours read back as that double; wanted is
// the one with the fewest digits, and the nearest of those. With 10^-e the largest power of ten
// that is no wider than the distance 2^q of two doubles, this interval has one or more multiples of
// 10^-e and at most one of 10^(1-e). In the range taken here e is at most 22, so that 5^e has 52
// bits and one product of 128 bits is exact: no table of rounded powers, no error to argue about.

#include "web/api/internal/decimal_digits.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace nines::web {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr int kPlacesMost = 22;

constexpr auto kFives = [] {
  std::array<std::uint64_t, kPlacesMost + 1> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 5;
  return powers;
}();

constexpr int kSixteen = 16;

constexpr auto kTens = [] {
  std::array<std::uint64_t, kSixteen + 1> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

// The eight digits of a number, one per byte, the first one lowest: by halves of halves, all at
// once.
std::uint64_t eight_digits(std::uint64_t number) {
  const std::uint64_t fours = number / 10'000 | (number % 10'000) << 32;
  const std::uint64_t hundreds = (fours * 10'486 >> 20) & 0x0000'007F'0000'007F;
  const std::uint64_t twos = hundreds | (fours - hundreds * 100) << 16;
  const std::uint64_t tens = (twos * 103 >> 10) & 0x000F'000F'000F'000F;
  return tens | (twos - tens * 10) << 8;
}

// Writes sixteen digits and returns where the zeros at their end begin.
char* write_sixteen(char* to, std::uint64_t number) {
  constexpr std::uint64_t kEight = 100'000'000, kZeros = 0x3030'3030'3030'3030;
  const std::array<std::uint64_t, 2> digits = {eight_digits(number / kEight),
                                               eight_digits(number % kEight)};
  const std::array<std::uint64_t, 2> text = {digits[0] + kZeros, digits[1] + kZeros};
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(to, text.data(), sizeof text);
  const std::size_t last = digits[1] != 0 ? 1 : 0;
  return to + 8 * last + 8 - static_cast<std::size_t>(std::countl_zero(digits[last])) / 8;
}

// The shortest decimal of mantissa * 2^exponent, in units of 10^-places.
std::uint64_t shortest(std::uint64_t mantissa, int exponent, int places) {
  const std::uint64_t five = kFives[static_cast<std::size_t>(places)];
  const int shift = -exponent - places;  // 0 to 50: what is left of the power of two, as a divisor
  const Wide exact = Wide{4 * mantissa} * five;
  const std::uint64_t below = (std::uint64_t{1} << shift) - 1;
  // Quarters of a unit, the last bit also saying that there was more.
  const auto quarters = [&](Wide number) {
    const auto low = static_cast<std::uint64_t>(number);
    const auto high = static_cast<std::uint64_t>(number >> 64);
    return low >> shift | high << 1 << (63 - shift) |
           static_cast<std::uint64_t>((low & below) != 0);
  };
  const std::uint64_t value = quarters(exact);
  // The midpoints themselves read back as the double with the even mantissa.
  const std::uint64_t open = mantissa & 1;
  const std::uint64_t least = quarters(exact - 2 * Wide{five}) + open;
  const std::uint64_t most = quarters(exact + 2 * Wide{five}) - open;
  const std::uint64_t units = value / 4;
  const std::uint64_t tens = units / 10 * 10;
  const bool tens_fit = least <= 4 * tens, next_tens_fit = 4 * (tens + 10) <= most;
  const bool fits = least <= 4 * units, next_fits = 4 * (units + 1) <= most;
  // Chosen without jumps, which nobody could foretell.
  const std::uint64_t rest = 2 * (value - 4 * units) + (units & 1);
  const std::uint64_t up = fits == next_fits ? (rest > 4 ? 1 : 0) : (next_fits ? 1 : 0);
  const std::uint64_t of_tens = tens + (next_tens_fit ? 10 : 0);
  return tens_fit != next_tens_fit ? of_tens : units + up;
}

}  // namespace

char* write_decimal(char* to, double value) {
  constexpr int kMantissaBits = 52, kBias = 1075;
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const std::uint64_t mantissa =
      (bits & ((std::uint64_t{1} << kMantissaBits) - 1)) | (std::uint64_t{1} << kMantissaBits);
  const int exponent = static_cast<int>(bits >> kMantissaBits & 0x7FF) - kBias;
  // -floor(log10(2^exponent)) for the exponents of this range, -72 to -1.
  const int places = -((exponent * 1233) >> 12);
  const std::uint64_t digits = shortest(mantissa, exponent, places);
  if (value < 0) *to++ = '-';
  // Whole numbers of this size are doubles themselves, so none lies in another one's interval.
  const auto whole = static_cast<std::uint64_t>(std::fabs(value));
  if (whole == 0) {
    to[0] = '0';
    to[1] = '.';
    to += 2;
    if (places > kSixteen) {
      // Zeros, and a seventeenth digit before the sixteen.
      std::memset(to, '0', 8);
      to += places - kSixteen - 1;
      *to++ = static_cast<char>('0' + digits / kTens[kSixteen]);
      return write_sixteen(to, digits % kTens[kSixteen]);
    }
  } else {
    to = std::to_chars(to, to + 20, whole).ptr;
    *to++ = '.';
  }
  const auto used = static_cast<std::size_t>(places);
  const std::uint64_t decimals = digits - whole * kTens[used];
  return write_sixteen(to, decimals * kTens[kSixteen - used]);
}

}  // namespace nines::web
