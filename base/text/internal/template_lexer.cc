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
  Lexer(std::string_view name, std::string_view text) : name_(name), text_(text) {}

  Result<std::vector<Token>> run() {
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
    add(TokenKind::kEnd, "", text_.size());
    return std::move(tokens_);
  }

 private:
  bool starts_trimmed(std::size_t at) const {
    return at + 1 < text_.size() && text_[at] == '-' && is_space(text_[at + 1]);
  }

  Error error(std::size_t at, std::string_view what) const {
    return template_error(name_, text_, at, what);
  }

  void add(TokenKind kind, std::string text, std::size_t at) {
    tokens_.push_back(Token{kind, std::move(text), at, std::exchange(space_, false)});
  }

  // From behind the opening delimiter to behind the closing one; whether that was -}}.
  Result<bool> action(std::size_t open) {
    const std::size_t first = std::min(text_.find_first_not_of(kSpaces, at_), text_.size());
    const bool trimmed = at_ == open + 3;
    if (text_.substr(trimmed ? first : at_, 2) == "/*") {
      return comment(open, trimmed ? first : at_);
    }
    add(TokenKind::kOpen, "", open);
    while (true) {
      const std::size_t before = at_;
      while (at_ < text_.size() && is_space(text_[at_])) ++at_;
      space_ = at_ > before;
      if (at_ == text_.size()) return error(open, "unclosed action");
      const bool trim = space_ && text_.substr(at_, 3) == "-}}";
      if (trim || text_.substr(at_, 2) == "}}") {
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
    if (is_digit(c) || ((c == '+' || c == '-') && (is_digit(next) || next == '.')) ||
        (c == '.' && is_digit(next))) {
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
    if (std::string_view("()|,=").find(c) == std::string_view::npos) {
      return error(at_, "unexpected " + quote_go(text_.substr(at_, 1)) + " in an action");
    }
    ++at_;
    add(TokenKind::kSymbol, std::string(1, c), begin);
    return {};
  }

  Result<void> number() {
    const std::size_t begin = at_;
    if (text_[at_] == '+' || text_[at_] == '-') ++at_;
    const bool hex = text_[at_] == '0' && at_ + 1 < text_.size() && (text_[at_ + 1] | 0x20) == 'x';
    while (at_ < text_.size() && (is_word_byte(text_[at_]) || text_[at_] == '.')) {
      const char lower = static_cast<char>(text_[at_] | 0x20);
      ++at_;
      const bool exponent = lower == (hex ? 'p' : 'e');
      if (exponent && at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    }
    add(TokenKind::kNumber, std::string(text_.substr(begin, at_ - begin)), begin);
    return {};
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
        return error(text_.size() - rest.size(), "unknown escape in a quoted string");
      }
    }
    at_ = text_.size() - rest.size();
    add(TokenKind::kString, std::move(value), begin);
    return {};
  }

  Result<void> raw_string() {
    const std::size_t end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos) return error(at_, "unterminated raw quoted string");
    std::string value(text_.substr(at_ + 1, end - at_ - 1));
    std::erase(value, '\r');
    add(TokenKind::kString, std::move(value), at_);
    at_ = end + 1;
    return {};
  }

  Result<void> character() {
    std::string_view rest = text_.substr(at_ + 1);
    std::string value;
    if (rest.starts_with('\\')) {
      rest.remove_prefix(1);
      if (!unescape(rest, '\'', value)) return error(at_, "malformed character constant");
    } else if (!rest.empty() && rest.front() != '\'' && rest.front() != '\n') {
      const std::size_t length = read_rune(rest).length;
      value = rest.substr(0, length);
      rest.remove_prefix(length);
    }
    if (value.empty() || !rest.starts_with('\'')) {
      return error(at_, "malformed character constant");
    }
    const Rune rune = read_rune(value);
    const std::uint32_t code = rune.valid ? rune.code : static_cast<unsigned char>(value[0]);
    add(TokenKind::kCharacter, std::to_string(code), at_);
    at_ = text_.size() - rest.size() + 1;
    return {};
  }

  std::string_view name_;
  std::string_view text_;
  std::size_t at_ = 0;
  bool space_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> lex_template(std::string_view name, std::string_view text) {
  return Lexer(name, text).run();
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
