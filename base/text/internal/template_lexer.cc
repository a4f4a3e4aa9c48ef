#include "base/text/internal/template_lexer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text/internal/utf8.h"
#include "base/text/text.h"

namespace nines::internal {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

bool is_space(char c) {
  return kSpaces.find(c) != std::string_view::npos;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

int digit_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// Reads `count` digits of `base` at the front of `text`.
std::optional<std::uint32_t> read_digits(std::string_view text, std::size_t count, int base) {
  if (text.size() < count) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text.substr(0, count)) {
    if (digit_value(c) >= base) return std::nullopt;
    value = value * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit_value(c));
  }
  return value;
}

// Go's escapes. Takes the text behind the backslash off `rest`; false when there is no such escape.
bool unescape(std::string_view& rest, char quote, std::string& out) {
  if (rest.empty()) return false;
  const char c = rest.front();
  static constexpr std::string_view kLetters = "abtnvfr";  // for 0x07 to 0x0D
  if (const auto letter = kLetters.find(c); letter != std::string_view::npos) {
    out += static_cast<char>(0x07 + letter);
    rest.remove_prefix(1);
    return true;
  }
  if (c == '\\' || c == quote) {
    out += c;
    rest.remove_prefix(1);
    return true;
  }
  const bool octal = c >= '0' && c <= '7';
  const std::size_t count = octal ? 3 : c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (count == 0) return false;
  if (!octal) rest.remove_prefix(1);
  const auto value = read_digits(rest, count, octal ? 8 : 16);
  if (!value) return false;
  rest.remove_prefix(count);
  if (c == 'u' || c == 'U') {
    if (*value > 0x10FFFF || (*value >= 0xD800 && *value <= 0xDFFF)) return false;
    append_rune(out, *value);
    return true;
  }
  if (*value > 0xFF) return false;
  out += static_cast<char>(*value);
  return true;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    if (auto done = cut(); !done) add(TokenKind::kError, done.error().what(), wrong_at_);
    add(TokenKind::kEnd, "", text_.size());
    return std::move(tokens_);
  }

 private:
  Result<void> cut() {
    bool trim_left = false;  // the action before ended in -}}
    while (true) {
      const std::size_t open = std::min(text_.find("{{", at_), text_.size());
      std::string_view plain = text_.substr(at_, open - at_);
      const bool has_action = open < text_.size();
      const bool trim_right = has_action && starts_trimmed(open + 2);
      if (trim_left) plain.remove_prefix(std::min(plain.find_first_not_of(kSpaces), plain.size()));
      if (trim_right) plain = plain.substr(0, plain.find_last_not_of(kSpaces) + 1);
      if (!plain.empty()) add(TokenKind::kText, std::string(plain), at_);
      if (!has_action) break;
      at_ = open + (trim_right ? 3 : 2);
      NINES_TRY(trim_left, action(open));
    }
    return {};
  }

  bool starts_trimmed(std::size_t at) const {
    return at + 1 < text_.size() && text_[at] == '-' && is_space(text_[at + 1]);
  }

  Error error(std::size_t at, std::string_view what) {
    wrong_at_ = at;
    return Error(ErrorCode::kInvalid, std::string(what));
  }

  void add(TokenKind kind, std::string text, std::size_t at) {
    tokens_.push_back(Token{kind, std::move(text), {}, at, std::exchange(space_, false)});
  }

  // A literal that ends where reading goes on.
  void add_literal(TokenKind kind, std::string text, std::size_t at, std::size_t end) {
    add(kind, std::move(text), at);
    tokens_.back().source = text_.substr(at, end - at);
    at_ = end;
  }

  // From behind the opening delimiter to behind the closing one; whether that was -}}.
  Result<bool> action(std::size_t open) {
    const std::size_t first = std::min(text_.find_first_not_of(kSpaces, at_), text_.size());
    const bool trimmed = at_ == open + 3;
    if (text_.substr(trimmed ? first : at_, 2) == "/*") {
      return comment(open, trimmed ? first : at_);
    }
    add(TokenKind::kOpen, "", open);
    parens_ = 0;
    while (true) {
      const std::size_t before = at_;
      while (at_ < text_.size() && is_space(text_[at_])) ++at_;
      space_ = at_ > before;
      if (at_ == text_.size())
        return error(text_.size(), parens_ > 0 ? "unclosed left paren" : "unclosed action");
      const bool trim = space_ && text_.substr(at_, 3) == "-}}";
      if (trim || text_.substr(at_, 2) == "}}") {
        if (parens_ > 0) return error(at_, "unclosed left paren");
        add(TokenKind::kClose, "", at_);
        at_ += trim ? 3 : 2;
        return trim;
      }
      auto done = token();
      if (!done) return std::move(done).error();
    }
  }

  Result<bool> comment(std::size_t open, std::size_t begin) {
    const std::size_t end = text_.find("*/", begin + 2);
    if (end == std::string_view::npos) return error(open, "unclosed comment");
    at_ = end + 2;
    std::size_t close = at_;
    while (close < text_.size() && is_space(text_[close])) ++close;
    const bool trim = close > at_ && text_.substr(close, 3) == "-}}";
    if (!trim && text_.substr(at_, 2) != "}}") {
      return error(open, "comment ends before closing delimiter");
    }
    at_ = trim ? close + 3 : at_ + 2;
    return trim;
  }

  std::string word_at(std::size_t at) const {
    std::size_t end = at;
    while (end < text_.size() && is_word_byte(text_[end])) ++end;
    return std::string(text_.substr(at, end - at));
  }

  Result<void> token() {
    const char c = text_[at_];
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c == '"') return quoted();
    if (c == '`') return raw_string();
    if (c == '\'') return character();
    if (is_digit(c) || c == '+' || c == '-' || (c == '.' && is_digit(next))) {
      return number();
    }
    const std::size_t begin = at_;
    if (c == '.' || c == '$') {
      std::string word = word_at(at_ + 1);
      at_ += 1 + word.size();
      if (c == '$') {
        add(TokenKind::kVariable, "$" + word, begin);
      } else {
        const TokenKind kind = word.empty() ? TokenKind::kDot : TokenKind::kField;
        add(kind, std::move(word), begin);
      }
      return {};
    }
    if (is_word_byte(c)) {
      std::string word = word_at(at_);
      at_ += word.size();
      add(TokenKind::kWord, std::move(word), begin);
      return {};
    }
    if (c == ':' && next == '=') {
      at_ += 2;
      add(TokenKind::kSymbol, ":=", begin);
      return {};
    }
    if (c == ':') return error(at_, "expected :=");
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7E) {
      static constexpr std::string_view kDigits = "0123456789ABCDEF";
      return error(at_, std::string("unrecognized character in action: U+00") + kDigits[byte >> 4] +
                            kDigits[byte & 0xFU]);
    }
    if (c == '(') ++parens_;
    if (c == ')' && --parens_ < 0) return error(at_, "unexpected right paren");
    ++at_;
    add(TokenKind::kSymbol, std::string(1, c), begin);
    return {};
  }

  // Go's form of a number; whether it is one is seen when it is read. What looks on after it makes
  // it bad at once.
  Result<void> number() {
    const std::size_t begin = at_;
    if (text_[at_] == '+' || text_[at_] == '-') ++at_;
    std::string_view digits = "0123456789_";
    bool hex = false;
    if (at_ + 1 < text_.size() && text_[at_] == '0') {
      const char mark = static_cast<char>(text_[at_ + 1] | 0x20);
      hex = mark == 'x';
      if (hex) digits = "0123456789abcdefABCDEF_";
      if (mark == 'o') digits = "01234567_";
      if (mark == 'b') digits = "01_";
      if (hex || mark == 'o' || mark == 'b') at_ += 2;
    }
    skip(digits);
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      skip(digits);
    }
    const bool decimal = digits == "0123456789_";
    if (at_ < text_.size() && (decimal || hex) && (text_[at_] | 0x20) == (hex ? 'p' : 'e')) {
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      skip("0123456789_");
    }
    if (at_ < text_.size() && text_[at_] == 'i') {
      return error(begin, "complex numbers are not supported: " +
                              quote_go(text_.substr(begin, at_ + 1 - begin)));
    }
    const char after = at_ < text_.size() ? text_[at_] : ' ';
    if (is_word_byte(after) || after == '+' || after == '-') {
      return error(begin, "bad number syntax: " + quote_go(text_.substr(begin, at_ + 1 - begin)));
    }
    add_literal(TokenKind::kNumber, std::string(text_.substr(begin, at_ - begin)), begin, at_);
    return {};
  }

  void skip(std::string_view any_of) {
    at_ = std::min(text_.find_first_not_of(any_of, at_), text_.size());
  }

  Result<void> quoted() {
    const std::size_t begin = at_;
    std::string value;
    std::string_view rest = text_.substr(at_ + 1);
    while (true) {
      if (rest.empty() || rest.front() == '\n') return error(begin, "unterminated quoted string");
      const char c = rest.front();
      rest.remove_prefix(1);
      if (c == '"') break;
      if (c != '\\') {
        value += c;
      } else if (!unescape(rest, '"', value)) {
        return error(text_.size() - rest.size(), "invalid syntax");
      }
    }
    add_literal(TokenKind::kString, std::move(value), begin, text_.size() - rest.size());
    return {};
  }

  Result<void> raw_string() {
    const std::size_t end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos) return error(at_, "unterminated raw quoted string");
    std::string value(text_.substr(at_ + 1, end - at_ - 1));
    std::erase(value, '\r');
    add_literal(TokenKind::kString, std::move(value), at_, end + 1);
    return {};
  }

  Result<void> character() {
    std::string_view rest = text_.substr(at_ + 1);
    // Its end first: the first quote that no backslash stands before.
    std::size_t close = 0;
    while (close < rest.size() && rest[close] != '\'' && rest[close] != '\n') {
      close += rest[close] == '\\' ? 2 : 1;
    }
    if (close >= rest.size() || rest[close] == '\n') {
      return error(at_, "unterminated character constant");
    }
    const std::string_view source = text_.substr(at_, close + 2);
    rest = rest.substr(0, close);
    std::string value;
    if (rest.starts_with('\\')) {
      rest.remove_prefix(1);
      if (!unescape(rest, '\'', value)) return error(at_, "invalid syntax");
    } else if (!rest.empty()) {
      const std::size_t length = read_rune(rest).length;
      value = rest.substr(0, length);
      rest.remove_prefix(length);
    }
    if (value.empty()) return error(at_, "invalid syntax");
    if (!rest.empty()) {
      return error(at_, "malformed character constant: " + std::string(source));
    }
    const Rune rune = read_rune(value);
    const std::uint32_t code = rune.valid ? rune.code : static_cast<unsigned char>(value[0]);
    add_literal(TokenKind::kCharacter, std::to_string(code), at_, at_ + source.size());
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t wrong_at_ = 0;
  int parens_ = 0;
  bool space_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> lex_template(std::string_view text) {
  return Lexer(text).run();
}

Error template_error(std::string_view name, std::string_view text, std::size_t at,
                     std::string_view what) {
  const std::string_view before = text.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column =
      newline == std::string_view::npos ? before.size() + 1 : before.size() - newline;
  return Error(ErrorCode::kInvalid, std::string(name) + ":" + std::to_string(line) + ":" +
                                        std::to_string(column) + ": " + std::string(what));
}

}  // namespace nines::internal
