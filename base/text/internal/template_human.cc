// Numbers for people. Source:
// prometheus.io/docs/prometheus/latest/configuration/template_reference.

#include <array>
#include <cctype>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "base/text/internal/template_standard.h"
#include "base/text/internal/template_values.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::internal {
namespace {

using Arguments = std::vector<TemplateValue>;

constexpr std::array<std::string_view, 8> kLarge = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
constexpr std::array<std::string_view, 8> kSmall = {"m", "u", "n", "p", "f", "a", "z", "y"};
constexpr std::array<std::string_view, 8> kBinary = {"ki", "Mi", "Gi", "Ti",
                                                     "Pi", "Ei", "Zi", "Yi"};

// As Go reads a float: digits may be parted by an underscore, hexadecimal needs its exponent.
std::optional<double> parse_text(std::string text) {
  const std::string low = to_lower(text);
  const bool hex = low.find("0x") != std::string::npos;
  if (hex && low.find('p') == std::string::npos) return std::nullopt;
  for (std::size_t at = text.find('_'); at != std::string::npos; at = text.find('_', at)) {
    const auto is_digit = [&text](std::size_t i) {
      return i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
    };
    if (at == 0 || !is_digit(at - 1) || !is_digit(at + 1)) return std::nullopt;
    text.erase(at, 1);
  }
  return parse_double(text);
}

// A number, or a text that is one.
Result<double> number_argument(const Arguments& arguments) {
  if (const auto number = as_number(arguments[0])) return *number;
  if (const auto* duration = as_duration(arguments[0])) {
    return std::chrono::duration<double>(*duration).count();
  }
  if (const auto* text = as_text(arguments[0])) {
    if (const auto number = parse_text(*text)) return *number;
    return Error(ErrorCode::kInvalid,
                 "strconv.ParseFloat: parsing " + quote_go(*text) + ": invalid syntax");
  }
  return Error(ErrorCode::kInvalid,
               "can't convert " + std::string(type_name(arguments[0])) + " to float");
}

std::string four_digits(double v) {
  return format_general(v, 4);
}

std::string scale_down(double v, double base, const std::array<std::string_view, 8>& units) {
  std::string_view unit;
  for (const std::string_view next : units) {
    if (std::abs(v) < base) break;
    unit = next;
    v /= base;
  }
  return four_digits(v) + std::string(unit);
}

std::string scale_up(double v) {
  std::string_view unit;
  for (const std::string_view next : kSmall) {
    if (std::abs(v) >= 1) break;
    unit = next;
    v *= 1000;
  }
  return four_digits(v) + std::string(unit);
}

std::string humanize(double v) {
  if (v == 0 || !std::isfinite(v)) return four_digits(v);
  return std::abs(v) >= 1 ? scale_down(v, 1000, kLarge) : scale_up(v);
}

std::string humanize_1024(double v) {
  if (std::abs(v) <= 1 || !std::isfinite(v)) return four_digits(v);
  return scale_down(v, 1024, kBinary);
}

std::string humanize_duration(double v) {
  if (!std::isfinite(v)) return four_digits(v);
  if (v == 0) return "0s";
  if (std::abs(v) < 1) return scale_up(v) + "s";
  const std::string sign = v < 0 ? "-" : "";
  v = std::abs(v);
  // Seconds alone keep four digits; with larger units they are whole.
  if (v < 60) return sign + four_digits(v) + "s";
  if (v >= 0x1p63) return sign + four_digits(v) + "s";  // more seconds than can be counted
  const auto whole = static_cast<std::int64_t>(v);
  std::string out = sign;
  const auto part = [&out](std::int64_t count, const char* unit) {
    out += std::to_string(count) + unit;
  };
  if (whole >= 86'400) part(whole / 86'400, "d ");
  if (whole >= 3'600) part(whole / 3'600 % 24, "h ");
  part(whole / 60 % 60, "m ");
  part(whole % 60, "s");
  return out;
}

TemplateFunction of_number(std::string (*print)(double)) {
  return {[print](const Arguments& arguments) -> Result<TemplateValue> {
            NINES_TRY(const double v, number_argument(arguments));
            return TemplateValue(print(v));
          },
          "a"};
}

// Seconds as whole nanoseconds; kInvalid where they do not fit, or are no number.
Result<std::chrono::nanoseconds> nanos_of(double seconds, const char* what) {
  if (!std::isfinite(seconds)) return Error(ErrorCode::kInvalid, "value is NaN or Inf");
  const double nanos = seconds * 1e9;
  if (!(std::abs(nanos) < 0x1p63)) {
    return Error(ErrorCode::kInvalid, format_double_g(seconds) + " cannot be represented as a " +
                                          what + " since it overflows int64");
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(nanos));
}

Result<TemplateTime> to_time(const Arguments& arguments) {
  if (as_time(arguments[0])) return *as_time(arguments[0]);
  NINES_TRY(const double v, number_argument(arguments));
  NINES_TRY(const std::chrono::nanoseconds nanos, nanos_of(v, "nanoseconds timestamp"));
  const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(nanos);  // as Go cuts
  return TemplateTime{LogTime(whole), TimeZone::utc()};
}

Result<TemplateValue> call_to_time(const Arguments& arguments) {
  NINES_TRY(TemplateTime time, to_time(arguments));
  return TemplateValue(std::move(time));
}

Result<TemplateValue> call_humanize_timestamp(const Arguments& arguments) {
  if (const auto v = number_argument(arguments); v && !std::isfinite(*v)) {
    return TemplateValue(four_digits(*v));
  }
  NINES_TRY(const TemplateTime time, to_time(arguments));
  return TemplateValue(print_time(time));
}

Result<TemplateValue> call_to_duration(const Arguments& arguments) {
  NINES_TRY(const double v, number_argument(arguments));
  NINES_TRY(const std::chrono::nanoseconds nanos, nanos_of(v, "duration"));
  return TemplateValue(nanos);
}

Result<TemplateValue> call_parse_duration(const Arguments& arguments) {
  const std::string& text = *as_text(arguments[0]);
  const bool negative = text.starts_with('-');
  NINES_TRY(const Duration d, parse_duration(std::string_view(text).substr(negative ? 1 : 0)));
  return TemplateValue(negative ? -to_seconds(d) : to_seconds(d));
}

std::string to_percentage(double v) {
  return four_digits(v * 100) + "%";
}

}  // namespace

void add_human_functions(TemplateFunctions& functions) {
  functions["humanize"] = of_number(humanize);
  functions["humanize1024"] = of_number(humanize_1024);
  functions["humanizeDuration"] = of_number(humanize_duration);
  functions["humanizePercentage"] = of_number(to_percentage);
  functions["humanizeTimestamp"] = {call_humanize_timestamp, "a"};
  functions["toTime"] = {call_to_time, "a"};
  functions["toDuration"] = {call_to_duration, "a"};
  functions["parseDuration"] = {call_parse_duration, "s"};
}

}  // namespace nines::internal
