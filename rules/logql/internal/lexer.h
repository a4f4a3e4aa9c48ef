#pragma once
// LogQL's tokens, with their places.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"

namespace nines::logql {

struct Token {
  enum class Kind : std::uint8_t { kEnd, kWord, kString, kNumber, kDuration, kSymbol };
  Kind kind = Kind::kEnd;
  std::string text;  // of a string: its content
  std::size_t at = 0;
};

// kInvalid: "parse error at line 1, col 5: ...".
Result<std::vector<Token>> tokenize(std::string_view text);

Error parse_error(std::string_view text, std::size_t at, std::string_view message);

}  // namespace nines::logql
