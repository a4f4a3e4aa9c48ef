#include "collector/receive/internal/influx_lines.h"

#include <algorithm>
#include <charconv>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

Error invalid(std::string_view what) {
  return {ErrorCode::kInvalid, std::string(what)};
}

// Where the line ends: at a line feed that stands in no quoted field.
std::size_t line_end(std::string_view text) {
  bool quoted = false, fields = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      ++i;
    } else if (c == '\n' && !quoted) {
      return i;
    } else if (c == ' ' && !quoted) {
      fields = true;  // before them a quote is an ordinary character
    } else if (c == '"' && fields) {
      quoted = !quoted;
    }
  }
  // A quote without its fellow swallows no further lines.
  return std::min(text.find('\n'), text.size());
}

class Cursor {
 public:
  explicit Cursor(std::string_view line) : line_(line) {}

  bool done() const { return at_ >= line_.size(); }
  char peek() const { return done() ? '\0' : line_[at_]; }
  bool take(char c) {
    if (peek() != c || done()) return false;
    ++at_;
    return true;
  }
  void skip_spaces() {
    while (take(' ')) {
    }
  }
  // Up to one of `stops`, escapes of those and of `=`, `,` and blank undone.
  std::string word(std::string_view stops) {
    std::string out;
    while (!done() && stops.find(line_[at_]) == std::string_view::npos) {
      const bool escapes = line_[at_] == '\\' && at_ + 1 < line_.size() &&
                           std::string_view(", =").find(line_[at_ + 1]) != std::string_view::npos;
      if (escapes) ++at_;
      out += line_[at_++];
    }
    return out;
  }
  // Behind the opening quote; nothing when it does not close.
  std::optional<std::string> quoted() {
    std::string out;
    while (!done()) {
      char c = line_[at_++];
      if (c == '"') return out;
      if (c == '\\' && (peek() == '"' || peek() == '\\')) c = line_[at_++];
      out += c;
    }
    return std::nullopt;
  }
  std::string_view rest() const { return line_.substr(std::min(at_, line_.size())); }

 private:
  std::string_view line_;
  std::size_t at_ = 0;
};

std::optional<double> field_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  for (const std::string_view yes : {"t", "T", "true", "True", "TRUE"}) {
    if (text == yes) return 1;
  }
  for (const std::string_view no : {"f", "F", "false", "False", "FALSE"}) {
    if (text == no) return 0;
  }
  if (text.back() == 'i') {
    const auto whole = parse_int(text.substr(0, text.size() - 1));
    if (!whole) return std::nullopt;
    return static_cast<double>(*whole);
  }
  if (text.back() == 'u') {
    std::uint64_t whole = 0;
    const char* const end = text.data() + text.size() - 1;
    const auto [stop, error] = std::from_chars(text.data(), end, whole);
    if (error != std::errc() || stop != end) return std::nullopt;
    return static_cast<double>(whole);
  }
  return parse_double(text);
}

Result<void> read_tags(Cursor& cursor, InfluxPoint& point) {
  while (cursor.take(',')) {
    std::string name = cursor.word(",= ");
    if (name.empty() || !cursor.take('=')) return invalid("expected TAG=VALUE behind a comma");
    std::string value = cursor.word(", ");
    if (value.empty()) continue;  // no label has an empty value
    point.tags.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

Result<void> read_field(Cursor& cursor, InfluxPoint& point) {
  std::string name = cursor.word(",= ");
  if (name.empty() || !cursor.take('=')) return invalid("expected FIELD=VALUE");
  if (cursor.take('"')) {
    const std::optional<std::string> text = cursor.quoted();
    if (!text) return invalid("the text of field " + quote_go(name) + " has no closing quote");
    if (const auto number = parse_double(*text))
      point.fields.emplace_back(std::move(name), *number);
    return {};
  }
  const std::string value = cursor.word(", ");
  const std::optional<double> number = field_number(value);
  if (!number) {
    return invalid("field " + quote_go(name) + " is no number: " +
                   quote_go(std::string_view(value).substr(0, 40)));
  }
  point.fields.emplace_back(std::move(name), *number);
  return {};
}

Result<InfluxPoint> read_point(std::string_view line) {
  Cursor cursor(line);
  InfluxPoint point;
  point.measurement = cursor.word(", ");
  if (Result<void> tags = read_tags(cursor, point); !tags) return tags.error();
  if (cursor.peek() != ' ') return invalid("expected a blank and fields");
  cursor.skip_spaces();
  if (cursor.done()) return invalid("there are no fields");
  do {
    if (Result<void> field = read_field(cursor, point); !field) return field.error();
  } while (cursor.take(','));
  cursor.skip_spaces();
  const std::string_view time = trim(cursor.rest());
  if (time.empty()) return point;
  point.time = parse_int(time);
  if (!point.time) return invalid("time is no whole number: " + quote_go(time.substr(0, 40)));
  return point;
}

}  // namespace

std::optional<Result<InfluxPoint>> InfluxLines::next() {
  while (!rest_.empty()) {
    const std::size_t end = line_end(rest_);
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    line_ = lines_before_ + 1;
    lines_before_ += 1 + static_cast<std::size_t>(std::count(line.begin(), line.end(), '\n'));
    line = trim(line);
    if (!line.empty() && line.front() != '#') return read_point(line);
  }
  return std::nullopt;
}

std::optional<std::int64_t> influx_unit_nanos(std::string_view precision) {
  static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"", 1},          {"n", 1},          {"ns", 1},
      {"u", 1'000},     {"us", 1'000},     {"\xC2\xB5", 1'000},
      {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000},
      {"h", 3'600'000'000'000}};
  for (const auto& [name, nanos] : kUnits) {
    if (name == precision) return nanos;
  }
  return std::nullopt;
}

}  // namespace nines::collector
