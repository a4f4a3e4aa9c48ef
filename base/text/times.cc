#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines {
namespace {

using std::chrono::nanoseconds;

// Reads fixed-width numbers and single characters off the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::optional<int> number(std::size_t width) {
    if (rest_.size() < width) return std::nullopt;
    int value = 0;
    for (const char c : rest_.substr(0, width)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(width);
    return value;
  }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // The digits after a point as nanoseconds; further digits are cut off.
  std::optional<nanoseconds> fraction() {
    std::int64_t value = 0;
    std::int64_t scale = 1'000'000'000;
    std::size_t digits = 0;
    for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits) {
      if (scale == 1) continue;
      value = value * 10 + (rest_[digits] - '0');
      scale /= 10;
    }
    if (digits == 0) return std::nullopt;
    rest_.remove_prefix(digits);
    return nanoseconds(value * scale);
  }

  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// Seconds and nanoseconds apart: nanoseconds alone do not reach the years 0 to 9999.
struct Moment {
  std::chrono::sys_seconds seconds;
  nanoseconds fraction{0};
};

std::optional<std::chrono::minutes> read_offset(Reader& reader) {
  if (reader.take('Z') || reader.take('z')) return std::chrono::minutes(0);
  const bool negative = reader.take('-');
  if (!negative && !reader.take('+')) return std::nullopt;
  const auto hours = reader.number(2);
  if (!hours || !reader.take(':')) return std::nullopt;
  const auto minutes = reader.number(2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::chrono::minutes offset(*hours * 60 + *minutes);
  return negative ? -offset : offset;
}

std::optional<Moment> parse_rfc3339(std::string_view text) {
  Reader reader(text);
  const auto year = reader.number(4);
  if (!year || !reader.take('-')) return std::nullopt;
  const auto month = reader.number(2);
  if (!month || !reader.take('-')) return std::nullopt;
  const auto day = reader.number(2);
  if (!day || !(reader.take('T') || reader.take('t'))) return std::nullopt;
  const auto hour = reader.number(2);
  if (!hour || !reader.take(':')) return std::nullopt;
  const auto minute = reader.number(2);
  if (!minute || !reader.take(':')) return std::nullopt;
  const auto second = reader.number(2);
  if (!second) return std::nullopt;
  Moment moment;
  if (reader.take('.')) {
    const auto fraction = reader.fraction();
    if (!fraction) return std::nullopt;
    moment.fraction = *fraction;
  }
  const auto offset = read_offset(reader);
  if (!offset || !reader.done()) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  moment.seconds = std::chrono::sys_days(date) + std::chrono::hours(*hour) +
                   std::chrono::minutes(*minute) + std::chrono::seconds(*second) - *offset;
  return moment;
}

Error bad_time(std::string_view text) {
  return Error(ErrorCode::kInvalid,
               "bad time " + quote_go(text) + ", want RFC 3339 or seconds since the epoch");
}

// Seconds as a double to whole milliseconds; nothing when they do not fit.
std::optional<std::int64_t> seconds_to_millis(double seconds) {
  double whole = 0;
  const double fraction = std::modf(seconds, &whole);
  const double millis = whole * 1000 + std::round(fraction * 1000);
  if (!(std::abs(millis) < 0x1p63)) return std::nullopt;  // refuses NaN too
  return static_cast<std::int64_t>(millis);
}

void append_padded(std::string& out, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  out.append(width > digits.size() ? width - digits.size() : 0, '0');
  out += digits;
}

}  // namespace

std::string format_time(Timestamp at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  std::int64_t millis = (at - day).count();
  std::string out;
  append_padded(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_padded(out, millis / 3'600'000, 2);
  out += ':';
  append_padded(out, millis / 60'000 % 60, 2);
  out += ':';
  append_padded(out, millis / 1000 % 60, 2);
  out += '.';
  append_padded(out, millis % 1000, 3);
  return out += 'Z';
}

Result<Timestamp> parse_time(std::string_view text) {
  if (const auto seconds = parse_double(text)) {
    const auto millis = seconds_to_millis(*seconds);
    if (!millis) return bad_time(text);
    return from_millis(*millis);
  }
  const auto moment = parse_rfc3339(text);
  if (!moment) return bad_time(text);
  return Timestamp(moment->seconds) + std::chrono::floor<Duration>(moment->fraction);
}

Result<LogTime> parse_log_time(std::string_view text) {
  constexpr std::int64_t kSecondsMax = std::numeric_limits<std::int64_t>::max() / 1'000'000'000;
  const auto out_of_range = [&] {
    return Error(ErrorCode::kInvalid, "time " + quote_go(text) + " is out of range");
  };
  // Loki's rule: up to ten characters are seconds, more are nanoseconds.
  if (const auto integer = parse_int(text)) {
    if (text.size() > 10) return LogTime(nanoseconds(*integer));
    if (*integer >= kSecondsMax) return out_of_range();
    return LogTime(std::chrono::seconds(*integer));
  }
  if (const auto seconds = parse_double(text)) {
    if (!(std::abs(*seconds) < static_cast<double>(kSecondsMax))) return out_of_range();
    double whole = 0;
    const double fraction = std::modf(*seconds, &whole);
    // A double of today's seconds is exact to a quarter of a microsecond; milliseconds are meant.
    return LogTime(std::chrono::seconds(static_cast<std::int64_t>(whole)) +
                   Duration(static_cast<std::int64_t>(std::round(fraction * 1000))));
  }
  const auto moment = parse_rfc3339(text);
  if (!moment) return bad_time(text);
  const std::int64_t seconds = moment->seconds.time_since_epoch().count();
  if (seconds >= kSecondsMax || seconds <= -kSecondsMax) return out_of_range();
  return LogTime(moment->seconds) + moment->fraction;
}

}  // namespace nines
