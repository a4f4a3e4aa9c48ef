// Go's fmt.Sprintf for the values of a template.

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "base/text/internal/template_values.h"
#include "base/text/internal/utf8.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::internal {
namespace {

constexpr int kWidthMax = 10'000;  // hostile widths would fill the memory

struct Spec {
  bool minus = false, plus = false, sharp = false, space = false, zero = false;
  int width = 0;
  int precision = -1;
  std::uint32_t verb = 0;
};

std::size_t rune_count(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

void pad(std::string& out, const Spec& spec, std::string_view text, bool zeros_allowed) {
  const std::size_t width = static_cast<std::size_t>(spec.width);
  const std::size_t length = rune_count(text);
  const std::size_t missing = width > length ? width - length : 0;
  if (spec.minus) {
    out += text;
    out.append(missing, ' ');
    return;
  }
  if (!spec.zero || !zeros_allowed) {
    out.append(missing, ' ');
    out += text;
    return;
  }
  // Zeros go between the sign and the digits.
  const bool sign = !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ');
  if (sign) out += text[0];
  out.append(missing, '0');
  out += text.substr(sign ? 1 : 0);
}

std::string_view sign_text(const Spec& spec, bool negative) {
  return negative ? "-" : spec.plus ? "+" : spec.space ? " " : "";
}

bool format_integer(std::string& out, const Spec& spec, std::int64_t value) {
  int base = 10;
  switch (spec.verb) {
    case 'v':
    case 'd':
      break;
    case 'b':
      base = 2;
      break;
    case 'o':
    case 'O':
      base = 8;
      break;
    case 'x':
    case 'X':
      base = 16;
      break;
    case 'c':
    case 'q':
    case 'U': {
      const bool valid = value >= 0 && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
      std::string rune;
      append_rune(rune, valid ? static_cast<std::uint32_t>(value) : 0xFFFD);
      if (spec.verb == 'q') rune = rune == "'" ? "'\\''" : "'" + rune + "'";
      if (spec.verb == 'U') {
        const std::string digits = hex(static_cast<std::uint64_t>(value));
        rune = digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 4));
        for (char& c : rune) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
        rune.insert(0, "U+");
      }
      pad(out, spec, rune, false);
      return true;
    }
    default:
      return false;
  }
  std::array<char, 72> buffer{};
  const bool negative = value < 0;
  const std::uint64_t magnitude =
      negative ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, base);
  std::string digits(buffer.data(), written.ptr);
  if (spec.verb == 'X') {
    for (char& c : digits) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  if (spec.precision > static_cast<int>(digits.size())) {
    digits.insert(0, static_cast<std::size_t>(spec.precision) - digits.size(), '0');
  }
  if (spec.verb == 'O') digits.insert(0, "0o");
  if (spec.sharp && base == 16) digits.insert(0, spec.verb == 'X' ? "0X" : "0x");
  if (spec.sharp && spec.verb == 'o') digits.insert(0, "0");
  pad(out, spec, std::string(sign_text(spec, negative)) + digits, spec.precision < 0);
  return true;
}

std::string general_digits(double magnitude, int precision) {
  std::array<char, 512> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude,
                                     std::chars_format::general, std::min(precision, 400));
  return {buffer.data(), written.ptr};
}

bool format_float(std::string& out, const Spec& spec, double value) {
  static constexpr std::string_view kVerbs = "veEfFgG";
  if (spec.verb > 0x7F || kVerbs.find(static_cast<char>(spec.verb)) == std::string_view::npos) {
    return false;
  }
  if (!std::isfinite(value)) {
    std::string word = std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
    if (std::isnan(value) && spec.plus) word = "+NaN";
    pad(out, spec, word, false);
    return true;
  }
  const double magnitude = std::abs(value);
  const char verb = static_cast<char>(spec.verb | 0x20);
  std::string digits;
  if (verb == 'v' || verb == 'g') {
    digits =
        spec.precision < 0 ? format_double_g(magnitude) : general_digits(magnitude, spec.precision);
  } else {
    const int precision = spec.precision < 0 ? 6 : std::min(spec.precision, 400);
    std::array<char, 768> buffer{};  // 309 digits, the point and the precision fit
    const auto written = std::to_chars(
        buffer.data(), buffer.data() + buffer.size(), magnitude,
        verb == 'e' ? std::chars_format::scientific : std::chars_format::fixed, precision);
    digits.assign(buffer.data(), written.ptr);
  }
  if (spec.verb == 'E' || spec.verb == 'G') {
    std::replace(digits.begin(), digits.end(), 'e', 'E');
  }
  pad(out, spec, std::string(sign_text(spec, std::signbit(value))) + digits, true);
  return true;
}

bool format_text(std::string& out, const Spec& spec, std::string_view text) {
  std::string shown(text);
  if (spec.precision >= 0 && spec.verb != 'x' && spec.verb != 'X') {
    std::size_t bytes = 0;
    for (int runes = 0; runes < spec.precision && bytes < shown.size(); ++runes) {
      bytes += read_rune(std::string_view(shown).substr(bytes)).length;
    }
    shown.resize(bytes);
  }
  switch (spec.verb) {
    case 'v':
      if (spec.sharp) shown = quote_go(shown);
      break;
    case 's':
      break;
    case 'q':
      shown = quote_go(shown);
      break;
    case 'x':
    case 'X':
      shown = hex(std::as_bytes(std::span(text.data(), text.size())));
      if (spec.verb == 'X') {
        for (char& c : shown) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
      }
      break;
    default:
      return false;
  }
  pad(out, spec, shown, true);
  return true;
}

void format_bad_verb(std::string& out, const Spec& spec, const TemplateValue& value) {
  out += "%!";
  append_rune(out, spec.verb);
  out += '(';
  if (!is_nil(value)) {
    out += type_name(value);
    out += '=';
  }
  out += value.to_string() + ")";
}

void format_one(std::string& out, const Spec& spec, const TemplateValue& value) {
  if (spec.verb == 'T') return pad(out, spec, type_name(value), false);
  bool done = false;
  if (const auto* text = as_text(value)) {
    done = format_text(out, spec, *text);
  } else if (const auto integer = as_integer(value)) {
    done = format_integer(out, spec, *integer);
  } else if (const auto number = as_number(value)) {
    done = format_float(out, spec, *number);
  } else if (const auto* list = as_list(value); list != nullptr && spec.verb != 'v') {
    // A verb reaches through a list to its elements.
    done = true;
    out += '[';
    for (std::size_t i = 0; i < list->size() && out.size() < kPrintedBytesMax; ++i) {
      if (i > 0) out += ' ';
      format_one(out, spec, (*list)[i]);
    }
    out += ']';
  } else if (spec.verb == 'v' || (std::holds_alternative<bool>(value.data()) && spec.verb == 't') ||
             ((as_map(value) || as_time(value) || as_duration(value)) && spec.verb == 's')) {
    done = true;
    pad(out, spec, value.to_string(), false);
  }
  if (!done) format_bad_verb(out, spec, value);
}

class Formatter {
 public:
  Formatter(std::string_view format, const TemplateValue* first, std::size_t count)
      : rest_(format), first_(first), count_(count) {}

  std::string run() {
    while (!rest_.empty() && out_.size() < kPrintedBytesMax) {
      const std::size_t percent = std::min(rest_.find('%'), rest_.size());
      out_ += rest_.substr(0, percent);
      rest_.remove_prefix(percent);
      if (!rest_.empty()) directive();
    }
    // Who picks arguments by number may leave some out.
    if (used_ < count_ && !reordered_) {
      out_ += "%!(EXTRA ";
      for (std::size_t i = used_; i < count_; ++i) {
        if (i > used_) out_ += ", ";
        out_ += type_name(first_[i]);
        if (!is_nil(first_[i])) out_ += "=" + first_[i].to_string();
      }
      out_ += ')';
    }
    return std::move(out_);
  }

 private:
  bool flag(Spec& spec) {
    if (rest_.empty()) return false;
    switch (rest_.front()) {
      case '-':
        spec.minus = true;
        break;
      case '+':
        spec.plus = true;
        break;
      case '#':
        spec.sharp = true;
        break;
      case ' ':
        spec.space = true;
        break;
      case '0':
        spec.zero = true;
        break;
      default:
        return false;
    }
    rest_.remove_prefix(1);
    return true;
  }

  // [n] makes argument n, counted from 1, the next one. False when it is malformed.
  bool argument_number() {
    if (!rest_.starts_with('[')) return true;
    const std::size_t end = rest_.find(']');
    const auto n = parse_int(rest_.substr(1, end == std::string_view::npos ? 0 : end - 1));
    if (end != std::string_view::npos) rest_.remove_prefix(end + 1);
    reordered_ = true;
    if (!n || *n < 1 || static_cast<std::uint64_t>(*n) > count_) return false;
    used_ = static_cast<std::size_t>(*n - 1);
    return true;
  }

  int number() {
    if (rest_.starts_with('*')) {
      rest_.remove_prefix(1);
      const auto value = used_ < count_ ? as_integer(first_[used_++]) : std::nullopt;
      return static_cast<int>(std::clamp<std::int64_t>(value.value_or(0), -kWidthMax, kWidthMax));
    }
    int value = 0;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      value = std::min(value * 10 + (rest_.front() - '0'), kWidthMax);
      rest_.remove_prefix(1);
    }
    return value;
  }

  void directive() {
    rest_.remove_prefix(1);
    Spec spec;
    while (flag(spec)) {
    }
    bool good_number = argument_number();
    spec.width = number();
    if (spec.width < 0) {
      spec.minus = true;
      spec.width = -spec.width;
    }
    if (rest_.starts_with('.')) {
      rest_.remove_prefix(1);
      good_number &= argument_number();
      spec.precision = number();
    }
    good_number &= argument_number();
    if (rest_.empty()) {
      out_ += "%!(NOVERB)";
      return;
    }
    const Rune verb = read_rune(rest_);
    spec.verb = verb.code;
    rest_.remove_prefix(verb.length);
    if (spec.verb == '%') {
      out_ += '%';
    } else if (!good_number) {
      out_ += "%!";
      append_rune(out_, spec.verb);
      out_ += "(BADINDEX)";
    } else if (used_ == count_) {
      out_ += "%!";
      append_rune(out_, spec.verb);
      out_ += "(MISSING)";
    } else {
      format_one(out_, spec, first_[used_++]);
    }
  }

  std::string_view rest_;
  const TemplateValue* first_;
  std::size_t count_;
  std::size_t used_ = 0;
  bool reordered_ = false;
  std::string out_;
};

}  // namespace

std::string format_values(std::string_view format, const TemplateValue* first, std::size_t count) {
  return Formatter(format, first, count).run();
}

std::string format_general(double v, int precision) {
  Spec spec;
  spec.verb = 'g';
  spec.precision = precision;
  std::string out;
  format_float(out, spec, v);
  return out;
}

}  // namespace nines::internal
