#include "collector/exposition/internal/value_scan.h"

#include <charconv>
#include <cmath>

#include "base/text/numbers.h"

namespace nines::collector {
namespace {

// Powers of ten that a double holds exactly.
constexpr double kPowers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                              1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

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
  if (behind_point > 0) value /= kPowers[behind_point];
  return negative ? -value : value;
}

}  // namespace

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
    if (point != nullptr) value /= kPowers[p - point - 1];
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
