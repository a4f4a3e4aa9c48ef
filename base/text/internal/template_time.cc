// Times and durations in templates: Go's layouts, its ways to print them, and their methods.
// Source: pkg.go.dev/time (behaviour).

#include <array>
#include <chrono>
#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/text/internal/template_standard.h"
#include "base/text/internal/template_values.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::internal {
namespace {

using Arguments = std::vector<TemplateValue>;
using std::chrono::nanoseconds;

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

std::string digits(std::int64_t value, std::size_t width, char fill = '0') {
  std::string out = std::to_string(value);
  if (out.size() < width) out.insert(0, width - out.size(), fill);
  return out;
}

// What a clock in the time's zone shows.
struct Fields {
  std::chrono::year_month_day date;
  unsigned weekday = 0;
  int day_of_year = 0;
  int hour = 0, minute = 0, second = 0;
  std::int64_t nanos = 0;
  std::int64_t offset_s = 0;
  std::string zone;

  explicit Fields(const TemplateTime& time) {
    if (time.at == LogTime::min()) {  // Go's zero time
      date = std::chrono::year(1) / std::chrono::January / 1;
      weekday = 1;
      day_of_year = 1;
      zone = "UTC";
      return;
    }
    const auto whole = std::chrono::floor<std::chrono::milliseconds>(time.at);
    const Timestamp at(whole.time_since_epoch());
    const LocalTime local = time.zone.to_local(at);
    offset_s = (local.time_since_epoch() - at.time_since_epoch()) / std::chrono::seconds(1);
    zone = time.zone.abbreviation(at);
    const auto day = std::chrono::floor<std::chrono::days>(local);
    date = std::chrono::year_month_day(day);
    weekday = std::chrono::weekday(day).c_encoding();
    const std::chrono::local_days new_year(date.year() / std::chrono::January / 1);
    day_of_year = static_cast<int>((day - new_year).count()) + 1;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(local - day);
    hour = static_cast<int>(seconds.count() / 3600);
    minute = static_cast<int>(seconds.count() / 60 % 60);
    second = static_cast<int>(seconds.count() % 60);
    nanos = (time.at - std::chrono::floor<std::chrono::seconds>(time.at)).count();
  }
  int hour12() const { return hour % 12 == 0 ? 12 : hour % 12; }
  unsigned month() const { return static_cast<unsigned>(date.month()); }
  unsigned day() const { return static_cast<unsigned>(date.day()); }
  int year() const { return static_cast<int>(date.year()); }

  std::string offset(bool colon, bool minutes) const {
    const std::int64_t size = (offset_s < 0 ? -offset_s : offset_s) / 60;
    std::string out = (offset_s < 0 ? "-" : "+") + digits(size / 60, 2);
    if (!minutes) return out;
    return out + (colon ? ":" : "") + digits(size % 60, 2);
  }
  std::string z_or(std::string other) const { return offset_s == 0 ? "Z" : std::move(other); }
};

// One word of a layout. Where one word begins another, the longer stands first.
struct Word {
  std::string_view text;
  std::string (*print)(const Fields&);
};

constexpr Word kWords[] = {
    {"January", [](const Fields& f) { return std::string(kMonths[f.month() - 1]); }},
    {"Jan", [](const Fields& f) { return std::string(kMonths[f.month() - 1].substr(0, 3)); }},
    {"Monday", [](const Fields& f) { return std::string(kDays[f.weekday]); }},
    {"Mon", [](const Fields& f) { return std::string(kDays[f.weekday].substr(0, 3)); }},
    {"MST", [](const Fields& f) { return f.zone; }},
    {"2006", [](const Fields& f) { return digits(f.year(), 4); }},
    {"002", [](const Fields& f) { return digits(f.day_of_year, 3); }},
    {"__2", [](const Fields& f) { return digits(f.day_of_year, 3, ' '); }},
    {"01", [](const Fields& f) { return digits(f.month(), 2); }},
    {"02", [](const Fields& f) { return digits(f.day(), 2); }},
    {"03", [](const Fields& f) { return digits(f.hour12(), 2); }},
    {"04", [](const Fields& f) { return digits(f.minute, 2); }},
    {"05", [](const Fields& f) { return digits(f.second, 2); }},
    {"06", [](const Fields& f) { return digits(f.year() % 100, 2); }},
    {"15", [](const Fields& f) { return digits(f.hour, 2); }},
    {"_2", [](const Fields& f) { return digits(f.day(), 2, ' '); }},
    {"PM", [](const Fields& f) { return std::string(f.hour >= 12 ? "PM" : "AM"); }},
    {"pm", [](const Fields& f) { return std::string(f.hour >= 12 ? "pm" : "am"); }},
    {"Z07:00", [](const Fields& f) { return f.z_or(f.offset(true, true)); }},
    {"Z0700", [](const Fields& f) { return f.z_or(f.offset(false, true)); }},
    {"Z07", [](const Fields& f) { return f.z_or(f.offset(false, false)); }},
    {"-07:00", [](const Fields& f) { return f.offset(true, true); }},
    {"-0700", [](const Fields& f) { return f.offset(false, true); }},
    {"-07", [](const Fields& f) { return f.offset(false, false); }},
    {"1", [](const Fields& f) { return digits(f.month(), 1); }},
    {"2", [](const Fields& f) { return digits(f.day(), 1); }},
    {"3", [](const Fields& f) { return digits(f.hour12(), 1); }},
    {"4", [](const Fields& f) { return digits(f.minute, 1); }},
    {"5", [](const Fields& f) { return digits(f.second, 1); }},
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// `.000` or `.999` after the seconds; gives how many bytes of the layout it took.
std::size_t add_fraction(std::string_view layout, const Fields& fields, std::string& out) {
  if (layout.size() < 2 || (layout[0] != '.' && layout[0] != ',')) return 0;
  const char kind = layout[1];
  if (kind != '0' && kind != '9') return 0;
  const std::size_t end = std::min(layout.find_first_not_of(kind, 1), layout.size());
  if (end < layout.size() && is_digit(layout[end])) return 0;
  std::string shown = digits(fields.nanos, 9);
  shown.resize(std::min<std::size_t>(end - 1, 9));
  if (kind == '9') {
    while (!shown.empty() && shown.back() == '0') shown.pop_back();
  }
  if (!shown.empty()) out += layout[0] + shown;
  return end;
}

const Word* word_at(std::string_view layout) {
  if (layout.starts_with("_2006")) return nullptr;  // an underscore, then the year
  for (const Word& word : kWords) {
    if (!layout.starts_with(word.text)) continue;
    // "Jan" and "Mon" only where no other word goes on.
    const bool letters = word.text == "Jan" || word.text == "Mon";
    const char next = layout.size() > word.text.size() ? layout[word.text.size()] : ' ';
    if (letters && next >= 'a' && next <= 'z') continue;
    return &word;
  }
  return nullptr;
}

Error invalid(std::string text) {
  return Error(ErrorCode::kInvalid, std::move(text));
}

// date LAYOUT TIME
Result<TemplateValue> call_date(const Arguments& arguments) {
  const std::string& layout = *as_text(arguments[0]);
  const auto* time = as_time(arguments[1]);
  return TemplateValue(format_time_layout(*time, layout));
}

// tz ZONE TIME
Result<TemplateValue> call_zone(const Arguments& arguments) {
  const std::string& name = *as_text(arguments[0]);
  const auto* time = as_time(arguments[1]);
  NINES_TRY(TimeZone zone, TimeZone::find(name));
  return TemplateValue(TemplateTime{time->at, std::move(zone)});
}

std::optional<TemplateValue> part_of(const TemplateTime& time, std::string_view method) {
  const auto integer = [](auto v) { return TemplateValue(static_cast<std::int64_t>(v)); };
  const Fields f(time);
  if (method == "Unix") {
    return integer(std::chrono::floor<std::chrono::seconds>(time.at).time_since_epoch().count());
  }
  if (method == "UnixMilli") {
    const auto whole = std::chrono::floor<std::chrono::milliseconds>(time.at);
    return integer(whole.time_since_epoch().count());
  }
  if (method == "UnixMicro") {
    const auto whole = std::chrono::floor<std::chrono::microseconds>(time.at);
    return integer(whole.time_since_epoch().count());
  }
  if (method == "UnixNano") return integer(time.at.time_since_epoch().count());
  if (method == "Nanosecond") return integer(f.nanos);
  if (method == "UTC" || method == "Local")
    return TemplateValue(TemplateTime{time.at, TimeZone::utc()});
  if (method == "String") return TemplateValue(print_time(time));
  if (method == "Year") return integer(f.year());
  if (method == "Month") return month_value(f.month());
  if (method == "Day") return integer(f.day());
  if (method == "YearDay") return integer(f.day_of_year);
  if (method == "Weekday") return weekday_value(f.weekday);
  if (method == "Hour") return integer(f.hour);
  if (method == "Minute") return integer(f.minute);
  if (method == "Second") return integer(f.second);
  if (method == "IsZero") return TemplateValue(time.at == LogTime::min());
  if (method == "Location") return TemplateValue(time.zone.name());
  return std::nullopt;
}

std::optional<TemplateValue> measure_of(nanoseconds duration, std::string_view method) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (method == "Seconds") return TemplateValue(seconds);
  if (method == "Minutes") return TemplateValue(seconds / 60);
  if (method == "Hours") return TemplateValue(seconds / 3600);
  if (method == "Milliseconds") {
    return TemplateValue(static_cast<std::int64_t>(duration / std::chrono::milliseconds(1)));
  }
  if (method == "Microseconds") {
    return TemplateValue(static_cast<std::int64_t>(duration / std::chrono::microseconds(1)));
  }
  if (method == "Nanoseconds") return TemplateValue(static_cast<std::int64_t>(duration.count()));
  if (method == "Abs") return TemplateValue(duration < nanoseconds(0) ? -duration : duration);
  if (method == "String") return TemplateValue(print_duration(duration));
  return std::nullopt;
}

// A duration, or a number of nanoseconds.
std::optional<nanoseconds> duration_of(const TemplateValue& v) {
  if (const auto* duration = as_duration(v)) return *duration;
  const auto number = as_number(v);
  if (!number || *number != std::floor(*number) || std::abs(*number) >= 0x1p63) return std::nullopt;
  return nanoseconds(as_integer(v).value_or(static_cast<std::int64_t>(*number)));
}

// A method that takes one duration.
TemplateFunction by_duration(std::function<Result<TemplateValue>(nanoseconds)> run) {
  return {[run = std::move(run)](const Arguments& a) -> Result<TemplateValue> {
            const auto duration = duration_of(a[0]);
            if (!duration) {
              return invalid("a duration, or a whole number of nanoseconds, is wanted, not " +
                             a[0].to_string());
            }
            return run(*duration);
          },
          "a"};
}

Result<TemplateValue> moved(const TemplateTime& time, nanoseconds by) {
  const auto at = time.at.time_since_epoch().count();
  std::int64_t sum = 0;
  if (__builtin_add_overflow(at, by.count(), &sum)) return invalid("the time is out of range");
  return TemplateValue(TemplateTime{LogTime(nanoseconds(sum)), time.zone});
}

// How far `at` is beyond a multiple of `unit`, counted from the year 1 as Go does.
nanoseconds beyond(LogTime at, nanoseconds unit) {
  if (unit <= nanoseconds(0)) return nanoseconds(0);
  constexpr std::uint64_t kSecondsTo1970 = 62'135'596'800;
  const auto odd = [unit](std::uint64_t v) { return v % static_cast<std::uint64_t>(unit.count()); };
  // (a * b) mod unit without 128 bits: seconds by doubling.
  std::uint64_t offset = 0;
  std::uint64_t part = odd(1'000'000'000);
  for (std::uint64_t left = kSecondsTo1970; left != 0; left >>= 1) {
    if ((left & 1U) != 0) offset = odd(offset + part);
    part = odd(part * 2);
  }
  const std::int64_t count = at.time_since_epoch().count();
  const auto below = static_cast<std::int64_t>(
      odd(count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count)));
  const auto size = unit.count();
  const std::int64_t here = count < 0 ? (size - below) % size : below;
  return nanoseconds(static_cast<std::int64_t>(odd(static_cast<std::uint64_t>(here) + offset)));
}

// Calendar steps; a 31st of a shorter month runs over into the next, as in Go.
Result<TemplateValue> later_date(const TemplateTime& time, std::int64_t years, std::int64_t months,
                                 std::int64_t days) {
  constexpr std::int64_t kMost = 100'000;
  for (const std::int64_t step : {years, months, days}) {
    if (step < -kMost || step > kMost) return invalid("the date is out of range");
  }
  const auto whole = std::chrono::floor<std::chrono::milliseconds>(time.at);
  const LocalTime local = time.zone.to_local(Timestamp(whole.time_since_epoch()));
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day date(day);
  const std::chrono::year_month month =
      date.year() / date.month() + std::chrono::years(years) + std::chrono::months(months);
  const std::chrono::local_days first(month / 1);
  const auto then =
      first +
      std::chrono::days(static_cast<std::int64_t>(static_cast<unsigned>(date.day())) - 1 + days);
  const std::int64_t year = static_cast<int>(std::chrono::year_month_day(then).year());
  if (year < 1700 || year > 2200) return invalid("the date is out of range");
  const Timestamp at = time.zone.to_utc(LocalTime(then + (local - day)));
  return TemplateValue(TemplateTime{LogTime(at.time_since_epoch()) + (time.at - whole), time.zone});
}

// The methods of a time that take an argument.
TemplateFunction moving_method(const TemplateTime& time, std::string_view name) {
  using Answer = Result<TemplateValue>;
  if (name == "Format") {
    return {[time](const Arguments& a) {
              return Answer(TemplateValue(format_time_layout(time, *as_text(a[0]))));
            },
            "s"};
  }
  if (name == "Add") return by_duration([time](nanoseconds by) { return moved(time, by); });
  if (name == "Truncate" || name == "Round") {
    const bool up = name == "Round";
    return by_duration([time, up](nanoseconds unit) {
      const nanoseconds odd = beyond(time.at, unit);
      const bool next = up && unit - odd <= odd;
      return moved(time, next ? unit - odd : -odd);
    });
  }
  if (name == "AddDate") {
    return {[time](const Arguments& a) -> Answer {
              const auto years = as_integer(a[0]);
              const auto months = as_integer(a[1]);
              const auto days = as_integer(a[2]);
              if (!years || !months || !days) return invalid("AddDate wants three whole numbers");
              return later_date(time, *years, *months, *days);
            },
            "aaa"};
  }
  if (name == "Sub") {
    return {[time](const Arguments& a) {
              return Answer(TemplateValue(nanoseconds(time.at - as_time(a[0])->at)));
            },
            "t"};
  }
  const auto compared = [&time](bool (*compare)(LogTime, LogTime)) {
    return TemplateFunction(
        [at = time.at, compare](const Arguments& a) {
          return Answer(TemplateValue(compare(at, as_time(a[0])->at)));
        },
        "t");
  };
  if (name == "Before") return compared([](LogTime a, LogTime b) { return a < b; });
  if (name == "After") return compared([](LogTime a, LogTime b) { return a > b; });
  if (name == "Equal") return compared([](LogTime a, LogTime b) { return a == b; });
  return {};
}

}  // namespace

std::string format_time_layout(const TemplateTime& time, std::string_view layout) {
  const Fields fields(time);
  std::string out;
  while (!layout.empty()) {
    if (const Word* word = word_at(layout)) {
      out += word->print(fields);
      layout.remove_prefix(word->text.size());
    } else if (const std::size_t taken = add_fraction(layout, fields, out); taken > 0) {
      layout.remove_prefix(taken);
    } else {
      out += layout.front();
      layout.remove_prefix(1);
    }
  }
  return out;
}

std::string print_time(const TemplateTime& time) {
  return format_time_layout(time, "2006-01-02 15:04:05.999999999 -0700 MST");
}

std::string print_duration(nanoseconds duration) {
  const std::int64_t nanos = duration.count();
  if (nanos == 0) return "0s";
  const std::string sign = nanos < 0 ? "-" : "";
  const auto left =
      nanos < 0 ? 0 - static_cast<std::uint64_t>(nanos) : static_cast<std::uint64_t>(nanos);
  const auto with_unit = [&](double unit_nanos, const char* unit) {
    return sign + format_double(static_cast<double>(left) / unit_nanos) + unit;
  };
  if (left < 1'000) return with_unit(1, "ns");
  if (left < 1'000'000) return with_unit(1e3, "µs");
  if (left < 1'000'000'000) return with_unit(1e6, "ms");
  const std::uint64_t minutes = left / 60'000'000'000;
  std::string out = sign;
  if (minutes >= 60) out += std::to_string(minutes / 60) + "h";
  if (minutes > 0) out += std::to_string(minutes % 60) + "m";
  return out + format_double(static_cast<double>(left % 60'000'000'000) / 1e9) + "s";
}

TemplateValue month_value(unsigned month) {
  return TemplateValue(static_cast<std::int64_t>(month)).as("time.Month");
}

TemplateValue weekday_value(unsigned day) {
  return TemplateValue(static_cast<std::int64_t>(day)).as("time.Weekday");
}

std::optional<std::string> time_name(const TemplateValue& v) {
  const auto number = v.type() != nullptr ? as_integer(v) : std::nullopt;
  if (!number) return std::nullopt;
  const std::string_view type = v.type();
  const auto at = static_cast<std::size_t>(*number);
  if (type == "time.Month" && at - 1 < kMonths.size()) return std::string(kMonths[at - 1]);
  if (type == "time.Weekday" && at < kDays.size()) return std::string(kDays[at]);
  return std::nullopt;
}

TemplateFunction time_method(const TemplateValue& value, std::string_view name) {
  const auto* time = as_time(value);
  if (const auto* duration = as_duration(value); name == "Round" || name == "Truncate") {
    const bool up = name == "Round";
    if (duration != nullptr) {
      return by_duration([d = *duration, up](nanoseconds unit) -> Result<TemplateValue> {
        if (unit <= nanoseconds(0)) return TemplateValue(d);
        const nanoseconds odd = d % unit;  // has the sign of d
        const nanoseconds size = odd < nanoseconds(0) ? -odd : odd;
        const nanoseconds cut = d - odd;
        if (!up || size < unit - size) return TemplateValue(cut);
        return TemplateValue(d < nanoseconds(0) ? cut - unit : cut + unit);
      });
    }
  }
  if (time != nullptr) {
    if (TemplateFunction found = moving_method(*time, name)) return found;
  }
  auto found = time != nullptr      ? part_of(*time, name)
               : as_duration(value) ? measure_of(*as_duration(value), name)
               : name == "String"   ? std::optional(TemplateValue(*time_name(value)))
                                    : std::nullopt;
  if (!found) return {};
  return {[part = *std::move(found)](const Arguments&) { return Result<TemplateValue>(part); }, ""};
}

void add_time_functions(TemplateFunctions& functions) {
  functions["date"] = {call_date, "st"};
  functions["tz"] = {call_zone, "st"};
}

void add_clock_functions(TemplateFunctions& functions, const Clock& clock) {
  functions["now"] = {[&clock](const Arguments&) -> Result<TemplateValue> {
                        return TemplateValue(TemplateTime{clock.now_nanos(), TimeZone::utc()});
                      },
                      ""};
  functions["since"] = {[&clock](const Arguments& arguments) -> Result<TemplateValue> {
                          return TemplateValue(clock.now_nanos() - as_time(arguments[0])->at);
                        },
                        "t"};
}

}  // namespace nines::internal
