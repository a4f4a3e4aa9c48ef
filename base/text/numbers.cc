#include "base/text/numbers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/text/internal/decimal.h"
#include "base/text/text.h"

namespace nines {
namespace {

constexpr std::uint64_t kNanBits = 0x7FF8000000000001ULL;  // kNormalNanBits of base/model

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Both ends of the double range come back from from_chars as "out of range". Too small is a zero,
// too large is an error; the two are 600 decimal orders apart, so the order of magnitude tells.
bool is_too_small(std::string_view decimal) {
  const std::size_t e = std::min(decimal.find_first_of("eE"), decimal.size());
  std::int64_t order = 0;
  if (e < decimal.size()) {
    std::string_view exponent = decimal.substr(e + 1);
    const bool negative = exponent.starts_with('-');
    if (negative || exponent.starts_with('+')) exponent.remove_prefix(1);
    for (const char c : exponent)
      order = std::min<std::int64_t>(order * 10 + (c - '0'), 1'000'000'000);
    if (negative) order = -order;
  }
  const std::string_view mantissa = decimal.substr(0, e);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  const std::size_t first = std::min(mantissa.find_first_of("123456789"), mantissa.size());
  order += static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  return order < 0;
}

std::optional<double> parse_magnitude(std::string_view text) {
  const bool hex = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  if (hex) text.remove_prefix(2);
  // from_chars would also take a sign or a word here.
  if (text.empty() || !(text[0] == '.' || (hex ? is_hex_digit(text[0]) : is_digit(text[0])))) {
    return std::nullopt;
  }
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(
      text.data(), end, value, hex ? std::chars_format::hex : std::chars_format::general);
  if (stop != end) return std::nullopt;
  if (code == std::errc()) return value;
  if (code == std::errc::result_out_of_range && !hex && is_too_small(text)) return 0.0;
  return std::nullopt;
}

}  // namespace

std::optional<double> parse_double(std::string_view text) {
  const bool negative = text.starts_with('-');
  const bool has_sign = negative || text.starts_with('+');
  const std::string_view magnitude = text.substr(has_sign ? 1 : 0);
  if (magnitude.empty()) return std::nullopt;
  double value = 0;
  if (is_digit(magnitude[0]) || magnitude[0] == '.') {
    const auto parsed = parse_magnitude(magnitude);
    if (!parsed) return std::nullopt;
    value = *parsed;
  } else {
    if (magnitude.size() > 8) return std::nullopt;
    const std::string word = to_lower(magnitude);
    if (word == "nan" && !has_sign) return std::bit_cast<double>(kNanBits);
    if (word != "inf" && word != "infinity") return std::nullopt;
    value = std::numeric_limits<double>::infinity();
  }
  return negative ? -value : value;
}

std::string format_double(double v) {
  if (!std::isfinite(v)) return std::isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf";
  return internal::shortest_decimal(v).fixed();
}

std::string format_double_g(double v) {
  if (!std::isfinite(v)) return std::isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf";
  const internal::Decimal decimal = internal::shortest_decimal(v);
  const int exponent = decimal.point - 1;
  return exponent < -4 || exponent >= internal::kGoExponentMin ? decimal.scientific()
                                                               : decimal.fixed();
}

std::optional<std::int64_t> parse_int(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (stop != end || code != std::errc()) return std::nullopt;
  return value;
}

namespace {

struct DurationUnit {
  std::string_view name;
  std::int64_t millis;
  bool printed_when_exact_only;
};

constexpr std::int64_t kDay = 86'400'000;
constexpr std::array<DurationUnit, 7> kDurationUnits{{{"y", 365 * kDay, true},
                                                      {"w", 7 * kDay, true},
                                                      {"d", kDay, false},
                                                      {"h", 3'600'000, false},
                                                      {"m", 60'000, false},
                                                      {"s", 1000, false},
                                                      {"ms", 1, false}}};

Error bad_duration(std::string_view text, std::size_t at, std::string_view why) {
  return Error(ErrorCode::kInvalid, "bad duration " + quote_go(text) + " at byte " +
                                        std::to_string(at) + ": " + std::string(why));
}

Error bad_bytes(std::string_view text) {
  return Error(ErrorCode::kInvalid,
               "bad size " + quote_go(text) + ", want a number and B, KiB, MiB, GiB or TiB");
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration::zero();
  if (text.empty()) return Error(ErrorCode::kInvalid, "empty duration");
  std::int64_t total = 0;
  std::size_t at = 0;
  std::size_t next_unit = 0;  // units before this one are used up
  const auto too_long = [&] {
    return Error(ErrorCode::kLimit, "duration " + quote_go(text) + " is too long");
  };
  while (at < text.size()) {
    const char* const begin = text.data() + at;
    const char* const end = text.data() + text.size();
    if (!is_digit(*begin)) return bad_duration(text, at, "want a digit");
    std::int64_t count = 0;
    const auto [stop, code] = std::from_chars(begin, end, count);
    if (code != std::errc()) return too_long();
    at += static_cast<std::size_t>(stop - begin);
    std::size_t length = 0;
    while (at + length < text.size() && !is_digit(text[at + length])) ++length;
    const std::string_view name = text.substr(at, length);
    const auto* const unit = std::find_if(kDurationUnits.begin(), kDurationUnits.end(),
                                          [&](const auto& u) { return u.name == name; });
    if (unit == kDurationUnits.end()) {
      return bad_duration(text, at, "want a unit: y, w, d, h, m, s or ms");
    }
    const auto index = static_cast<std::size_t>(unit - kDurationUnits.begin());
    if (index < next_unit) {
      return bad_duration(text, at, "units go from large to small, each at most once");
    }
    next_unit = index + 1;
    std::int64_t part = 0;
    if (__builtin_mul_overflow(count, unit->millis, &part) ||
        __builtin_add_overflow(total, part, &total)) {
      return too_long();
    }
    at += length;
  }
  return Duration(total);
}

std::string format_duration(Duration d) {
  if (d == Duration::zero()) return "0s";
  std::string out = d < Duration::zero() ? "-" : "";
  // Unsigned, so that the most negative duration has an absolute value.
  auto left = static_cast<std::uint64_t>(d.count());
  if (d < Duration::zero()) left = 0 - left;
  for (const DurationUnit& unit : kDurationUnits) {
    const auto size = static_cast<std::uint64_t>(unit.millis);
    if (left < size || (unit.printed_when_exact_only && left % size != 0)) continue;
    out += std::to_string(left / size);
    out += unit.name;
    left %= size;
  }
  return out;
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && (is_digit(text[digits]) || text[digits] == '.')) ++digits;
  std::string_view unit = text.substr(digits);
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  static constexpr std::string_view kPrefixes = "KMGTPE";
  unsigned shift = 0;
  if (!unit.empty() && unit != "B") {
    const std::size_t power = kPrefixes.find(unit[0]);
    const std::string_view rest = unit.substr(1);
    if (power == std::string_view::npos || (rest != "B" && rest != "iB")) return bad_bytes(text);
    shift = 10 * (static_cast<unsigned>(power) + 1);
  }
  const std::string_view number = text.substr(0, digits);
  const auto too_large = [&] {
    return Error(ErrorCode::kLimit, "size " + quote_go(text) + " does not fit 64 bits");
  };
  if (number.find('.') == std::string_view::npos) {
    std::uint64_t value = 0;
    const auto [stop, code] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (code == std::errc::result_out_of_range) return too_large();
    if (code != std::errc()) return bad_bytes(text);
    if (value > (std::numeric_limits<std::uint64_t>::max() >> shift)) return too_large();
    return value << shift;
  }
  const auto value = parse_double(number);
  if (!value) return bad_bytes(text);
  const double scaled = std::ldexp(*value, static_cast<int>(shift));
  if (scaled >= 0x1p64) return too_large();
  return static_cast<std::uint64_t>(scaled);
}

std::string format_bytes(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 7> kUnits = {"B",   "KiB", "MiB", "GiB",
                                                             "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  auto value = static_cast<double>(bytes);
  // 1023.95 and up would print as 1024.0.
  while (unit + 1 < kUnits.size() && value >= (unit == 0 ? 1024.0 : 1023.95)) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0) return std::to_string(bytes) + " B";
  // One decimal, none when it would be zero.
  const double tenths = std::round(value * 10);
  return format_double(tenths / 10) + " " + std::string(kUnits[unit]);
}

}  // namespace nines
