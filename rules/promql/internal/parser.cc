#include "rules/promql/internal/parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/promql/internal/functions.h"
#include "rules/promql/metric_selector.h"

namespace nines::promql {
namespace {

// The height of a tree that evaluation, printing and destruction may walk on an 8 MiB stack.
constexpr int kHeightMax = 400;

struct Operator {
  BinaryOp op;
  int level;  // higher binds tighter
};
constexpr int kPowLevel = 7;
constexpr int kUnaryOperandLevel = 7;  // -2^3 is -(2^3), -1*3 is (-1)*3

bool operator_of(Tok t, Operator& out) {
  switch (t) {
    case Tok::kOr:
      out = {BinaryOp::kOr, 1};
      return true;
    case Tok::kAnd:
      out = {BinaryOp::kAnd, 2};
      return true;
    case Tok::kUnless:
      out = {BinaryOp::kUnless, 2};
      return true;
    case Tok::kEqualEqual:
      out = {BinaryOp::kEqual, 3};
      return true;
    case Tok::kNotEqual:
      out = {BinaryOp::kNotEqual, 3};
      return true;
    case Tok::kLess:
      out = {BinaryOp::kLess, 3};
      return true;
    case Tok::kGreater:
      out = {BinaryOp::kGreater, 3};
      return true;
    case Tok::kLessEqual:
      out = {BinaryOp::kLessEqual, 3};
      return true;
    case Tok::kGreaterEqual:
      out = {BinaryOp::kGreaterEqual, 3};
      return true;
    case Tok::kTrimUpper:
      out = {BinaryOp::kTrimUpper, 3};
      return true;
    case Tok::kTrimLower:
      out = {BinaryOp::kTrimLower, 3};
      return true;
    case Tok::kAdd:
      out = {BinaryOp::kAdd, 4};
      return true;
    case Tok::kSub:
      out = {BinaryOp::kSub, 4};
      return true;
    case Tok::kMul:
      out = {BinaryOp::kMul, 5};
      return true;
    case Tok::kDiv:
      out = {BinaryOp::kDiv, 5};
      return true;
    case Tok::kMod:
      out = {BinaryOp::kMod, 5};
      return true;
    case Tok::kAtan2:
      out = {BinaryOp::kAtan2, 5};
      return true;
    case Tok::kPow:
      out = {BinaryOp::kPow, kPowLevel};
      return true;
    default:
      return false;
  }
}

// Words that may also name a metric.
bool may_name_metric(Tok t) {
  if (t == Tok::kIdentifier || t == Tok::kMetricIdentifier || is_aggregator(t)) return true;
  switch (t) {
    case Tok::kAnd:
    case Tok::kOr:
    case Tok::kUnless:
    case Tok::kOffset:
    case Tok::kBy:
    case Tok::kWithout:
    case Tok::kStart:
    case Tok::kEndWord:
    case Tok::kStep:
    case Tok::kRange:
    case Tok::kAnchored:
    case Tok::kSmoothed:
    case Tok::kFill:
    case Tok::kFillLeft:
    case Tok::kFillRight:
      return true;
    default:
      return false;
  }
}

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_word(Tok t) {
  return t == Tok::kIdentifier || t == Tok::kAtan2 || t == Tok::kAnd || t == Tok::kOr ||
         t == Tok::kUnless || is_aggregator(t) || is_keyword(t);
}

// '_' must stand between digits, or between the 0x and a digit.
bool misplaced_underscore(std::string_view number) {
  const auto digit = [](char c) { return c == 'x' || c == 'X' || is_hex_digit(c); };
  for (std::size_t i = 0; i < number.size(); ++i) {
    if (number[i] != '_') continue;
    if (i == 0 || i + 1 == number.size()) return true;
    if (!digit(number[i - 1]) || !is_hex_digit(number[i + 1])) return true;
  }
  return false;
}

// What Prometheus says of a duration that is none, or is too long.
std::string wrong_duration(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kUnits = {"y", "w", "d", "h", "m", "s", "ms"};
  const std::string bad = "not a valid duration string: " + quote_go(text);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t last = 0;  // one more than the place of the last unit
  for (std::size_t i = 0; i < text.size();) {
    if (!digit(text[i])) return bad;
    while (i < text.size() && digit(text[i])) ++i;
    const std::size_t begin = i;
    while (i < text.size() && !digit(text[i])) ++i;
    if (begin == i) return bad;
    const std::string_view unit = text.substr(begin, i - begin);
    const auto known = std::find(kUnits.begin(), kUnits.end(), unit);
    if (known == kUnits.end()) {
      return "unknown unit " + quote_go(unit) + " in duration " + quote_go(text);
    }
    const auto place = static_cast<std::size_t>(known - kUnits.begin()) + 1;
    if (place <= last) return bad;
    last = place;
  }
  return "duration out of range";
}

}  // namespace

std::string position(std::string_view text, std::size_t offset) {
  std::size_t line = 1;
  std::size_t column = 1;
  for (std::size_t i = 0; i < std::min(offset, text.size()); ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
  }
  return std::to_string(line) + ":" + std::to_string(column);
}

Error parse_error(std::string_view text, TextRange at, std::string_view what) {
  return Error(ErrorCode::kInvalid,
               position(text, at.start) + ": parse error: " + std::string(what));
}

Error Parser::unexpected(std::string_view context, std::string_view expected) const {
  const Token& token = peek();
  if (token.type == Tok::kError) return error({token.start, text_.size()}, token.message);
  std::string what = "unexpected " + describe(token);
  if (context.empty() && open_aggregates_ != 0) context = "aggregation";
  if (!context.empty()) what += " in " + std::string(context);
  if (!expected.empty()) what += ", expected " + std::string(expected);
  return error(token.range(), what);
}

Result<ExprPtr> Parser::grown(ExprPtr expr, std::initializer_list<const Expr*> children) const {
  for (const Expr* child : children) {
    if (child != nullptr) expr->height = std::max(expr->height, child->height + 1);
  }
  if (expr->height > kHeightMax) {
    return error(expr->range, "expression has more than " + std::to_string(kHeightMax) + " levels");
  }
  return expr;
}

Result<ExprPtr> Parser::parse() {
  if (type() == Tok::kEnd) return error({}, "no expression found in input");
  NINES_TRY(ExprPtr expr, expression(0));
  if (type() != Tok::kEnd) return unexpected();
  if (const Result<void> ok = type_check(text_, *expr); !ok) return ok.error();
  return expr;
}

Result<std::vector<Matcher>> Parser::parse_metric_selector() {
  if (type() != Tok::kLeftBrace && !may_name_metric(type())) return unexpected();
  NINES_TRY(const ExprPtr found, selector());
  if (type() != Tok::kEnd) return unexpected();
  return std::move(as<VectorSelector>(*found).matchers);
}

Result<std::vector<Matcher>> parse_metric_selector(std::string_view text) {
  const EngineOptions limits;
  if (text.size() > limits.text_bytes_max) {
    return Error(ErrorCode::kInvalid,
                 "selector is longer than " + std::to_string(limits.text_bytes_max) + " bytes");
  }
  return Parser(text, limits.depth_max).parse_metric_selector();
}

Result<ExprPtr> Parser::expression(int min_level) {
  if (++depth_ > depth_max_) {
    return error(peek().range(), "expression is nested deeper than " + std::to_string(depth_max_));
  }
  NINES_TRY(ExprPtr lhs, unary());
  Operator op{};
  while (operator_of(type(), op) && op.level >= min_level) {
    NINES_TRY(ExprPtr grown_expr, binary(std::move(lhs), op.op, op.level));
    lhs = std::move(grown_expr);
  }
  --depth_;
  return lhs;
}

Result<ExprPtr> Parser::unary() {
  if (type() != Tok::kAdd && type() != Tok::kSub) {
    NINES_TRY(ExprPtr expr, primary());
    return postfix(std::move(expr));
  }
  const Token sign = take();
  NINES_TRY(ExprPtr operand, expression(kUnaryOperandLevel));
  const TextRange range{sign.start, operand->range.end};
  // A signed literal is a literal: it prints as one.
  if (operand->kind() == ExprKind::kNumber) {
    auto& literal = as<NumberLiteral>(*operand);
    if (sign.type == Tok::kSub) literal.value = -literal.value;
    literal.range = range;
    return operand;
  }
  const Expr* child = operand.get();
  auto node = std::make_unique<Unary>(sign.type == Tok::kSub, std::move(operand));
  node->range = range;
  return grown(std::move(node), {child});
}

Result<ExprPtr> Parser::binary(ExprPtr lhs, BinaryOp op, int level) {
  take();
  auto node = std::make_unique<Binary>(op);
  if (const Result<void> ok = binary_modifiers(*node); !ok) return ok.error();
  NINES_TRY(ExprPtr rhs, expression(op == BinaryOp::kPow ? level : level + 1));
  node->range = {lhs->range.start, rhs->range.end};
  node->lhs = std::move(lhs);
  node->rhs = std::move(rhs);
  node->settle_type();
  const Expr* left = node->lhs.get();
  const Expr* right = node->rhs.get();
  return grown(std::move(node), {left, right});
}

Result<void> Parser::binary_modifiers(Binary& node) {
  node.return_bool = accept(Tok::kBool);
  if (is_set_operator(node.op)) node.matching.card = Cardinality::kManyToMany;
  if (type() == Tok::kOn || type() == Tok::kIgnoring) {
    node.matching.on = take().type == Tok::kOn;
    NINES_TRY(node.matching.labels, label_list());
  } else {
    return fill_modifiers(node.matching);
  }
  if (type() == Tok::kGroupLeft || type() == Tok::kGroupRight) {
    node.matching.card =
        take().type == Tok::kGroupLeft ? Cardinality::kManyToOne : Cardinality::kOneToMany;
    if (type() == Tok::kLeftParen) {
      NINES_TRY(node.matching.include, label_list());
    } else if (type() == Tok::kEnd || type() == Tok::kBool || type() == Tok::kOn ||
               type() == Tok::kIgnoring || type() == Tok::kGroupLeft ||
               type() == Tok::kGroupRight) {
      return unexpected("grouping opts", "\"(\"");
    }
  }
  return fill_modifiers(node.matching);
}

Result<void> Parser::fill_modifiers(VectorMatching& matching) {
  while ((type() == Tok::kFill || type() == Tok::kFillLeft || type() == Tok::kFillRight) &&
         type(1) == Tok::kLeftParen) {
    const bool left = type() != Tok::kFillRight;
    const bool right = type() != Tok::kFillLeft;
    // Each side once.
    if ((left && matching.fill_left) || (right && matching.fill_right)) return unexpected("", "");
    take();
    NINES_TRY(const double value, fill_value());
    if (left) matching.fill_left = value;
    if (right) matching.fill_right = value;
  }
  return {};
}

Result<double> Parser::fill_value() {
  take();  // the parenthesis
  NINES_TRY(const double value, signed_number());
  if (!accept(Tok::kRightParen)) return unexpected("fill modifier", "\")\"");
  return value;
}

Result<double> Parser::signed_number() {
  const bool negative = type() == Tok::kSub;
  if (negative || type() == Tok::kAdd) take();
  if (type() != Tok::kNumber && type() != Tok::kDuration) return unexpected("", "number");
  NINES_TRY(const double value, literal_seconds(take()));
  return negative ? -value : value;
}

Result<std::vector<std::string>> Parser::label_list() {
  if (!accept(Tok::kLeftParen)) return unexpected("grouping opts", "\"(\"");
  std::vector<std::string> labels;
  while (type() != Tok::kRightParen) {
    if (type() == Tok::kString) {
      Result<std::string> name = unquote(take().text);
      if (!name || name->empty() || !is_valid_utf8(*name)) {
        return error({last_end_, last_end_}, "invalid label name for grouping");
      }
      labels.push_back(*std::move(name));
    } else if (is_word(type())) {
      labels.emplace_back(take().text);
    } else {
      return unexpected("grouping opts", "label");
    }
    if (type() == Tok::kRightParen) break;
    if (!accept(Tok::kComma)) return unexpected("grouping opts", "\",\" or \")\"");
  }
  take();
  return labels;
}

Result<ExprPtr> Parser::primary() {
  switch (type()) {
    case Tok::kNumber:
    case Tok::kDuration:
      return number();
    case Tok::kString: {
      const Token token = take();
      Result<std::string> value = unquote(token.text);
      if (!value) {
        return error(token.range(), "error unquoting string " + quote_go(token.text) + ": " +
                                        value.error().what());
      }
      ExprPtr node = std::make_unique<StringLiteral>(*std::move(value));
      node->range = token.range();
      return node;
    }
    case Tok::kLeftParen: {
      const std::size_t start = take().start;
      NINES_TRY(ExprPtr inner, expression(0));
      if (!accept(Tok::kRightParen)) return unexpected();
      const Expr* child = inner.get();
      auto node = std::make_unique<Paren>(std::move(inner));
      node->range = {start, last_end_};
      return grown(std::move(node), {child});
    }
    case Tok::kLeftBrace:
      return selector();
    default:
      break;
  }
  if (starts_aggregate()) return aggregate();
  if (type(1) == Tok::kLeftParen &&
      (type() == Tok::kIdentifier || type() == Tok::kMetricIdentifier || type() == Tok::kStart ||
       type() == Tok::kEndWord || type() == Tok::kStep || type() == Tok::kRange)) {
    return call();
  }
  if (may_name_metric(type())) return selector();
  return unexpected();
}

bool Parser::starts_aggregate() const {
  return is_aggregator(type()) &&
         (type(1) == Tok::kLeftParen || type(1) == Tok::kBy || type(1) == Tok::kWithout);
}

Result<ExprPtr> Parser::number() {
  const Token token = take();
  NINES_TRY(const double value, literal_seconds(token));
  ExprPtr node = std::make_unique<NumberLiteral>(value, token.type == Tok::kDuration);
  node->range = token.range();
  return node;
}

// A number as Go's ParseInt with base 0, then ParseFloat, read it; a duration in seconds.
Result<double> Parser::literal_seconds(const Token& token) const {
  if (token.type == Tok::kDuration) {
    Result<Duration> d = parse_duration(token.text);
    if (!d) return error(token.range(), wrong_duration(token.text));
    return to_seconds(*d);
  }
  std::string digits(token.text);
  if (misplaced_underscore(digits)) {
    return error(token.range(), "error parsing number: strconv.ParseFloat: parsing " +
                                    quote_go(token.text) + ": invalid syntax");
  }
  digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
  const bool octal =
      digits.size() > 1 && digits[0] == '0' &&
      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '7'; });
  const bool hexadecimal = digits.size() > 2 && (digits[1] == 'x' || digits[1] == 'X');
  if (octal || hexadecimal) {
    std::int64_t value = 0;
    const char* first = digits.data() + (hexadecimal ? 2 : 1);
    const char* last = digits.data() + digits.size();
    const auto read = std::from_chars(first, last, value, hexadecimal ? 16 : 8);
    if (read.ec == std::errc() && read.ptr == last) return static_cast<double>(value);
  }
  const std::optional<double> value = hexadecimal ? std::nullopt : parse_double(digits);
  if (!value) {
    char* end = nullptr;
    const double far = std::strtod(digits.c_str(), &end);  // too small for a double is 0
    const bool number = end == digits.c_str() + digits.size() && !hexadecimal;
    if (number && !std::isinf(far)) return far;
    return error(token.range(), "error parsing number: strconv.ParseFloat: parsing " +
                                    quote_go(token.text) +
                                    (number ? ": value out of range" : ": invalid syntax"));
  }
  return *value;
}

Result<std::vector<ExprPtr>> Parser::arguments() {
  if (!accept(Tok::kLeftParen)) return unexpected();
  std::vector<ExprPtr> args;
  if (accept(Tok::kRightParen)) return args;
  for (;;) {
    NINES_TRY(ExprPtr arg, expression(0));
    args.push_back(std::move(arg));
    if (accept(Tok::kRightParen)) return args;
    if (type() != Tok::kComma) return unexpected();
    const Token comma = take();
    if (type() == Tok::kRightParen) {
      return error(comma.range(), "trailing commas not allowed in function call args");
    }
  }
}

Result<ExprPtr> Parser::call() {
  const Token name = take();
  // step, range, start and end are words in any case.
  const std::string wanted =
      name.type == Tok::kIdentifier ? std::string(name.text) : to_lower(name.text);
  const FunctionInfo* function = find_function(wanted);
  if (function == nullptr) {
    return error(name.range(), "unknown function with name " + quote_go(name.text));
  }
  NINES_TRY(std::vector<ExprPtr> args, arguments());
  auto node = std::make_unique<Call>(*function, function->result);
  node->args = std::move(args);
  node->range = {name.start, last_end_};
  for (const ExprPtr& arg : node->args) node->height = std::max(node->height, arg->height + 1);
  return grown(std::move(node), {});
}

Result<void> Parser::aggregate_modifier(Aggregate& node) {
  node.without = take().type == Tok::kWithout;
  NINES_TRY(node.grouping, label_list());
  return {};
}

Result<ExprPtr> Parser::aggregate() {
  const Token name = take();
  const auto op =
      static_cast<AggregateOp>(static_cast<int>(name.type) - static_cast<int>(Tok::kSum));
  auto node = std::make_unique<Aggregate>(op);
  ++open_aggregates_;
  const auto modifier_next = [&] { return type() == Tok::kBy || type() == Tok::kWithout; };
  const bool before = modifier_next();
  if (before) {
    if (const Result<void> ok = aggregate_modifier(*node); !ok) return ok.error();
  }
  NINES_TRY(std::vector<ExprPtr> args, arguments());
  --open_aggregates_;
  if (!before && modifier_next()) {
    if (const Result<void> ok = aggregate_modifier(*node); !ok) return ok.error();
  }
  node->range = {name.start, last_end_};
  if (args.empty()) return error(node->range, "no arguments for aggregate expression provided");
  const std::size_t wanted = takes_parameter(op) ? 2 : 1;
  if (args.size() != wanted) {
    return error(node->range,
                 "wrong number of arguments for aggregate expression provided, expected " +
                     std::to_string(wanted) + ", got " + std::to_string(args.size()));
  }
  if (wanted == 2) node->param = std::move(args[0]);
  node->expr = std::move(args[wanted - 1]);
  const Expr* expr = node->expr.get();
  const Expr* param = node->param.get();
  return grown(std::move(node), {expr, param});
}

}  // namespace nines::promql
