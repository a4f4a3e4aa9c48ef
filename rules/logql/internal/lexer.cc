#include "rules/logql/internal/lexer.h"

#include <array>
#include <cctype>
#include <optional>

#include "base/text/numbers.h"

namespace nines::logql {
namespace {

bool is_word_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr std::array<std::string_view, 23> kSymbols = {
    "|=", "|~", "!=", "!~", "=~", "==", ">=", "<=", "|>", "!>", "{", "}",
    "(",  ")",  "[",  "]",  ",",  "=",  ">",  "<",  "+",  "-",  "*"};

// The content of a quoted string starting at text[at]; `at` moves past its end.
Result<std::string> read_string(std::string_view text, std::size_t& at) {
  const std::size_t start = at;
  const char quote = text[at++];
  std::string out;
  while (at < text.size() && text[at] != quote) {
    char c = text[at++];
    if (quote == '"' && c == '\n') break;
    if (quote == '"' && c == '\\' && at < text.size()) {
      c = text[at++];
      switch (c) {
        case 'n':
          c = '\n';
          break;
        case 't':
          c = '\t';
          break;
        case 'r':
          c = '\r';
          break;
        case '"':
        case '\\':
          break;
        default:
          return parse_error(text, at - 2, "invalid escape in string; use `...` for regexes");
      }
    }
    out += c;
  }
  if (at >= text.size() || text[at] != quote)
    return parse_error(text, start, "unterminated string");
  ++at;
  return out;
}

}  // namespace

Error parse_error(std::string_view text, std::size_t at, std::string_view message) {
  std::size_t line = 1, column = 1;
  for (std::size_t i = 0; i < at && i < text.size(); ++i) {
    column = text[i] == '\n' ? 1 : column + 1;
    line += text[i] == '\n' ? 1 : 0;
  }
  return Error(ErrorCode::kInvalid, "parse error at line " + std::to_string(line) + ", col " +
                                        std::to_string(column) + ": " + std::string(message));
}

Result<std::vector<Token>> tokenize(std::string_view text) {
  std::vector<Token> out;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++at;
      continue;
    }
    if (c == '#') {
      while (at < text.size() && text[at] != '\n') ++at;
      continue;
    }
    const std::size_t start = at;
    if (c == '"' || c == '`') {
      NINES_TRY(std::string content, read_string(text, at));
      out.push_back({Token::Kind::kString, std::move(content), start});
      continue;
    }
    if (is_word_start(c)) {
      while (at < text.size() && is_word(text[at])) ++at;
      out.push_back({Token::Kind::kWord, std::string(text.substr(start, at - start)), start});
      continue;
    }
    if (is_digit(c) || (c == '.' && at + 1 < text.size() && is_digit(text[at + 1]))) {
      while (at < text.size() && (is_word(text[at]) || text[at] == '.')) ++at;
      std::string word(text.substr(start, at - start));
      const bool number = parse_double(word).has_value();
      if (!number && !parse_duration(word))
        return parse_error(text, start, "bad number or duration \"" + word + "\"");
      out.push_back(
          {number ? Token::Kind::kNumber : Token::Kind::kDuration, std::move(word), start});
      continue;
    }
    std::string_view found;
    for (const std::string_view symbol : kSymbols) {
      if (text.substr(at).starts_with(symbol)) {
        found = symbol;
        break;
      }
    }
    if (found.empty()) {
      if (c == '/' || c == '%' || c == '^' || c == '|') {
        found = text.substr(at, 1);
      } else {
        return parse_error(text, at, "unexpected character '" + std::string(1, c) + "'");
      }
    }
    out.push_back({Token::Kind::kSymbol, std::string(found), start});
    at += found.size();
  }
  out.push_back({Token::Kind::kEnd, "", text.size()});
  return out;
}

}  // namespace nines::logql
