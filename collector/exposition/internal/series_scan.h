#pragma once
// The grammar of a series in an exposition: name{label="value",...}, or {"name",label="value",...}.

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "collector/exposition/internal/bytes16.h"

namespace nines::collector {

// Where a scan stopped: behind what it read, or at the byte it did not like and why.
struct Scan {
  const char* at = nullptr;
  const char* error = nullptr;  // null: fine
};

// A quoted or bare piece of a series as it stands in the text.
struct RawText {
  std::string_view text;  // without quotes, escapes still in
  bool has_escapes = false;
};

// What a scan that only wants the end of the series does with its pieces.
struct IgnorePieces {
  void on_name(RawText) {}
  void on_label(RawText, RawText) {}
};

inline bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
inline const char* skip_blanks(const char* p, const char* end) {
  while (p != end && is_blank(*p)) ++p;
  return p;
}

namespace scan_detail {

enum : unsigned char { kNameStart = 1, kNameRest = 2, kColon = 4 };

constexpr std::array<unsigned char, 256> make_classes() {
  std::array<unsigned char, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    classes[static_cast<std::size_t>(c)] = static_cast<unsigned char>(
        (letter ? kNameStart | kNameRest : 0) | (digit ? kNameRest : 0) | (c == ':' ? kColon : 0));
  }
  return classes;
}
inline constexpr std::array<unsigned char, 256> kClasses = make_classes();

inline bool is(char c, unsigned classes) {
  return (kClasses[static_cast<unsigned char>(c)] & classes) != 0;
}

// [a-zA-Z_][a-zA-Z0-9_]*, with colons when they are allowed. `p` itself when there is none.
inline const char* skip_name(const char* p, const char* end, unsigned colon) {
  if (p == end || !is(*p, kNameStart | colon)) return p;
  do ++p;
  while (p != end && is(*p, kNameRest | colon));
  return p;
}

// `p` stands behind the opening quote; the result's `at` behind the closing one.
inline Scan scan_quoted(const char* p, const char* end, RawText& out) {
  const char* const start = p;
  for (;;) {
    const auto left = static_cast<std::size_t>(end - p);
    const char* quote = left == 0 ? nullptr : static_cast<const char*>(std::memchr(p, '"', left));
    if (quote == nullptr) return {start - 1, "unterminated quoted text"};
    const char* slash = quote;
    while (slash != start && slash[-1] == '\\') --slash;
    if ((quote - slash) % 2 != 0) {  // the quote itself is escaped
      p = quote + 1;
      continue;
    }
    out.text = {start, static_cast<std::size_t>(quote - start)};
    out.has_escapes = std::memchr(start, '\\', out.text.size()) != nullptr;
    return {quote + 1, nullptr};
  }
}

}  // namespace scan_detail

// From the opening brace to behind the closing one. A quoted text without '=' is the series' name;
// `has_name` says whether there is one already.
template <typename Pieces>
Scan scan_labels(const char* p, const char* end, bool& has_name, Pieces& pieces) {
  using namespace scan_detail;
  ++p;
  for (;;) {
    p = skip_blanks(p, end);
    if (p == end) return {p, "label set is not closed"};
    if (*p == '}') return {p + 1, nullptr};
    const char* const start = p;
    RawText name;
    const bool quoted = *p == '"';
    if (quoted) {
      const Scan scan = scan_quoted(p + 1, end, name);
      if (scan.error != nullptr) return scan;
      p = scan.at;
    } else {
      p = skip_name(p, end, 0);
      if (p == start) return {p, "expected a label name"};
      name.text = {start, static_cast<std::size_t>(p - start)};
    }
    p = skip_blanks(p, end);
    if (p != end && *p == '=') {
      if (name.text.empty()) return {start, "label name is empty"};
      p = skip_blanks(p + 1, end);
      if (p == end || *p != '"') return {p, "expected a quoted label value"};
      RawText value;
      const Scan scan = scan_quoted(p + 1, end, value);
      if (scan.error != nullptr) return scan;
      p = skip_blanks(scan.at, end);
      pieces.on_label(name, value);
    } else if (!quoted) {
      return {p, "expected ="};
    } else if (has_name) {
      return {start, "series has two names"};
    } else if (name.text.empty()) {
      return {start, "metric name is empty"};
    } else {
      has_name = true;
      pieces.on_name(name);
    }
    if (p == end) return {p, "label set is not closed"};
    if (*p == ',') {
      ++p;
    } else if (*p != '}') {
      return {p, "expected , or }"};
    }
  }
}

// A whole series; blanks may stand before its brace. The result's `at` is right behind it.
template <typename Pieces>
Scan scan_series(const char* p, const char* end, Pieces& pieces) {
  using namespace scan_detail;
  const char* const start = p;
  p = skip_name(p, end, kColon);
  bool has_name = p != start;
  if (has_name) {
    pieces.on_name({{start, static_cast<std::size_t>(p - start)}, false});
    const char* const brace = skip_blanks(p, end);
    if (brace == end || *brace != '{') return {p, nullptr};
    p = brace;
  } else if (p == end || *p != '{') {
    return {p, "expected a metric name"};
  }
  const Scan scan = scan_labels(p, end, has_name, pieces);
  if (scan.error == nullptr && !has_name) return {start, "series has no metric name"};
  return scan;
}

namespace scan_detail {

// skip_name() in a text of which 32 bytes more can be read than `last` names.
template <bool colon>
inline const char* skip_name_fast(const char* p, const char* last) {
  for (;;) {
    if (p > last) return p;
    const unsigned n = name_bytes<colon>(p);
    p += n;
    if (n != kRunMax) return p;
  }
}

}  // namespace scan_detail

// A series and the blank behind it, in one pass, when it is written as nearly all are: a bare name,
// then perhaps bare label names with quoted values, a blank after a comma at most. Where the value
// begins; null when there is anything else, which may be a series all the same, or near `end`.
inline const char* skip_plain_series(const char* p, const char* end) {
  using namespace scan_detail;
  constexpr std::ptrdiff_t kMargin = 2 * kRunMax;
  if (end - p <= kMargin) return nullptr;
  const char* const last = end - kMargin;  // as many bytes can be read from here
  if (!is(*p, kNameStart | kColon)) return nullptr;
  p = skip_name_fast<true>(p, last);
  if (*p == '{') {
    do {
      ++p;
      if (*p == ' ') ++p;
      if (*p == '}') break;
      if (!is(*p, kNameStart)) return nullptr;
      p = skip_name_fast<false>(p, last);
      if (p > last || p[0] != '=' || p[1] != '"') return nullptr;
      p += 2;
      for (;;) {
        if (p > last) return nullptr;
        const unsigned n = plain_bytes<true>(p);
        p += n;
        if (n == kRunMax) continue;
        if (*p == '"') break;
        if (*p == '\n' || p[1] == '\n') return nullptr;
        p += 2;  // an escape
      }
      ++p;
    } while (*p == ',');
    if (*p != '}') return nullptr;
    ++p;
  }
  return *p == ' ' && p < last ? p + 1 : nullptr;
}

}  // namespace nines::collector
