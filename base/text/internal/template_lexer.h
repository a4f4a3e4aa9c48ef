#pragma once
// Cuts a template into text, delimiters and the words between them.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"

namespace nines::internal {

enum class TokenKind : std::uint8_t {
  kText,      // outside the delimiters, already trimmed
  kOpen,      // {{ or {{-
  kClose,     // }} or -}}
  kWord,      // a keyword, a function, true, false, nil
  kField,     // .name; `text` is the name
  kDot,       // . alone
  kVariable,  // $name; `text` has the dollar
  kNumber,
  kCharacter,  // 'x'; `text` is the code point in decimal
  kString,     // quoted or raw; `text` is the value
  kSymbol,     // ( ) | , = :=
  kError,      // `text` says what is wrong here; nothing follows
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  std::string source = {};    // of a string or a character: as it is written
  std::size_t at = 0;         // byte offset in the template
  bool space_before = false;  // `f .x` has two operands, `$v.x` one
};

// The list ends with kEnd, or with kError and kEnd: who reads it meets other faults of the text in
// their order.
std::vector<Token> lex_template(std::string_view text);

// `name:line:col: what`, both counted from 1, the column in bytes.
Error template_error(std::string_view name, std::string_view text, std::size_t at,
                     std::string_view what);

}  // namespace nines::internal
