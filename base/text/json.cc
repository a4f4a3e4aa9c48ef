#include "base/text/json.h"

#include <cassert>
#include <charconv>
#include <cmath>

#include "base/text/internal/decimal.h"
#include "base/text/internal/utf8.h"

namespace nines {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  static constexpr std::string_view kHexDigits = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    // Runs of plain bytes are copied whole.
    std::size_t plain = 0;
    while (plain < text.size() && static_cast<unsigned char>(text[plain]) >= 0x20 &&
           static_cast<unsigned char>(text[plain]) < 0x80 && text[plain] != '"' &&
           text[plain] != '\\') {
      ++plain;
    }
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const internal::Rune rune = internal::read_rune(text);
    if (!rune.valid) {
      internal::append_rune(out, 0xFFFD);
    } else if (rune.code == '"' || rune.code == '\\') {
      out += '\\';
      out += text[0];
    } else if (rune.code == '\n') {
      out += "\\n";
    } else if (rune.code == '\t') {
      out += "\\t";
    } else if (rune.code == '\r') {
      out += "\\r";
    } else if (rune.code < 0x20) {
      out += "\\u00";
      out += kHexDigits[rune.code >> 4];
      out += kHexDigits[rune.code & 0xFU];
    } else {
      out.append(text.substr(0, rune.length));
    }
    text.remove_prefix(rune.length);
  }
  out += '"';
}

template <typename Integer>
void append_integer(std::string& out, Integer n) {
  char buffer[24];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, n);
  out.append(buffer, written.ptr);
}

}  // namespace

void JsonWriter::separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (has_item_.empty()) return;
  if (has_item_.back()) out_ += ',';
  has_item_.back() = true;
}

JsonWriter& JsonWriter::begin_object() {
  separate();
  out_ += '{';
  has_item_.push_back(false);
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  assert(!has_item_.empty() && !after_key_);
  has_item_.pop_back();
  out_ += '}';
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  out_ += '[';
  has_item_.push_back(false);
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  assert(!has_item_.empty() && !after_key_);
  has_item_.pop_back();
  out_ += ']';
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  assert(!has_item_.empty() && !after_key_);
  separate();
  append_escaped(out_, name);
  out_ += ':';
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  append_escaped(out_, text);
  return *this;
}

JsonWriter& JsonWriter::value(bool b) {
  separate();
  out_ += b ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::value(std::int64_t n) {
  separate();
  append_integer(out_, n);
  return *this;
}

JsonWriter& JsonWriter::value(std::uint64_t n) {
  separate();
  append_integer(out_, n);
  return *this;
}

JsonWriter& JsonWriter::value(double d) {
  if (!std::isfinite(d)) return null();
  separate();
  // The thresholds of JavaScript's own printing, so that a browser shows what was sent.
  const double magnitude = std::abs(d);
  const bool fixed = d == 0 || (magnitude >= 1e-6 && magnitude < 1e21);
  const internal::Decimal decimal = internal::shortest_decimal(d);
  out_ += fixed ? decimal.fixed() : decimal.scientific();
  return *this;
}

JsonWriter& JsonWriter::null() {
  separate();
  out_ += "null";
  return *this;
}

std::string& JsonWriter::raw_pieces() {
  separate();
  return out_;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

}  // namespace nines
