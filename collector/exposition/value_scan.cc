#include "collector/exposition/internal/value_scan.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>

#include "base/text/numbers.h"
#include "collector/exposition/internal/number_scan.h"

namespace nines::collector {
namespace {

// Most values are short decimals. With at most 15 digits both the digits and the power of ten are
// exact doubles, so one division rounds correctly.
std::optional<double> short_decimal(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > 16) return std::nullopt;
  std::uint64_t digits = 0;
  int count = 0;
  int behind_point = -1;  // -1: no point seen
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      digits = digits * 10 + static_cast<std::uint64_t>(c - '0');
      ++count;
      if (behind_point >= 0) ++behind_point;
    } else if (c == '.' && behind_point < 0) {
      behind_point = 0;
    } else {
      return std::nullopt;
    }
  }
  if (count == 0 || count > 15) return std::nullopt;
  double value = static_cast<double>(digits);
  if (behind_point > 0) value /= number_detail::kPowers[behind_point];
  return negative ? -value : value;
}

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t power_of_five(int exponent) {
  std::uint64_t power = 1;
  for (; exponent > 0; --exponent) power *= 5;
  return power;
}

constexpr auto kPowersOfFive = [] {
  std::array<std::uint64_t, kExactExponentMax + 1> powers{};
  for (int i = 0; i <= kExactExponentMax; ++i) {
    powers[static_cast<std::size_t>(i)] = power_of_five(i);
  }
  return powers;
}();

// top * 2^exponent, where the first bit of `top` is set and `more` says that the number is a bit
// above that. Far from where doubles become subnormal.
double round_to_even(std::uint64_t top, bool more, int exponent) {
  constexpr int kDropped = 64 - 53;
  constexpr std::uint64_t kTie = 1ULL << (kDropped - 1);
  std::uint64_t kept = top >> kDropped;
  const std::uint64_t rest = top & (2 * kTie - 1);
  if (rest > kTie || (rest == kTie && (more || (kept & 1) != 0))) ++kept;
  const auto biased = static_cast<std::uint64_t>(1023 + exponent + kDropped);
  return static_cast<double>(kept) * std::bit_cast<double>(biased << 52);
}

// Digits as far as they go, `count` of them; past 24 it stops anywhere and the value means nothing.
inline const char* take_all_digits(const char* p, std::uint64_t& value, unsigned& count) {
  unsigned n = number_detail::take_digits(p, value);
  p += n;
  count += n;
  for (int more = 0; n == 8 && more < 2; ++more) {
    n = number_detail::take_digits(p, value);
    p += n;
    count += n;
  }
  return p;
}

}  // namespace

double round_decimal(std::uint64_t digits, int exponent) {
  if (digits == 0) return 0;
  if (exponent >= 0) {
    const Wide product = Wide(digits) * kPowersOfFive[static_cast<std::size_t>(exponent)];
    const auto high = static_cast<std::uint64_t>(product >> 64);
    const auto low = static_cast<std::uint64_t>(product);
    const int zeros = high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(low);
    const Wide shifted = product << zeros;
    return round_to_even(static_cast<std::uint64_t>(shifted >> 64),
                         static_cast<std::uint64_t>(shifted) != 0, 64 - zeros + exponent);
  }
  // Both with their first bit set, so that the quotient has 64 bits.
  std::uint64_t by = kPowersOfFive[static_cast<std::size_t>(-exponent)];
  const int zeros = std::countl_zero(digits);
  const int by_zeros = std::countl_zero(by);
  digits <<= zeros;
  by <<= by_zeros;
  const int shift = digits >= by ? 63 : 64;
  const Wide of = Wide(digits) << shift;
  const auto quotient = static_cast<std::uint64_t>(of / by);
  return round_to_even(quotient, of != Wide(quotient) * by, exponent + by_zeros - zeros - shift);
}

const char* scan_any_decimal(const char* p, double& value) {
  using number_detail::kPowers;
  constexpr std::uint64_t kExactMax = 1ULL << 53;
  constexpr unsigned kDigitsMax = 19;  // 64 bits hold any
  constexpr int kPowerMax = 22;
  const bool negative = *p == '-';
  p += negative ? 1 : 0;
  std::uint64_t digits = 0;
  unsigned count = 0;
  p = take_all_digits(p, digits, count);
  int exponent = 0;
  if (*p == '.') {
    // Zeros in front take no room.
    const unsigned before = count;
    const unsigned for_nothing = digits == 0 ? before : 0;
    p = take_all_digits(p + 1, digits, count);
    exponent = -static_cast<int>(count - before);
    if (count != before) count -= for_nothing;
  }
  if (*p == 'e') {
    const bool less = p[1] == '-';
    p += less || p[1] == '+' ? 2 : 1;
    const auto tens = static_cast<unsigned char>(p[0] - '0');
    const auto ones = static_cast<unsigned char>(p[1] - '0');
    if (tens > 9 || ones > 9) return nullptr;
    exponent += (less ? -1 : 1) * (10 * tens + ones);
    p += 2;
  }
  if (*p != '\n' || count == 0 || count > kDigitsMax) return nullptr;
  // Where both are exact doubles, one operation rounds correctly.
  double magnitude = 0;
  if (digits <= kExactMax && exponent >= -kPowerMax && exponent <= kPowerMax) {
    magnitude = static_cast<double>(static_cast<std::int64_t>(digits));
    if (exponent < 0) {
      magnitude /= kPowers[-exponent];
    } else {
      magnitude *= kPowers[exponent];
    }
  } else if (exponent >= -kExactExponentMax && exponent <= kExactExponentMax) {
    magnitude = round_decimal(digits, exponent);
  } else {
    return nullptr;
  }
  value = negative ? -magnitude : magnitude;
  return p;
}

std::optional<double> scan_value(std::string_view text) {
  if (const std::optional<double> value = short_decimal(text)) return value;
  if (text.find_first_of("xXpP_") != text.npos) return std::nullopt;
  return parse_double(text);
}

const char* scan_plain_value(const char* p, const char* end, double& value) {
  const char* const start = p;
  const bool negative = p != end && *p == '-';
  if (negative) ++p;
  const char* const first = p;
  std::uint64_t digits = 0;
  const char* point = nullptr;
  for (; p != end; ++p) {
    const auto digit = static_cast<unsigned char>(*p - '0');
    if (digit < 10) {
      digits = digits * 10 + digit;
    } else if (*p == '.' && point == nullptr) {
      point = p;
    } else {
      break;
    }
  }
  const auto count = (p - first) - (point != nullptr ? 1 : 0);
  if (p != end && *p == '\n' && count > 0 && count <= 15) {  // short_decimal()'s argument holds
    value = static_cast<double>(digits);
    if (point != nullptr) value /= number_detail::kPowers[p - point - 1];
    if (negative) value = -value;
    return p;
  }
  while (p != end && *p != '\n' && *p != ' ' && *p != '\t') ++p;
  if (p == end || *p != '\n') return nullptr;
  const std::optional<double> other = scan_value({start, static_cast<std::size_t>(p - start)});
  if (!other) return nullptr;
  value = *other;
  return p;
}

std::optional<std::int64_t> scan_time_ms(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return ms;
}

std::optional<std::int64_t> scan_time_seconds(std::string_view text) {
  const std::optional<double> seconds = scan_value(text);
  constexpr double kFarthest = 9e15;  // milliseconds; beyond, a double skips some
  if (!seconds || !std::isfinite(*seconds) || std::abs(*seconds * 1000) > kFarthest) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(std::llround(*seconds * 1000));
}

}  // namespace nines::collector
