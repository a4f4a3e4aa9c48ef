// Selectors, their ranges and what moves them in time.

#include <cmath>
#include <limits>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/regex.h"
#include "base/text/text.h"
#include "rules/promql/internal/annotations.h"
#include "rules/promql/internal/parser.h"

namespace nines::promql {
namespace {

bool is_label_word(const Token& token) {
  return token.type == Tok::kIdentifier;
}

std::optional<MatchOp> match_op(Tok t) {
  switch (t) {
    case Tok::kEqual:
      return MatchOp::kEqual;
    case Tok::kNotEqual:
      return MatchOp::kNotEqual;
    case Tok::kRegex:
      return MatchOp::kRegex;
    case Tok::kNotRegex:
      return MatchOp::kNotRegex;
    default:
      return std::nullopt;
  }
}

// The selector inside, which holds offset and @; null when the expression takes none.
TimeShift* shift_of(Expr& expr) {
  switch (expr.kind()) {
    case ExprKind::kVectorSelector:
      return &as<VectorSelector>(expr).shift;
    case ExprKind::kMatrixSelector:
      return &as<MatrixSelector>(expr).selector->shift;
    case ExprKind::kSubquery:
      return &as<Subquery>(expr).shift;
    default:
      return nullptr;
  }
}

DurationPtr make_duration(DurationExpr::Op op, TextRange range, DurationPtr lhs = nullptr,
                          DurationPtr rhs = nullptr) {
  auto node = std::make_unique<DurationExpr>();
  node->op = op;
  node->range = range;
  node->lhs = std::move(lhs);
  node->rhs = std::move(rhs);
  return node;
}

constexpr int kDurationPowLevel = 4;

DurationPtr signed_duration(const Token& sign, DurationPtr operand) {
  const TextRange range{sign.start, operand->range.end};
  if (operand->op == DurationExpr::Op::kLiteral && !operand->wrapped) {
    if (sign.type == Tok::kSub) operand->seconds = -operand->seconds;
    operand->range = range;
    return operand;
  }
  return make_duration(sign.type == Tok::kSub ? DurationExpr::Op::kNegate : DurationExpr::Op::kPlus,
                       range, std::move(operand));
}

}  // namespace

Result<ExprPtr> Parser::selector() {
  auto node = std::make_unique<VectorSelector>();
  node->range.start = peek().start;
  if (type() != Tok::kLeftBrace) node->name = std::string(take().text);
  if (type() == Tok::kLeftBrace) {
    take();
    if (const Result<void> ok = label_matchers(*node); !ok) return ok.error();
  }
  node->range.end = last_end_;
  if (!node->name.empty()) {
    node->matchers.push_back(Matcher::equal(std::string(kMetricName), node->name));
  }
  return ExprPtr(std::move(node));
}

Result<void> Parser::label_matchers(VectorSelector& node) {
  while (type() != Tok::kRightBrace) {
    if (const Result<void> ok = label_matcher(node); !ok) return ok.error();
    if (type() == Tok::kRightBrace) break;
    if (!accept(Tok::kComma)) return unexpected("label matching", "\",\" or \"}\"");
  }
  take();
  return {};
}

Result<void> Parser::label_matcher(VectorSelector& node) {
  if (!is_label_word(peek()) && type() != Tok::kString) {
    return unexpected("label matching", "identifier or \"}\"");
  }
  const Token label = take();
  std::string name(label.text);
  if (label.type == Tok::kString) {
    Result<std::string> quoted = unquote(label.text);
    if (!quoted) return error(label.range(), "error unquoting string " + quote_go(label.text));
    name = *std::move(quoted);
    if (!match_op(type())) {  // a quoted metric name
      if (!is_valid_utf8(name) || name.empty()) {
        return error(label.range(), "invalid metric name " + quote_go(name));
      }
      for (const Matcher& matcher : node.matchers) {
        if (matcher.name() == kMetricName && !node.name.empty()) {
          return error(label.range(), "metric name must not be set twice: " + quote_go(node.name) +
                                          " or " + quote_go(name));
        }
      }
      node.matchers.push_back(Matcher::equal(std::string(kMetricName), name));
      return {};
    }
  }
  const std::optional<MatchOp> op = match_op(type());
  if (!op) return unexpected("label matching", "label matching operator");
  take();
  if (type() != Tok::kString) return unexpected("label matching", "string");
  const Token value = take();
  Result<std::string> text = unquote(value.text);
  if (!text) {
    return error(value.range(),
                 "error unquoting string " + quote_go(value.text) + ": " + text.error().what());
  }
  Result<Matcher> matcher = Matcher::make(*op, std::move(name), *text);
  if (!matcher) {
    // The position names the matcher: the rest is the pattern's own fault.
    const auto regex = Regex::compile(*text, RegexAnchor::kBoth);
    return error({label.start, value.end()}, regex ? matcher.error().what() : regex.error().what());
  }
  node.matchers.push_back(*std::move(matcher));
  return {};
}

Result<ExprPtr> Parser::postfix(ExprPtr expr) {
  for (;;) {
    Result<void> ok;
    if (type() == Tok::kLeftBracket) {
      NINES_TRY(ExprPtr ranged, bracket(std::move(expr)));
      expr = std::move(ranged);
      continue;
    }
    if (type() == Tok::kOffset) {
      ok = offset(*expr);
    } else if (type() == Tok::kAt) {
      ok = at(*expr);
    } else if (type() == Tok::kAnchored || type() == Tok::kSmoothed) {
      ok = extended(*expr);
    } else {
      return expr;
    }
    if (!ok) return ok.error();
    expr->range.end = last_end_;
  }
}

// A length or step of an expression is looked at again when the expression is evaluated.
Result<DurationPtr> Parser::positive_duration() {
  NINES_TRY(DurationPtr value, duration(0));
  if (value->op == DurationExpr::Op::kLiteral && !(value->seconds > 0)) {
    return error(value->range, "duration must be greater than 0");
  }
  return value;
}

Result<ExprPtr> Parser::bracket(ExprPtr expr) {
  const std::size_t opening = take().start;
  duration_context_ = "subquery or range selector";
  duration_wanted_ = "number, duration, step(), or range()";
  NINES_TRY(DurationPtr length, positive_duration());
  if (type() == Tok::kRightBracket) {
    take();
    const TextRange brackets{opening, last_end_};
    if (expr->kind() != ExprKind::kVectorSelector) {
      return error(brackets, "ranges only allowed for vector selectors");
    }
    auto& inner = as<VectorSelector>(*expr);
    if (inner.shift.offset) return error(brackets, "no offset modifiers allowed before range");
    if (inner.shift.at != AtKind::kNone) {
      return error(brackets, "no @ modifiers allowed before range");
    }
    auto node = std::make_unique<MatrixSelector>();
    node->range = {expr->range.start, last_end_};
    node->selector.reset(static_cast<VectorSelector*>(expr.release()));
    node->length = std::move(length);
    return ExprPtr(std::move(node));
  }
  if (!accept(Tok::kColon)) return unexpected("subquery or range", "\":\" or \"]\"");
  auto node = std::make_unique<Subquery>();
  node->length = std::move(length);
  if (type() != Tok::kRightBracket) {
    duration_context_ = "subquery selector";
    duration_wanted_ = "number, duration, step(), range(), or \"]\"";
    NINES_TRY(node->step, positive_duration());
  }
  if (!accept(Tok::kRightBracket)) return unexpected("subquery selector", "\"]\"");
  node->range = {expr->range.start, last_end_};
  const Expr* child = expr.get();
  node->expr = std::move(expr);
  return grown(std::move(node), {child});
}

Result<void> Parser::offset(Expr& expr) {
  take();
  duration_context_ = "offset";
  duration_wanted_ = "number, duration, step(), or range()";
  NINES_TRY(DurationPtr value, duration_unary());
  TimeShift* shift = shift_of(expr);
  if (shift == nullptr) {
    return error(expr.range,
                 "offset modifier must be preceded by an instant vector selector or range vector "
                 "selector or a subquery");
  }
  if (shift->offset) return error(expr.range, "offset may not be set multiple times");
  shift->offset = std::move(value);
  return {};
}

Result<void> Parser::at(Expr& expr) {
  take();
  AtKind kind = AtKind::kTime;
  double seconds = 0;
  if (type() == Tok::kStart || type() == Tok::kEndWord) {
    kind = take().type == Tok::kStart ? AtKind::kStart : AtKind::kEnd;
    if (!accept(Tok::kLeftParen) || !accept(Tok::kRightParen)) return unexpected("@", "timestamp");
  } else {
    Tok first = type();
    if (first == Tok::kAdd || first == Tok::kSub) first = type(1);
    if (first != Tok::kNumber && first != Tok::kDuration) return unexpected("@", "timestamp");
    NINES_TRY(seconds, signed_number());
    constexpr double kMost = 9223372036854775807.0;
    if (!std::isfinite(seconds) || seconds >= kMost / 1000 || seconds <= -kMost / 1000) {
      return error(expr.range, "timestamp out of bounds for @ modifier: " + go_fixed(seconds));
    }
  }
  TimeShift* shift = shift_of(expr);
  if (shift == nullptr) {
    return error(
        expr.range,
        "@ modifier must be preceded by an instant vector selector or range vector selector "
        "or a subquery");
  }
  if (shift->at != AtKind::kNone) {
    return error(expr.range, "@ <timestamp> may not be set multiple times");
  }
  shift->at = kind;
  if (kind == AtKind::kTime) shift->at_ms = std::llround(seconds * 1000);
  return {};
}

Result<void> Parser::extended(Expr& expr) {
  const bool anchored = take().type == Tok::kAnchored;
  const std::string word = anchored ? "anchored" : "smoothed";
  if (expr.kind() == ExprKind::kSubquery) {
    return error(expr.range, word + " modifier is not supported for subqueries");
  }
  if (expr.kind() != ExprKind::kVectorSelector && expr.kind() != ExprKind::kMatrixSelector) {
    // Prometheus's own words for a modifier behind what cannot carry one, e.g. `1 anchored`.
    return error(expr.range, word + " modifier not implemented");
  }
  VectorSelector& selector = expr.kind() == ExprKind::kVectorSelector
                                 ? as<VectorSelector>(expr)
                                 : *as<MatrixSelector>(expr).selector;
  (anchored ? selector.anchored : selector.smoothed) = true;
  if (selector.anchored && selector.smoothed) {
    return error(expr.range, "anchored and smoothed modifiers cannot be used together");
  }
  return {};
}

Result<DurationPtr> Parser::duration(int min_level) {
  if (++depth_ > depth_max_) {
    return error(peek().range(), "expression is nested deeper than " + std::to_string(depth_max_));
  }
  // Here a sign binds looser than ^: -2 ^ 2 is -(2 ^ 2).
  DurationPtr lhs;
  if (type() == Tok::kAdd || type() == Tok::kSub) {
    const Token sign = take();
    NINES_TRY(DurationPtr operand, duration(kDurationPowLevel));
    lhs = signed_duration(sign, std::move(operand));
  } else {
    NINES_TRY(lhs, duration_primary());
  }
  for (;;) {
    DurationExpr::Op op = DurationExpr::Op::kAdd;
    int level = 0;
    switch (type()) {
      case Tok::kAdd:
        op = DurationExpr::Op::kAdd;
        level = 1;
        break;
      case Tok::kSub:
        op = DurationExpr::Op::kSub;
        level = 1;
        break;
      case Tok::kMul:
        op = DurationExpr::Op::kMul;
        level = 2;
        break;
      case Tok::kDiv:
        op = DurationExpr::Op::kDiv;
        level = 2;
        break;
      case Tok::kMod:
        op = DurationExpr::Op::kMod;
        level = 2;
        break;
      case Tok::kPow:
        op = DurationExpr::Op::kPow;
        level = kDurationPowLevel;
        break;
      default:
        break;
    }
    if (level == 0 || level < min_level) break;
    if (++duration_nodes_ > kDurationNodesMax) {
      return error(peek().range(), "duration expression is too long");
    }
    take();
    NINES_TRY(DurationPtr rhs, duration(op == DurationExpr::Op::kPow ? level : level + 1));
    const TextRange range{lhs->range.start, rhs->range.end};
    lhs = make_duration(op, range, std::move(lhs), std::move(rhs));
  }
  --depth_;
  return lhs;
}

Result<DurationPtr> Parser::duration_unary() {
  if (type() != Tok::kAdd && type() != Tok::kSub) return duration_primary();
  const Token sign = take();
  if (++depth_ > depth_max_) {
    return error(sign.range(), "expression is nested deeper than " + std::to_string(depth_max_));
  }
  // The sign binds tighter than any operator here, as offset -5m ^ 2 is (offset -5m) ^ 2.
  NINES_TRY(DurationPtr operand, duration_unary());
  --depth_;
  const TextRange range{sign.start, operand->range.end};
  if (operand->op == DurationExpr::Op::kLiteral && !operand->wrapped) {
    if (sign.type == Tok::kSub) operand->seconds = -operand->seconds;
    operand->range = range;
    return operand;
  }
  return make_duration(sign.type == Tok::kSub ? DurationExpr::Op::kNegate : DurationExpr::Op::kPlus,
                       range, std::move(operand));
}

Result<DurationPtr> Parser::duration_primary() {
  const Token token = peek();
  if (token.type == Tok::kNumber || token.type == Tok::kDuration) {
    take();
    DurationPtr node = make_duration(DurationExpr::Op::kLiteral, token.range());
    NINES_TRY(node->seconds, literal_seconds(token));
    node->is_duration = token.type == Tok::kDuration;
    constexpr double kMost = 9223372036.0;  // seconds that fit in 64 bits of nanoseconds
    if (!(std::fabs(node->seconds) < kMost)) return error(token.range(), "duration out of range");
    return node;
  }
  if (token.type == Tok::kStep || token.type == Tok::kRange) {
    take();
    if (!accept(Tok::kLeftParen)) return unexpected(duration_context_, duration_wanted_);
    if (!accept(Tok::kRightParen)) return unexpected(duration_context_, duration_wanted_);
    return make_duration(
        token.type == Tok::kStep ? DurationExpr::Op::kStep : DurationExpr::Op::kRange,
        {token.start, last_end_});
  }
  if (token.type == Tok::kLeftParen) {
    take();
    NINES_TRY(DurationPtr inner, duration(0));
    if (!accept(Tok::kRightParen)) return unexpected(duration_context_, duration_wanted_);
    if (inner->op == DurationExpr::Op::kLiteral) {
      inner = make_duration(DurationExpr::Op::kPlus, {token.start, last_end_}, std::move(inner));
    }
    inner->wrapped = true;
    inner->range = {token.start, last_end_};
    return inner;
  }
  const std::string word = to_lower(token.text);
  if (token.type == Tok::kIdentifier && (word == "min_of" || word == "max_of")) {
    take();
    if (!accept(Tok::kLeftParen)) return unexpected(duration_context_, duration_wanted_);
    NINES_TRY(DurationPtr lhs, duration(0));
    if (!accept(Tok::kComma)) return unexpected(duration_context_, duration_wanted_);
    NINES_TRY(DurationPtr rhs, duration(0));
    if (!accept(Tok::kRightParen)) return unexpected(duration_context_, duration_wanted_);
    return make_duration(word == "min_of" ? DurationExpr::Op::kMin : DurationExpr::Op::kMax,
                         {token.start, last_end_}, std::move(lhs), std::move(rhs));
  }
  return unexpected(duration_context_, duration_wanted_);
}

}  // namespace nines::promql
