// Times and durations in templates: Go's layouts, its ways to print them, and their methods.
// Source: pkg.go.dev/time (behaviour).

#include <array>
#include <chrono>
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
  auto counted = want_arguments(arguments, 2);
  if (!counted) return std::move(counted).error();
  NINES_TRY(const std::string layout, text_argument(arguments, 0));
  const auto* time = as_time(arguments[1]);
  if (time == nullptr) return invalid("date wants a layout and a time");
  return TemplateValue(format_time_layout(*time, layout));
}

// tz ZONE TIME
Result<TemplateValue> call_zone(const Arguments& arguments) {
  auto counted = want_arguments(arguments, 2);
  if (!counted) return std::move(counted).error();
  NINES_TRY(const std::string name, text_argument(arguments, 0));
  const auto* time = as_time(arguments[1]);
  if (time == nullptr) return invalid("tz wants a zone and a time");
  NINES_TRY(TimeZone zone, TimeZone::find(name));
  return TemplateValue(TemplateTime{time->at, std::move(zone)});
}

std::optional<TemplateValue> field_of(const TemplateTime& time, std::string_view method) {
  const auto integer = [](auto v) { return TemplateValue(static_cast<std::int64_t>(v)); };
  const Fields f(time);
  if (method == "Unix") {
    return integer(std::chrono::floor<std::chrono::seconds>(time.at).time_since_epoch().count());
  }
  if (method == "UnixMilli") {
    const auto whole = std::chrono::floor<std::chrono::milliseconds>(time.at);
    return integer(whole.time_since_epoch().count());
  }
  if (method == "UTC" || method == "Local")
    return TemplateValue(TemplateTime{time.at, TimeZone::utc()});
  if (method == "String") return TemplateValue(print_time(time));
  if (method == "Year") return integer(f.year());
  if (method == "Month") return TemplateValue(kMonths[f.month() - 1]);
  if (method == "Day") return integer(f.day());
  if (method == "YearDay") return integer(f.day_of_year);
  if (method == "Weekday") return TemplateValue(kDays[f.weekday]);
  if (method == "Hour") return integer(f.hour);
  if (method == "Minute") return integer(f.minute);
  if (method == "Second") return integer(f.second);
  if (method == "IsZero") return TemplateValue(time.at == LogTime{});
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
  if (method == "String") return TemplateValue(print_duration(duration));
  return std::nullopt;
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

std::optional<Result<TemplateValue>> call_time_method(const TemplateValue& value,
                                                      std::string_view method,
                                                      const Arguments& arguments) {
  const auto* time = as_time(value);
  if (time != nullptr && method == "Format") {
    const auto* layout = arguments.size() == 1 ? as_text(arguments[0]) : nullptr;
    if (layout == nullptr) return Result<TemplateValue>(invalid("Format wants a layout"));
    return Result<TemplateValue>(TemplateValue(format_time_layout(*time, *layout)));
  }
  if (!arguments.empty()) return std::nullopt;
  auto found = time != nullptr ? field_of(*time, method) : measure_of(*as_duration(value), method);
  if (!found) return std::nullopt;
  return Result<TemplateValue>(*std::move(found));
}

void add_time_functions(TemplateFunctions& functions) {
  functions["date"] = call_date;
  functions["tz"] = call_zone;
}

void add_clock_functions(TemplateFunctions& functions, const Clock& clock) {
  functions["now"] = [&clock](const Arguments& arguments) -> Result<TemplateValue> {
    if (auto counted = want_arguments(arguments, 0); !counted) return std::move(counted).error();
    return TemplateValue(TemplateTime{clock.now_nanos(), TimeZone::utc()});
  };
  functions["since"] = [&clock](const Arguments& arguments) -> Result<TemplateValue> {
    const auto* time = arguments.size() == 1 ? as_time(arguments[0]) : nullptr;
    if (time == nullptr) return invalid("since wants a time");
    return TemplateValue(clock.now_nanos() - time->at);
  };
}

}  // namespace nines::internal
