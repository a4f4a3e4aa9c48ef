#pragma once
// Cuts a query into tokens. Keywords are recognised in any case; comments and white space vanish.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/promql/engine.h"

namespace nines::promql {

enum class Tok : std::uint8_t {
  kEnd,
  kError,
  kIdentifier,
  kMetricIdentifier,
  kString,
  kNumber,
  kDuration,
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kColon,
  kEqual,
  kRegex,
  kNotRegex,
  kAt,
  // operators
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqualEqual,
  kNotEqual,
  kLess,
  kGreater,
  kLessEqual,
  kGreaterEqual,
  kTrimUpper,
  kTrimLower,
  kAnd,
  kOr,
  kUnless,
  // aggregators
  kSum,
  kAvg,
  kMin,
  kMax,
  kCount,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kQuantile,
  kCountValues,
  kLimitk,
  kLimitRatio,
  // keywords
  kOffset,
  kAnchored,
  kSmoothed,
  kBy,
  kWithout,
  kOn,
  kIgnoring,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kBool,
  kStart,
  kEndWord,
  kStep,
  kRange
};

bool is_operator(Tok t) noexcept;
bool is_aggregator(Tok t) noexcept;
bool is_keyword(Tok t) noexcept;

struct Token {
  Tok type = Tok::kEnd;
  std::size_t start = 0;
  std::string_view text;  // into the query; for kError see `message`
  std::string message;
  std::size_t end() const { return start + text.size(); }
  TextRange range() const { return {start, start + text.size()}; }
};

// The tokens of `text`, the last of them kEnd or kError. Views point into `text`.
std::vector<Token> lex(std::string_view text);

// How Prometheus names a token in "unexpected ...".
std::string describe(const Token& token);

// The value of a quoted string token ('..', ".." or `..`); the error is Prometheus's reason.
Result<std::string> unquote(std::string_view quoted);

}  // namespace nines::promql
