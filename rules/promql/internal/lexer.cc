#include "rules/promql/internal/lexer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "base/text/text.h"

namespace nines::promql {
namespace {

struct Word {
  std::string_view text;
  Tok type;
};
constexpr std::array kWords = {
    Word{"and", Tok::kAnd},
    Word{"or", Tok::kOr},
    Word{"unless", Tok::kUnless},
    Word{"atan2", Tok::kAtan2},
    Word{"sum", Tok::kSum},
    Word{"avg", Tok::kAvg},
    Word{"count", Tok::kCount},
    Word{"min", Tok::kMin},
    Word{"max", Tok::kMax},
    Word{"group", Tok::kGroup},
    Word{"stddev", Tok::kStddev},
    Word{"stdvar", Tok::kStdvar},
    Word{"topk", Tok::kTopk},
    Word{"bottomk", Tok::kBottomk},
    Word{"quantile", Tok::kQuantile},
    Word{"count_values", Tok::kCountValues},
    Word{"limitk", Tok::kLimitk},
    Word{"limit_ratio", Tok::kLimitRatio},
    Word{"offset", Tok::kOffset},
    Word{"anchored", Tok::kAnchored},
    Word{"smoothed", Tok::kSmoothed},
    Word{"by", Tok::kBy},
    Word{"without", Tok::kWithout},
    Word{"on", Tok::kOn},
    Word{"ignoring", Tok::kIgnoring},
    Word{"group_left", Tok::kGroupLeft},
    Word{"group_right", Tok::kGroupRight},
    Word{"fill", Tok::kFill},
    Word{"fill_left", Tok::kFillLeft},
    Word{"fill_right", Tok::kFillRight},
    Word{"bool", Tok::kBool},
    Word{"start", Tok::kStart},
    Word{"end", Tok::kEndWord},
    Word{"step", Tok::kStep},
    Word{"range", Tok::kRange},
    Word{"inf", Tok::kNumber},
    Word{"nan", Tok::kNumber},
};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_alnum(char c) {
  return is_alpha(c) || is_digit(c);
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The first character as Go's %#U prints it: U+0063 'c'.
std::string unicode_name(std::string_view text) {
  std::uint32_t code = static_cast<unsigned char>(text[0]);
  std::size_t length = 1;
  if (code >= 0xC0) {
    length = code >= 0xF0 ? 4 : (code >= 0xE0 ? 3 : 2);
    code &= 0xFFu >> (length + 1);
    for (std::size_t i = 1; i < std::min(length, text.size()); ++i) {
      code = (code << 6) | (static_cast<unsigned char>(text[i]) & 0x3Fu);
    }
  }
  std::array<char, 16> hex{};
  std::snprintf(hex.data(), hex.size(), "U+%04X", code);
  std::string out = hex.data();
  if (code >= 0x20 && code != 0x7F) out += " '" + std::string(text.substr(0, length)) + "'";
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    while (!done_) {
      if (in_braces_) {
        inside_braces();
      } else if (in_brackets_) {
        inside_brackets();
      } else {
        statement();
      }
    }
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return pos_ + ahead < text_.size() ? text_[pos_ + ahead] : '\0';
  }
  bool at_end() const { return pos_ >= text_.size(); }
  void emit(Tok type, std::size_t length) {
    tokens_.push_back({type, pos_, text_.substr(pos_, length), {}});
    pos_ += length;
  }
  void fail(std::string message) {
    tokens_.push_back(
        {Tok::kError, pos_, text_.substr(std::min(pos_, text_.size())), std::move(message)});
    done_ = true;
  }
  // A character from the cursor on as Go's %q prints a rune.
  std::string quoted_char(std::size_t ahead = 0) const {
    const std::size_t at = pos_ + ahead;
    if (at >= text_.size()) return "'\\ufffd'";
    if (text_[at] == '"') return "'\"'";
    if (text_[at] == '\'') return "'\\''";
    if (!is_valid_utf8(text_.substr(at, char_length(at)))) return "'\xEF\xBF\xBD'";
    const std::string quoted = quote_go(text_.substr(at, char_length(at)));
    return "'" + quoted.substr(1, quoted.size() - 2) + "'";
  }
  std::size_t char_length(std::size_t at) const {
    std::size_t n = 1;
    while (at + n < text_.size() && (static_cast<unsigned char>(text_[at + n]) & 0xC0) == 0x80) ++n;
    return n;
  }

  bool skip_blank() {
    if (is_space(peek()) && !at_end()) {
      while (!at_end() && is_space(peek())) ++pos_;
      return true;
    }
    if (peek() == '#') {
      while (!at_end() && peek() != '\n') ++pos_;
      return true;
    }
    return false;
  }

  void statement();
  void inside_braces();
  void inside_brackets();
  void colon();
  void parenthesis();
  void number_or_duration();
  bool scan_number(std::size_t& n) const;
  bool scan_units(std::size_t& n) const;
  void word();
  bool quoted_string();
  std::string check_escape(char quote, std::size_t& n) const;
  void symbol();
  void less_or_greater();

  std::string_view text_;
  std::size_t pos_ = 0;
  std::vector<Token> tokens_;
  int parens_ = 0;
  bool in_braces_ = false;
  bool in_brackets_ = false;
  bool got_colon_ = false;
  bool got_duration_ = false;
  bool done_ = false;
};

void Lexer::statement() {
  if (skip_blank()) return;
  if (at_end()) {
    if (parens_ != 0) return fail("unclosed left parenthesis");
    emit(Tok::kEnd, 0);
    done_ = true;
    return;
  }
  const char c = peek();
  if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number_or_duration();
  if (c == '"' || c == '\'' || c == '`') {
    quoted_string();
    return;
  }
  if (is_alpha(c) || c == ':') return word();
  symbol();
}

void Lexer::symbol() {
  switch (peek()) {
    case ',':
      return emit(Tok::kComma, 1);
    case '*':
      return emit(Tok::kMul, 1);
    case '/':
      return emit(Tok::kDiv, 1);
    case '%':
      return emit(Tok::kMod, 1);
    case '+':
      return emit(Tok::kAdd, 1);
    case '-':
      return emit(Tok::kSub, 1);
    case '^':
      return emit(Tok::kPow, 1);
    case '@':
      return emit(Tok::kAt, 1);
    case '<':
    case '>':
      return less_or_greater();
    case '=':
      if (peek(1) == '=') return emit(Tok::kEqualEqual, 2);
      if (peek(1) == '~') return fail("unexpected character after '=': '~'");
      return emit(Tok::kEqual, 1);
    case '!':
      if (peek(1) == '=') return emit(Tok::kNotEqual, 2);
      return fail("unexpected character after '!': " + quoted_char(1));
    case '(':
    case ')':
      return parenthesis();
    case '{':
      in_braces_ = true;
      return emit(Tok::kLeftBrace, 1);
    case '[':
      in_brackets_ = true;
      got_colon_ = false;
      got_duration_ = false;
      return emit(Tok::kLeftBracket, 1);
    case ']':
      return fail("unexpected right bracket ']'");
    default:
      return fail("unexpected character: " + quoted_char());
  }
}

void Lexer::parenthesis() {
  if (peek() == '(') {
    ++parens_;
    return emit(Tok::kLeftParen, 1);
  }
  emit(Tok::kRightParen, 1);
  if (--parens_ >= 0) return;
  tokens_.pop_back();  // the complaint stands behind it, as Prometheus's
  fail("unexpected right parenthesis ')'");
}

// Between brackets stands an expression of durations, and of a few words.
void Lexer::inside_brackets() {
  if (skip_blank()) return;
  if (at_end()) return fail("unexpected end of input in duration expression");
  const char c = peek();
  if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
    got_duration_ = true;
    return number_or_duration();
  }
  if (c == ':') return colon();
  if (c == ']') {
    in_brackets_ = false;
    return emit(Tok::kRightBracket, 1);
  }
  if (c == '(' || c == ')') return parenthesis();
  if (std::string_view(",+-*/%^").find(c) != std::string_view::npos) return symbol();
  std::size_t n = 0;
  while (is_alnum(peek(n))) ++n;
  const std::string lower = to_lower(text_.substr(pos_, n));
  if (lower == "step" || lower == "range" || lower == "min_of" || lower == "max_of") {
    got_duration_ = true;
    return word();
  }
  fail("unexpected character in duration expression: " + quoted_char());
}

void Lexer::colon() {
  emit(Tok::kColon, 1);
  if (!got_duration_ || got_colon_) {
    tokens_.pop_back();
    return fail(got_duration_ ? "unexpected repeated colon in duration expression"
                              : "unexpected colon before duration in duration expression");
  }
  got_colon_ = true;
}

void Lexer::less_or_greater() {
  const bool less = peek() == '<';
  if (peek(1) == '=') return emit(less ? Tok::kLessEqual : Tok::kGreaterEqual, 2);
  if (peek(1) == '/') return emit(less ? Tok::kTrimUpper : Tok::kTrimLower, 2);
  emit(less ? Tok::kLess : Tok::kGreater, 1);
}

void Lexer::inside_braces() {
  if (skip_blank()) return;
  if (at_end()) return fail("unexpected end of input inside braces");
  const char c = peek();
  if (is_alpha(c)) {
    std::size_t n = 1;
    while (is_alnum(peek(n))) ++n;
    return emit(Tok::kIdentifier, n);
  }
  switch (c) {
    case ',':
      return emit(Tok::kComma, 1);
    case '"':
    case '\'':
    case '`':
      quoted_string();
      return;
    case '=':
      if (peek(1) == '~') return emit(Tok::kRegex, 2);
      return emit(Tok::kEqual, 1);
    case '!':
      if (peek(1) == '~') return emit(Tok::kNotRegex, 2);
      if (peek(1) == '=') return emit(Tok::kNotEqual, 2);
      return fail("unexpected character after '!' inside braces: " + quoted_char(1));
    case '{':
      return fail("unexpected left brace '{'");
    case '}':
      in_braces_ = false;
      return emit(Tok::kRightBrace, 1);
    default:
      return fail("unexpected character inside braces: " + quoted_char());
  }
}

bool Lexer::quoted_string() {
  const char quote = peek();
  std::size_t n = 1;
  for (;; ++n) {
    if (pos_ + n >= text_.size() || (text_[pos_ + n] == '\n' && quote != '`')) {
      fail(quote == '`' ? "unterminated raw string" : "unterminated quoted string");
      return false;
    }
    if (text_[pos_ + n] == '\\' && quote != '`') {
      if (std::string wrong = check_escape(quote, n); !wrong.empty()) {
        fail(std::move(wrong));
        return false;
      }
      continue;
    }
    if (text_[pos_ + n] == quote) break;
  }
  if (!is_valid_utf8(text_.substr(pos_, n + 1))) {
    fail("invalid UTF-8 rune");
    return false;
  }
  emit(Tok::kString, n + 1);
  return true;
}

// The escape whose backslash is `n` bytes on: moves `n` to its last byte, or says what is wrong.
std::string Lexer::check_escape(char quote, std::size_t& n) const {
  ++n;
  if (pos_ + n >= text_.size()) return "escape sequence not terminated";
  const char c = text_[pos_ + n];
  if (c == quote || std::string_view("abfnrtv\\").find(c) != std::string_view::npos) return {};
  std::size_t digits = 0;
  int base = 16;
  if (c == 'x') digits = 2;
  if (c == 'u') digits = 4;
  if (c == 'U') digits = 8;
  if (c >= '0' && c <= '7') {
    digits = 3;
    base = 8;
    --n;
  }
  if (digits == 0) return "unknown escape sequence " + unicode_name(text_.substr(pos_ + n));
  std::uint64_t code = 0;
  for (std::size_t k = 0; k < digits; ++k) {
    ++n;
    if (pos_ + n >= text_.size()) return "escape sequence not terminated";
    const int d = hex_digit(text_[pos_ + n]);
    if (d < 0 || d >= base)
      return "illegal character " + unicode_name(text_.substr(pos_ + n)) + " in escape sequence";
    code = code * static_cast<std::uint64_t>(base) + static_cast<std::uint64_t>(d);
  }
  const std::uint64_t most = c == 'u' || c == 'U' ? 0x10FFFF : 0xFF;
  if (code > most || (code >= 0xD800 && code < 0xE000))
    return "escape sequence is an invalid Unicode code point";
  return {};
}

// A number: decimal with fraction and exponent, or hexadecimal; '_' after a digit or the 0x. False
// when what stands there is none, `n` then behind the byte that showed it.
bool Lexer::scan_number(std::size_t& n) const {
  const bool hex = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
  if (hex) n = peek(2) == '_' ? 3 : 2;
  const auto digit = [&](char c) { return hex ? is_hex(c) : is_digit(c); };
  const auto exponent = [&](char c) { return !hex && (c == 'e' || c == 'E'); };
  const auto one_of = [](char c, std::string_view set) {
    return c != '\0' && set.find(c) != std::string_view::npos;
  };
  bool had_dot = false;
  bool had_exponent = false;
  if (peek(n) == '.') ++n;
  for (;;) {
    const char c = peek(n);
    if (digit(c)) {
      ++n;
    } else if (c == '.') {
      ++n;
      if (had_dot || hex) return false;
      had_dot = true;
      if (!one_of(peek(n), "_.")) continue;
      ++n;
      return false;
    } else if (exponent(c)) {
      ++n;
      if (had_exponent) return false;
      had_exponent = true;
      if (peek(n) == '+' || peek(n) == '-') ++n;
      if (pos_ + n >= text_.size()) return false;
      if (!one_of(peek(n), "._eE")) continue;
      ++n;
      return false;
    } else if (c == '_') {
      ++n;
      if (pos_ + n >= text_.size()) return false;
      if (!one_of(peek(n), "._eE")) continue;
      ++n;
      return false;
    } else {
      return !is_alnum(c);
    }
  }
}

// What follows the digits of a duration: a unit, then digits and units in turn.
bool Lexer::scan_units(std::size_t& n) const {
  const auto accept = [&](std::string_view set) {
    const char c = peek(n);
    if (c == '\0' || set.find(c) == std::string_view::npos) return false;
    ++n;
    return true;
  };
  if (!accept("smhdwy")) return false;
  accept("s");  // of ms; other units with it are refused when the duration is read
  while (is_digit(peek(n))) {
    while (is_digit(peek(n))) ++n;
    if (!accept("smhdw")) return false;
    accept("s");
  }
  if (!is_alnum(peek(n))) return true;
  ++n;
  return false;
}

void Lexer::number_or_duration() {
  std::size_t n = 0;
  if (scan_number(n)) return emit(Tok::kNumber, n);
  if (scan_units(n)) return emit(Tok::kDuration, n);
  fail("bad number or duration syntax: " + quote_go(text_.substr(pos_, n)));
}

void Lexer::word() {
  std::size_t n = 0;
  while (is_alnum(peek(n)) || (peek(n) == ':' && !in_brackets_)) ++n;
  const std::string_view text = text_.substr(pos_, n);
  const std::string lower = to_lower(text);
  for (const Word& known : kWords) {
    if (known.text == lower) return emit(known.type, n);
  }
  emit(text.find(':') == std::string_view::npos ? Tok::kIdentifier : Tok::kMetricIdentifier, n);
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

Error bad_escape() {
  return Error(ErrorCode::kInvalid, "invalid syntax");
}

// Reads the escape whose backslash is at body[i]; leaves i at its last character.
Result<void> unescape(std::string_view body, std::size_t& i, char quote, std::string& out) {
  if (++i >= body.size()) return bad_escape();
  static constexpr std::string_view kLetters = "abfnrtv\\";
  static constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\";
  const char c = body[i];
  if (const auto at = kLetters.find(c); at != std::string_view::npos) {
    out.push_back(kValues[at]);
    return {};
  }
  if (c == quote) {
    out.push_back(c);
    return {};
  }
  std::size_t digits = 0;
  int base = 16;
  if (c == 'x') digits = 2;
  if (c == 'u') digits = 4;
  if (c == 'U') digits = 8;
  if (c >= '0' && c <= '7') {
    digits = 3;
    base = 8;
    --i;
  }
  if (digits == 0 || i + digits >= body.size()) return bad_escape();
  std::uint32_t code = 0;
  for (std::size_t k = 0; k < digits; ++k) {
    const int d = hex_digit(body[++i]);
    if (d < 0 || d >= base) return bad_escape();
    code = code * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(d);
  }
  if (c == 'u' || c == 'U') {
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return bad_escape();
    append_utf8(out, code);
  } else {
    if (code > 0xFF) return bad_escape();
    out.push_back(static_cast<char>(code));
  }
  return {};
}

}  // namespace

bool is_operator(Tok t) noexcept {
  return t >= Tok::kAdd && t <= Tok::kUnless;
}
bool is_aggregator(Tok t) noexcept {
  return t >= Tok::kSum && t <= Tok::kLimitRatio;
}
bool is_keyword(Tok t) noexcept {
  return t >= Tok::kOffset;
}

std::vector<Token> lex(std::string_view text) {
  return Lexer(text).run();
}

std::string describe(const Token& token) {
  const std::string text(token.text);
  if (token.type == Tok::kEnd) return "end of input";
  if (token.type == Tok::kIdentifier) return "identifier " + quote_go(text);
  if (token.type == Tok::kMetricIdentifier) return "metric identifier " + quote_go(text);
  if (is_keyword(token.type)) return "<" + text + ">";
  if (is_operator(token.type)) return "<op:" + text + ">";
  if (is_aggregator(token.type)) return "<aggr:" + text + ">";
  std::string kind;
  if (token.type == Tok::kString) kind = "string ";
  if (token.type == Tok::kNumber) kind = "number ";
  if (token.type == Tok::kDuration) kind = "duration ";
  if (text.size() > 10) return kind + quote_go(text.substr(0, 10)) + "...";
  return kind + quote_go(text);
}

Result<std::string> unquote(std::string_view quoted) {
  const char quote = quoted.front();
  const std::string_view body = quoted.substr(1, quoted.size() - 2);
  if (quote == '`') return std::string(body);
  std::string out;
  out.reserve(body.size());
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '\\') {
      out.push_back(body[i]);
      continue;
    }
    if (const Result<void> done = unescape(body, i, quote, out); !done) return done.error();
  }
  return out;
}

}  // namespace nines::promql
