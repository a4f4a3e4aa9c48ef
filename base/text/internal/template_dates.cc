// toDate and mustToDate: times read by Go's layouts. Source: pkg.go.dev/time (behaviour).

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "base/text/internal/template_standard.h"
#include "base/text/internal/template_values.h"
#include "base/text/text.h"

namespace nines::internal {
namespace {

using Arguments = std::vector<TemplateValue>;

Error invalid(std::string text) {
  return Error(ErrorCode::kInvalid, std::move(text));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Words of a layout; where one begins another, the longer stands first.
constexpr std::array<std::string_view, 28> kWords = {
    "January", "Jan",   "Monday", "Mon", "MST", "2006", "002", "01",     "02",    "03",
    "04",      "05",    "06",     "15",  "_2",  "PM",   "pm",  "Z07:00", "Z0700", "Z07",
    "-07:00",  "-0700", "-07",    "1",   "2",   "3",    "4",   "5"};
constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

// A time in its parts, as far as the text has them.
struct Parts {
  int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0;
  std::int64_t nanos = 0, offset_s = 0;
  bool afternoon = false, half_day = false;
  int day_of_year = 0;
};

class DateReader {
 public:
  DateReader(std::string_view layout, std::string_view text)
      : whole_layout_(layout), whole_(text), layout_(layout), text_(text) {}

  Result<LogTime> run() {
    while (!layout_.empty()) {
      const std::string_view word = word_at();
      const std::string_view from = text_;
      if (word.empty()) {
        if (!same_byte()) return wrong(from, layout_.substr(0, 1));
        continue;
      }
      if (!read(word)) return wrong(from, word);
      layout_.remove_prefix(word.size());
      if (!range_.empty())
        return invalid("parsing time " + quote_go(whole_) + ": " + range_ + " out of range");
    }
    if (!text_.empty()) {
      return invalid("parsing time " + quote_go(whole_) + ": extra text: " + quote_go(text_));
    }
    return put_together();
  }

 private:
  Error wrong(std::string_view at, std::string_view word) const {
    return invalid("parsing time " + quote_go(whole_) + " as " + quote_go(whole_layout_) +
                   ": cannot parse " + quote_go(at) + " as " + quote_go(word));
  }

  std::string_view word_at() const {
    for (const std::string_view word : kWords) {
      if (!layout_.starts_with(word)) continue;
      const char next = layout_.size() > word.size() ? layout_[word.size()] : ' ';
      const bool goes_on = (word == "Jan" || word == "Mon") && next >= 'a' && next <= 'z';
      if (!goes_on) return word;
    }
    // .000 and .999 after the seconds.
    if (layout_.size() > 1 && (layout_[0] == '.' || layout_[0] == ',') &&
        (layout_[1] == '0' || layout_[1] == '9')) {
      const std::size_t end = std::min(layout_.find_first_not_of(layout_[1], 1), layout_.size());
      if (end == layout_.size() || !is_digit(layout_[end])) return layout_.substr(0, end);
    }
    return {};
  }

  bool same_byte() {
    if (text_.empty() || text_[0] != layout_[0]) return false;
    text_.remove_prefix(1);
    layout_.remove_prefix(1);
    return true;
  }

  bool digits(std::size_t least, std::size_t most, int& out) {
    std::size_t count = 0;
    out = 0;
    while (count < most && count < text_.size() && is_digit(text_[count])) {
      out = out * 10 + (text_[count++] - '0');
    }
    if (count < least) return false;
    text_.remove_prefix(count);
    return true;
  }

  bool bounded(std::size_t least, std::size_t most, int& out, int low, int high, const char* name) {
    if (!digits(least, most, out)) return false;
    if (out < low || out > high) range_ = name;
    return true;
  }

  template <std::size_t N>
  bool named(const std::array<std::string_view, N>& names, bool whole, int& out) {
    for (std::size_t i = 0; i < N; ++i) {
      const std::string_view name = whole ? names[i] : names[i].substr(0, 3);
      if (to_lower(text_.substr(0, name.size())) != to_lower(name)) continue;
      text_.remove_prefix(name.size());
      out = static_cast<int>(i) + 1;
      return true;
    }
    return false;
  }

  bool fraction(std::size_t least, std::size_t most) {
    if (text_.size() < 2 || (text_[0] != '.' && text_[0] != ',') || !is_digit(text_[1])) {
      return least == 0;
    }
    text_.remove_prefix(1);
    std::size_t count = 0;
    std::int64_t scale = 100'000'000;
    parts_.nanos = 0;
    while (count < most && count < text_.size() && is_digit(text_[count])) {
      parts_.nanos += (text_[count++] - '0') * scale;
      scale /= 10;
    }
    text_.remove_prefix(count);
    return count >= least;
  }

  bool offset(std::string_view word) {
    if (word[0] == 'Z' && text_.starts_with('Z')) {
      text_.remove_prefix(1);
      return true;
    }
    if (text_.empty() || (text_[0] != '+' && text_[0] != '-')) return false;
    const int sign = text_[0] == '-' ? -1 : 1;
    text_.remove_prefix(1);
    int hours = 0;
    int minutes = 0;
    if (!digits(2, 2, hours)) return false;
    if (word.ends_with(":00")) {
      if (!text_.starts_with(':')) return false;
      text_.remove_prefix(1);
    }
    if (word.size() > 3 && !digits(2, 2, minutes)) return false;
    if (hours > 24 || minutes > 59) range_ = "time zone offset";
    parts_.offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
  }

  // A zone by letters says nothing of its offset, but for UTC: as in Go it is taken for UTC.
  bool zone_name() {
    std::size_t count = 0;
    while (count < std::min<std::size_t>(5, text_.size()) && text_[count] >= 'A' &&
           text_[count] <= 'Z') {
      ++count;
    }
    if (count < 3) return false;
    text_.remove_prefix(count);
    return true;
  }

  bool half(bool capitals) {
    const std::string_view mark = text_.substr(0, 2);
    if (mark != (capitals ? "AM" : "am") && mark != (capitals ? "PM" : "pm")) return false;
    parts_.half_day = true;
    parts_.afternoon = mark[0] == 'P' || mark[0] == 'p';
    text_.remove_prefix(2);
    return true;
  }

  bool seconds(std::size_t least) {
    if (!bounded(least, 2, parts_.second, 0, 59, "second")) return false;
    // A fraction may follow though the layout has none.
    const std::string_view rest = layout_.substr(std::min<std::size_t>(least, layout_.size()));
    const bool in_layout =
        rest.size() > 1 && (rest[0] == '.' || rest[0] == ',') && (rest[1] == '0' || rest[1] == '9');
    return in_layout || fraction(0, 9);
  }

  bool read(std::string_view word) {
    int ignored = 0;
    if (word == "2006") return digits(4, 4, parts_.year);
    if (word == "06") {
      if (!digits(2, 2, parts_.year)) return false;
      parts_.year += parts_.year >= 69 ? 1900 : 2000;
      return true;
    }
    if (word == "January" || word == "Jan") return named(kMonths, word == "January", parts_.month);
    if (word == "Monday" || word == "Mon") return named(kDays, word == "Monday", ignored);
    if (word == "01") return bounded(2, 2, parts_.month, 1, 12, "month");
    if (word == "1") return bounded(1, 2, parts_.month, 1, 12, "month");
    if (word == "02") return digits(2, 2, parts_.day);
    if (word == "2") return digits(1, 2, parts_.day);
    if (word == "_2") {
      if (text_.starts_with(' ')) text_.remove_prefix(1);
      return digits(1, 2, parts_.day);
    }
    if (word == "002") return bounded(3, 3, parts_.day_of_year, 1, 366, "day-of-year");
    if (word == "15") return bounded(2, 2, parts_.hour, 0, 23, "hour");
    if (word == "03") return bounded(2, 2, parts_.hour, 0, 12, "hour");
    if (word == "3") return bounded(1, 2, parts_.hour, 0, 12, "hour");
    if (word == "04") return bounded(2, 2, parts_.minute, 0, 59, "minute");
    if (word == "4") return bounded(1, 2, parts_.minute, 0, 59, "minute");
    if (word == "05") return seconds(2);
    if (word == "5") return seconds(1);
    if (word == "PM" || word == "pm") return half(word == "PM");
    if (word == "MST") return zone_name();
    if (word[0] == '.' || word[0] == ',') {
      const std::size_t size = word.size() - 1;
      return word[1] == '0' ? fraction(size, size) : fraction(0, 9);
    }
    return offset(word);
  }

  Result<LogTime> put_together() const {
    Parts p = parts_;
    if (p.half_day) p.hour = p.hour % 12 + (p.afternoon ? 12 : 0);
    const std::chrono::year year(p.year);
    std::chrono::sys_days day = year / std::chrono::month(static_cast<unsigned>(p.month)) /
                                std::chrono::day(static_cast<unsigned>(p.day));
    if (p.day_of_year > 0) {
      day = std::chrono::sys_days(year / std::chrono::January / 1) +
            std::chrono::days(p.day_of_year - 1);
    } else {
      const std::chrono::year_month_day_last last =
          year / std::chrono::month(static_cast<unsigned>(p.month)) / std::chrono::last;
      if (p.day < 1 || static_cast<unsigned>(p.day) > static_cast<unsigned>(last.day())) {
        return invalid("parsing time " + quote_go(whole_) + ": day out of range");
      }
    }
    // What 64 bits of nanoseconds can count.
    if (p.year < 1678 || p.year > 2261) {
      return invalid("parsing time " + quote_go(whole_) + ": the year must be 1678 to 2261");
    }
    const std::chrono::seconds clock(p.hour * 3600 + p.minute * 60 + p.second - p.offset_s);
    return LogTime(day.time_since_epoch() + clock + std::chrono::nanoseconds(p.nanos));
  }

  std::string_view whole_layout_;
  std::string_view whole_;
  std::string_view layout_;
  std::string_view text_;
  Parts parts_;
  std::string range_;  // what is out of its range
};

Result<TemplateValue> must_read(const Arguments& arguments) {
  NINES_TRY(const LogTime at, DateReader(*as_text(arguments[0]), *as_text(arguments[1])).run());
  return TemplateValue(TemplateTime{at, TimeZone::utc()});
}

}  // namespace

void add_date_functions(TemplateFunctions& functions) {
  functions["mustToDate"] = {must_read, "ss"};
  functions["toDate"] = {[](const Arguments& arguments) -> Result<TemplateValue> {
                           auto read = must_read(arguments);
                           if (read) return read;
                           return TemplateValue(TemplateTime{LogTime::min(), TimeZone::utc()});
                         },
                         "ss"};
}

}  // namespace nines::internal
