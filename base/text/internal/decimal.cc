#include "base/text/internal/decimal.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace nines::internal {

std::string Decimal::fixed() const {
  std::string out = negative ? "-" : "";
  if (point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-point), '0');
    return out += digits;
  }
  const auto whole = static_cast<std::size_t>(point);
  if (digits.size() <= whole) {
    out += digits;
    out.append(whole - digits.size(), '0');
    return out;
  }
  out.append(digits, 0, whole);
  out += '.';
  out.append(digits, whole);
  return out;
}

std::string Decimal::scientific() const {
  std::string out = negative ? "-" : "";
  out += digits[0];
  if (digits.size() > 1) {
    out += '.';
    out.append(digits, 1);
  }
  const int exponent = point - 1;
  out += exponent < 0 ? "e-" : "e+";
  const int magnitude = std::abs(exponent);
  if (magnitude < 10) out += '0';
  return out += std::to_string(magnitude);
}

Decimal shortest_decimal(double v) {
  Decimal decimal;
  decimal.negative = std::signbit(v);
  if (v == 0) {
    decimal.digits = "0";
    decimal.point = 1;
    return decimal;
  }
  std::array<char, 40> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(v),
                                     std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  const std::size_t e = text.find('e');
  for (const char c : text.substr(0, e)) {
    if (c != '.') decimal.digits += c;
  }
  std::string_view exponent = text.substr(e + 1);
  if (exponent.starts_with('+')) exponent.remove_prefix(1);
  int power = 0;
  std::from_chars(exponent.data(), exponent.data() + exponent.size(), power);
  decimal.point = power + 1;
  return decimal;
}

}  // namespace nines::internal
