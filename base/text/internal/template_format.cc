// Go's fmt.Sprintf for the values of a template.

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "base/text/internal/letter_case.h"
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

// %c, %q and %U: a number as the character it stands for.
std::string rune_text(const Spec& spec, std::int64_t value) {
  const bool valid = value >= 0 && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
  std::string rune;
  append_rune(rune, valid ? static_cast<std::uint32_t>(value) : 0xFFFD);
  if (spec.verb == 'c') return rune;
  if (spec.verb == 'q') {
    if (rune == "'") return "'\\''";
    if (rune == "\"") return "'\"'";
    const std::string quoted = quote_go(rune);
    return "'" + quoted.substr(1, quoted.size() - 2) + "'";
  }
  const std::string digits = hex(static_cast<std::uint64_t>(value));
  std::string out = digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 4));
  for (char& c : out) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  out.insert(0, "U+");
  const bool shown = spec.sharp && valid && is_printable(static_cast<std::uint32_t>(value));
  return shown ? out + " '" + rune + "'" : out;
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
    case 'U':
      pad(out, spec, rune_text(spec, value), false);
      return true;
    default:
      return false;
  }
  std::array<char, 72> buffer{};
  const bool negative = value < 0;
  const std::uint64_t magnitude =
      negative ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, base);
  std::string digits(buffer.data(), written.ptr);
  if (spec.precision == 0 && value == 0) digits.clear();
  if (spec.verb == 'X') {
    for (char& c : digits) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  if (spec.precision > static_cast<int>(digits.size())) {
    digits.insert(0, static_cast<std::size_t>(spec.precision) - digits.size(), '0');
  }
  if (spec.verb == 'O') digits.insert(0, "0o");
  if (spec.sharp && base == 16) digits.insert(0, spec.verb == 'X' ? "0X" : "0x");
  if (spec.sharp && spec.verb == 'o') digits.insert(0, "0");
  if (spec.sharp && spec.verb == 'b') digits.insert(0, "0b");
  pad(out, spec, std::string(sign_text(spec, negative)) + digits, spec.precision < 0);
  return true;
}

std::string general_digits(double magnitude, int precision) {
  std::array<char, 512> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude,
                                     std::chars_format::general, std::min(precision, 400));
  return {buffer.data(), written.ptr};
}

// As 0x1.8p+00.
std::string hex_digits(double magnitude, int precision) {
  std::array<char, 512> buffer{};
  char* const end = buffer.data() + buffer.size();
  const auto written = precision < 0
                           ? std::to_chars(buffer.data(), end, magnitude, std::chars_format::hex)
                           : std::to_chars(buffer.data(), end, magnitude, std::chars_format::hex,
                                           std::min(precision, 400));
  std::string digits(buffer.data(), written.ptr);
  const std::size_t exponent = digits.find_first_of("+-");
  if (exponent != std::string::npos && digits.size() - exponent == 2) {
    digits.insert(exponent + 1, "0");
  }
  return "0x" + digits;
}

bool format_float(std::string& out, const Spec& spec, double value) {
  static constexpr std::string_view kVerbs = "veEfFgGxX";
  if (spec.verb > 0x7F || kVerbs.find(static_cast<char>(spec.verb)) == std::string_view::npos) {
    return false;
  }
  if (!std::isfinite(value)) {
    std::string word = std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
    if (std::isnan(value) && spec.plus) word = "+NaN";
    if (spec.space && !spec.plus && !std::signbit(value))
      word = std::isnan(value) ? " NaN" : " Inf";
    pad(out, spec, word, false);
    return true;
  }
  const double magnitude = std::abs(value);
  const char verb = static_cast<char>(spec.verb | 0x20);
  std::string digits;
  if (verb == 'x') {
    digits = hex_digits(magnitude, spec.precision);
  } else if (verb == 'v' || verb == 'g') {
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
  if (spec.verb == 'X') digits = upper_text(digits);
  pad(out, spec, std::string(sign_text(spec, std::signbit(value))) + digits, true);
  return true;
}

// As quote_go, with escapes for all beyond ASCII.
std::string quote_ascii(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  const std::string quoted = quote_go(text);
  std::string out;
  for (std::string_view rest = quoted; !rest.empty();) {
    const Rune rune = read_rune(rest);
    if (rune.code < 0x80) {
      out += rest.substr(0, rune.length);
    } else {
      const bool wide = rune.code > 0xFFFF;
      out += wide ? "\\U" : "\\u";
      for (int shift = wide ? 28 : 12; shift >= 0; shift -= 4) {
        out += kDigits[(rune.code >> shift) & 0xFU];
      }
    }
    rest.remove_prefix(rune.length);
  }
  return out;
}

std::string hex_text(const Spec& spec, std::string_view text) {
  const std::size_t most =
      spec.precision < 0 ? text.size() : static_cast<std::size_t>(spec.precision);
  text = text.substr(0, most);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (spec.space && i > 0) out += ' ';
    if (spec.sharp && (spec.space || i == 0)) out += "0x";
    out += hex(std::as_bytes(std::span(text.data() + i, 1)));
  }
  return spec.verb == 'X' ? upper_text(out) : out;
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
    case 'q': {
      const bool raw = spec.sharp && shown.find('`') == std::string::npos &&
                       std::none_of(shown.begin(), shown.end(), [](char c) {
                         return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
                       });
      shown = raw ? "`" + shown + "`" : spec.plus ? quote_ascii(shown) : quote_go(shown);
      break;
    }
    case 'x':
    case 'X':
      shown = hex_text(spec, text);
      break;
    default:
      return false;
  }
  pad(out, spec, shown, true);
  return true;
}

void format_one(std::string& out, const Spec& spec, const TemplateValue& value, bool inside);

void format_bad_verb(std::string& out, const Spec& spec, const TemplateValue& value) {
  out += "%!";
  append_rune(out, spec.verb);
  out += '(';
  if (!is_nil(value)) {
    out += type_name(value);
    out += '=';
  }
  Spec plain = spec;
  plain.verb = 'v';
  format_one(out, plain, value, true);
  out += ')';
}

// A verb reaches through lists, maps and records to what they hold.
void format_whole(std::string& out, const Spec& spec, const TemplateValue& value) {
  const auto room = [&out] { return out.size() < kPrintedBytesMax; };
  if (const auto* list = as_list(value)) {
    out += '[';
    for (std::size_t i = 0; i < list->size() && room(); ++i) {
      if (i > 0) out += ' ';
      format_one(out, spec, (*list)[i], true);
    }
    out += ']';
  } else if (const auto* map = as_map(value)) {
    out += "map[";
    for (auto it = map->begin(); it != map->end() && room(); ++it) {
      if (it != map->begin()) out += ' ';
      format_one(out, spec, TemplateValue(it->first), true);
      out += ':';
      format_one(out, spec, it->second, true);
    }
    out += ']';
  } else if (const auto* record = as_record(value)) {
    out += '{';
    for (std::size_t i = 0; i < record->fields.size() && room(); ++i) {
      if (i > 0) out += ' ';
      if (spec.plus && spec.verb == 'v') out += record->fields[i].name + ":";
      format_one(out, spec, record->fields[i].value, true);
    }
    out += '}';
  }
}

// `inside` a list, a map or a record.
void format_one(std::string& out, const Spec& spec, const TemplateValue& value, bool inside) {
  if (spec.verb == 'T') return pad(out, spec, type_name(value), false);
  if (is_nil(value)) {
    if (spec.verb == 'v' || inside) return pad(out, spec, "<nil>", false);
    return format_bad_verb(out, spec, value);
  }
  const bool texty =
      std::string_view("vsqxX").find(static_cast<char>(spec.verb)) != std::string_view::npos &&
      spec.verb < 0x80;
  bool done = false;
  if (const auto* text = as_text(value)) {
    done = format_text(out, spec, *text);
  } else if (texty && (named_text(value) || as_time(value) || as_duration(value))) {
    done = format_text(out, spec, value.to_string());
  } else if (const auto integer = as_integer(value)) {
    done = format_integer(out, spec, *integer);
  } else if (const auto* duration = as_duration(value)) {
    done = format_integer(out, spec, duration->count());
  } else if (const auto number = as_number(value)) {
    done = format_float(out, spec, *number);
  } else if (as_list(value) || as_map(value) || as_record(value)) {
    done = true;
    format_whole(out, spec, value);
  } else if (std::holds_alternative<bool>(value.data()) && (spec.verb == 't' || spec.verb == 'v')) {
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
    if (end == std::string_view::npos) rest_ = {};  // without an end there is no verb either
    if (rest_.empty()) return false;
    const auto n = parse_int(rest_.substr(1, end == std::string_view::npos ? 0 : end - 1));
    if (end != std::string_view::npos) rest_.remove_prefix(end + 1);
    reordered_ = true;
    if (!n || *n < 1 || static_cast<std::uint64_t>(*n) > count_) return false;
    used_ = static_cast<std::size_t>(*n - 1);
    return true;
  }

  // A width or a precision; `bad` is written where * finds no number that can be one.
  int number(std::string_view bad, int none) {
    if (rest_.starts_with('*')) {
      rest_.remove_prefix(1);
      const auto value = used_ < count_ ? as_integer(first_[used_++]) : std::nullopt;
      const bool usable = value && (bad == "%!(BADWIDTH)" || *value >= 0);
      if (!usable) {
        out_ += bad;
        return none;
      }
      return static_cast<int>(std::clamp<std::int64_t>(*value, -kWidthMax, kWidthMax));
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
    spec.width = number("%!(BADWIDTH)", 0);
    if (spec.width < 0) {
      spec.minus = true;
      spec.width = -spec.width;
    }
    if (rest_.starts_with('.')) {
      rest_.remove_prefix(1);
      good_number &= argument_number();
      spec.precision = number("%!(BADPREC)", -1);
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
      format_one(out_, spec, first_[used_++], false);
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
