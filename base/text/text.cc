#include "base/text/text.h"

#include <algorithm>
#include <array>
#include <numeric>

#define XXH_INLINE_ALL  // the hash of a label set is on the ingest path
#include <xxhash.h>

#include "base/text/internal/utf8.h"

namespace nines {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

void append_hex(std::string& out, std::uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out += kHexDigits[(value >> shift) & 0xFU];
  }
}

void append_go_escape(std::string& out, std::uint32_t rune) {
  static constexpr std::string_view kLetters = "abtnvfr";  // from 0x07 to 0x0D
  if (rune >= 0x07 && rune <= 0x0D) {
    out += '\\';
    out += kLetters[rune - 0x07];
  } else if (rune < 0x20 || rune == 0x7F) {
    out += "\\x";
    append_hex(out, rune, 2);
  } else if (rune < 0x10000) {
    out += "\\u";
    append_hex(out, rune, 4);
  } else {
    out += "\\U";
    append_hex(out, rune, 8);
  }
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const internal::Rune rune = internal::read_rune(text);
    if (!rune.valid) return false;
    text.remove_prefix(rune.length);
  }
  return true;
}

std::string escape_label_value(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string quote_go(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const internal::Rune rune = internal::read_rune(text);
    const std::string_view bytes = text.substr(0, rune.length);
    if (!rune.valid) {
      out += "\\x";
      append_hex(out, static_cast<unsigned char>(bytes[0]), 2);
    } else if (rune.code == '"' || rune.code == '\\') {
      out += '\\';
      out += bytes;
    } else if (internal::is_printable(rune.code)) {
      out += bytes;
    } else {
      append_go_escape(out, rune.code);
    }
    text.remove_prefix(rune.length);
  }
  return out += '"';
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::string hex(std::uint64_t v) {
  std::string out;
  append_hex(out, static_cast<std::uint32_t>(v >> 32), 8);
  append_hex(out, static_cast<std::uint32_t>(v), 8);
  return out;
}

std::string hex(std::span<const std::byte> bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (const std::byte b : bytes) append_hex(out, std::to_integer<std::uint32_t>(b), 2);
  return out;
}

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}
std::uint64_t xxh64(std::string_view bytes) {
  return XXH64(bytes.data(), bytes.size(), 0);
}

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view nearest;
  std::size_t limit = std::max<std::size_t>(1, word.size() / 3) + 1;  // a distance must be below
  std::vector<std::size_t> row(word.size() + 1);
  for (const std::string_view candidate : candidates) {
    // Levenshtein's table, one row at a time: row[i] is the distance of word[0, i) so far.
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (const char c : candidate) {
      std::size_t diagonal = row[0]++;
      for (std::size_t i = 1; i <= word.size(); ++i) {
        const std::size_t replaced = diagonal + (word[i - 1] == c ? 0 : 1);
        diagonal = row[i];
        row[i] = std::min({replaced, row[i] + 1, row[i - 1] + 1});
      }
    }
    if (row.back() < limit) {
      limit = row.back();
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace nines
