#pragma once
// The numbers that make up nearly all of an exposition, eight digits at a time.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace nines::collector {

// The double nearest to digits * 10^exponent, ties to even, for exponents within
// +-kExactExponentMax: quotient and remainder of integers say on which side of a tie it lies.
double round_decimal(std::uint64_t digits, int exponent);
inline constexpr int kExactExponentMax = 27;  // 5^27 is the last that 64 bits hold

// scan_decimal() reads this much from where it is told, so that much must be there.
inline constexpr std::size_t kDecimalBytes = 64;

namespace number_detail {

// Powers of ten that a double holds exactly.
inline constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
inline constexpr std::uint64_t kWholePowers[] = {1,      10,      100,      1000,     10000,
                                                 100000, 1000000, 10000000, 100000000};

// Eight bytes as text runs: the first one least significant.
inline std::uint64_t load8(const char* p) {
  std::uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

// Appends the digits at `p`, eight at most, to `value`; how many there were.
inline unsigned take_digits(const char* p, std::uint64_t& value) {
  std::uint64_t word = load8(p) ^ 0x3030303030303030ULL;  // a digit becomes 0..9
  // The high bit of each byte above 9. A carry spoils bytes behind the first of them alone.
  const std::uint64_t other = ((word + 0x7676767676767676ULL) | word) & 0x8080808080808080ULL;
  const unsigned count = static_cast<unsigned>(std::countr_zero(other)) / 8;  // 8: none
  const unsigned half = 4 * (8 - count);
  word = word << half << half;     // zeros in front, and what follows the digits out
  word = word * 10 + (word >> 8);  // pairs, then all four of them
  word = ((word & 0x000000FF000000FFULL) * 0x000F424000000064ULL +
          ((word >> 16) & 0x000000FF000000FFULL) * 0x0000271000000001ULL) >>
         32;
  value = value * kWholePowers[count] + word;
  return count;
}

}  // namespace number_detail

// A decimal of at most 19 digits that a line feed ends, such as 12, -0.5 or 1.048576e+06: where the
// line feed is. Null for anything else, which may be a number all the same. Correctly rounded.
const char* scan_any_decimal(const char* p, double& value);

// The same; short integers, which are most values, at once.
inline const char* scan_decimal(const char* p, double& value) {
  std::uint64_t digits = 0;
  const unsigned count = number_detail::take_digits(p, digits);
  if (count == 0 || p[count] != '\n') return scan_any_decimal(p, value);
  value = static_cast<double>(static_cast<std::int64_t>(digits));
  return p + count;
}

// A whole number of 1 to 16 digits that a line feed ends: where the line feed is. Null for anything
// else. Reads as much as scan_decimal().
inline const char* scan_digits(const char* p, std::uint64_t& value) {
  unsigned count = number_detail::take_digits(p, value);
  if (count == 8) count += number_detail::take_digits(p + 8, value);
  return count != 0 && p[count] == '\n' ? p + count : nullptr;
}

}  // namespace nines::collector
