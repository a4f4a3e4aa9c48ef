#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/logql/engine.h"
#include "rules/logql/internal/lexer.h"
#include "rules/logql/internal/log_expr.h"

namespace nines::logql {
namespace {

using ExprPtr = std::shared_ptr<const LogExpr>;

constexpr int kDepthMax = 64;
// `a + b + c` nests to the left without a bracket.
constexpr int kHeightMax = 500;
// Nanoseconds reach 292 years; the time of the query lies among them, too.
constexpr Duration kSpanMax{50LL * 365 * 86'400'000};
constexpr std::size_t kTextMax = 64u << 10;

const std::map<std::string, RangeOp, std::less<>> kRangeOps = {
    {"rate", RangeOp::kRate},
    {"count_over_time", RangeOp::kCountOverTime},
    {"bytes_rate", RangeOp::kBytesRate},
    {"bytes_over_time", RangeOp::kBytesOverTime}};
const std::map<std::string, VectorOp, std::less<>> kVectorOps = {{"sum", VectorOp::kSum},
                                                                 {"min", VectorOp::kMin},
                                                                 {"max", VectorOp::kMax},
                                                                 {"avg", VectorOp::kAvg},
                                                                 {"count", VectorOp::kCount}};

int precedence(const Token& token) {
  static const std::map<std::string, int, std::less<>> kPrecedence = {
      {"==", 1}, {"!=", 1}, {">", 1}, {">=", 1}, {"<", 1}, {"<=", 1},
      {"+", 2},  {"-", 2},  {"*", 3}, {"/", 3},  {"%", 3}, {"^", 4}};
  if (token.kind != Token::Kind::kSymbol) return 0;
  const auto it = kPrecedence.find(token.text);
  return it == kPrecedence.end() ? 0 : it->second;
}

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens)
      : text_(text), tokens_(std::move(tokens)) {}

  Result<ExprPtr> all() {
    NINES_TRY(ExprPtr expr, binary(1, 0));
    if (peek().kind != Token::Kind::kEnd) return unexpected("end of query");
    return expr;
  }

 private:
  const Token& peek() const { return tokens_[at_]; }
  Token next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool is(std::string_view symbol) const {
    return peek().kind == Token::Kind::kSymbol && peek().text == symbol;
  }
  bool is_word(std::string_view word) const {
    return peek().kind == Token::Kind::kWord && peek().text == word;
  }
  bool take(std::string_view symbol) {
    if (!is(symbol)) return false;
    next();
    return true;
  }
  Error error(std::string_view message) const { return parse_error(text_, peek().at, message); }
  Error unexpected(std::string_view wanted) const {
    const std::string got =
        peek().kind == Token::Kind::kEnd ? "end of query" : quote_go(peek().text);
    return error("unexpected " + got + ", expected " + std::string(wanted));
  }
  Result<void> expect(std::string_view symbol) {
    if (take(symbol)) return {};
    return unexpected(quote_go(symbol));
  }

  Result<ExprPtr> binary(int least, int depth) {
    if (depth > kDepthMax) return error("nested deeper than " + std::to_string(kDepthMax));
    NINES_TRY(ExprPtr left, unary(depth));
    while (precedence(peek()) >= least) {
      const Token op = next();
      const int mine = precedence(op);
      LogExpr node;
      node.kind = LogExpr::Kind::kBinary;
      node.op = op.text;
      if (is_word("bool")) {
        if (mine != 1) return error("`bool` goes with comparisons only");
        node.return_bool = true;
        next();
      }
      NINES_TRY(ExprPtr right, binary(op.text == "^" ? mine : mine + 1, depth + 1));
      if (left->kind == LogExpr::Kind::kLines || right->kind == LogExpr::Kind::kLines) {
        return parse_error(
            text_, op.at,
            "a log query has no value to calculate with; wrap it in count_over_time(... [5m])");
      }
      node.height = 1 + std::max(left->height, right->height);
      if (node.height > kHeightMax) {
        return parse_error(text_, op.at,
                           "more than " + std::to_string(kHeightMax - 1) + " operators in a row");
      }
      node.children = {std::move(left), std::move(right)};
      left = std::make_shared<const LogExpr>(std::move(node));
    }
    return left;
  }

  Result<ExprPtr> unary(int depth) {
    if (take("(")) {
      NINES_TRY(ExprPtr inner, binary(1, depth + 1));
      if (Result<void> closed = expect(")"); !closed) return std::move(closed).error();
      return inner;
    }
    LogExpr node;
    const bool minus = take("-");
    if (!minus) take("+");
    if (peek().kind == Token::Kind::kNumber) {
      node.kind = LogExpr::Kind::kNumber;
      node.number = *parse_double(next().text) * (minus ? -1 : 1);
      return std::make_shared<const LogExpr>(std::move(node));
    }
    if (minus) return unexpected("a number");
    if (is("{")) {
      if (Result<void> read = selector(node.selector); !read) return std::move(read).error();
      return std::make_shared<const LogExpr>(std::move(node));
    }
    if (peek().kind != Token::Kind::kWord)
      return unexpected("a stream selector such as {app=\"shop\"}");
    return function(depth);
  }

  Result<ExprPtr> function(int depth) {
    const Token name = next();
    LogExpr node;
    if (const auto it = kRangeOps.find(name.text); it != kRangeOps.end()) {
      node.kind = LogExpr::Kind::kRange;
      node.range_op = it->second;
      if (Result<void> read = range(node); !read) return std::move(read).error();
      return std::make_shared<const LogExpr>(std::move(node));
    }
    if (const auto it = kVectorOps.find(name.text); it != kVectorOps.end()) {
      node.kind = LogExpr::Kind::kAggregate;
      node.vector_op = it->second;
      if (Result<void> read = aggregate(node, depth); !read) return std::move(read).error();
      return std::make_shared<const LogExpr>(std::move(node));
    }
    if (name.text == "vector") {
      node.kind = LogExpr::Kind::kVector;
      if (Result<void> open = expect("("); !open) return std::move(open).error();
      const bool minus = take("-");
      if (peek().kind != Token::Kind::kNumber) return unexpected("a number");
      node.number = *parse_double(next().text) * (minus ? -1 : 1);
      if (Result<void> closed = expect(")"); !closed) return std::move(closed).error();
      return std::make_shared<const LogExpr>(std::move(node));
    }
    return parse_error(text_, name.at,
                       "nines does not know " + quote_go(name.text) +
                           "; it knows rate, count_over_time, bytes_rate, bytes_over_time, sum, "
                           "min, max, avg, count and vector");
  }

  Result<Duration> duration() {
    if (peek().kind != Token::Kind::kDuration) return unexpected("a duration such as 5m");
    NINES_TRY(const Duration out, parse_duration(peek().text));  // the lexer has read it once
    if (out > kSpanMax) {
      return error("duration " + quote_go(peek().text) + " is longer than " +
                   format_duration(kSpanMax));
    }
    next();
    return out;
  }

  Result<void> range(LogExpr& node) {
    if (Result<void> open = expect("("); !open) return open;
    const bool inner = take("(");
    if (Result<void> read = selector(node.selector); !read) return read;
    if (inner) {
      if (Result<void> closed = expect(")"); !closed) return closed;
    }
    if (Result<void> open = expect("["); !open) return open;
    NINES_TRY(node.window, duration());
    if (node.window <= Duration(0)) return error("the range must be longer than 0s");
    if (Result<void> closed = expect("]"); !closed) return closed;
    if (Result<void> more = line_filters(node.selector); !more)
      return more;  // {..}[5m] |= "x" is allowed too
    if (is_word("offset")) {
      next();
      const bool minus = take("-");
      NINES_TRY(const Duration by, duration());
      node.offset = minus ? -by : by;
    }
    return expect(")");
  }

  Result<void> grouping(LogExpr& node) {
    if (!is_word("by") && !is_word("without")) return {};
    node.has_grouping = true;
    node.without = next().text == "without";
    if (Result<void> open = expect("("); !open) return open;
    while (peek().kind == Token::Kind::kWord) {
      node.grouping.push_back(next().text);
      if (!take(",")) break;
    }
    return expect(")");
  }

  Result<void> aggregate(LogExpr& node, int depth) {
    if (Result<void> read = grouping(node); !read) return read;
    if (Result<void> open = expect("("); !open) return open;
    Result<ExprPtr> inner = binary(1, depth + 1);
    if (!inner) return std::move(inner).error();
    if ((*inner)->kind == LogExpr::Kind::kLines || (*inner)->kind == LogExpr::Kind::kNumber) {
      return error("an aggregation needs a vector, such as rate({app=\"shop\"}[5m])");
    }
    node.height = 1 + (*inner)->height;
    node.children.push_back(*std::move(inner));
    if (Result<void> closed = expect(")"); !closed) return closed;
    return node.has_grouping ? Result<void>() : grouping(node);
  }

  Result<void> selector(LogSelector& out) {
    if (Result<void> open = expect("{"); !open) return open;
    bool selective = false;
    while (!is("}")) {
      if (peek().kind != Token::Kind::kWord) return unexpected("a label name");
      const std::string name = next().text;
      MatchOp op = MatchOp::kEqual;
      if (take("=")) {
        op = MatchOp::kEqual;
      } else if (take("!=")) {
        op = MatchOp::kNotEqual;
      } else if (take("=~")) {
        op = MatchOp::kRegex;
      } else if (take("!~")) {
        op = MatchOp::kNotRegex;
      } else {
        return unexpected("one of = != =~ !~");
      }
      if (peek().kind != Token::Kind::kString) return unexpected("a quoted value");
      Result<Matcher> matcher = Matcher::make(op, name, peek().text);
      if (!matcher) return error(matcher.error().what());
      next();
      selective = selective || !matcher->matches_empty();
      out.matchers.push_back(*std::move(matcher));
      if (!take(",") && !is("}")) return unexpected("\",\" or \"}\"");
    }
    next();
    if (!selective) {
      return error(
          "queries require at least one matcher that does not have an empty-compatible value");
    }
    return line_filters(out);
  }

  Result<void> line_filters(LogSelector& out) {
    static const std::map<std::string, LineOp, std::less<>> kOps = {{"|=", LineOp::kContains},
                                                                    {"!=", LineOp::kLacks},
                                                                    {"|~", LineOp::kMatches},
                                                                    {"!~", LineOp::kDiffers}};
    for (;;) {
      if (is("|") || is("|>") || is("!>")) {
        return error(
            "nines does not know parsers, label filters and pattern filters in log queries yet; "
            "line filters are |= != |~ !~");
      }
      const auto it = peek().kind == Token::Kind::kSymbol ? kOps.find(peek().text) : kOps.end();
      // `!=` may also compare two vectors: a string after it makes it a filter.
      if (it == kOps.end() || tokens_[at_ + 1].kind != Token::Kind::kString) return {};
      next();
      LineFilter filter;
      filter.op = it->second;
      do {
        if (peek().kind != Token::Kind::kString) return unexpected("a quoted text");
        const std::string text = peek().text;
        if (filter.op == LineOp::kMatches || filter.op == LineOp::kDiffers) {
          auto regex = Regex::compile("(?s:" + text + ")", RegexAnchor::kNone);
          if (!regex) return error(regex.error().what());
          filter.regexes.push_back(*std::move(regex));
        }
        filter.any.push_back(text);
        next();
      } while (is_word("or") && (next(), true));
      out.filters.push_back(std::move(filter));
    }
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

}  // namespace

bool LineFilter::keeps(std::string_view line) const {
  bool any_hit = false;
  if (op == LineOp::kContains || op == LineOp::kLacks) {
    for (const std::string& text : any)
      any_hit = any_hit || line.find(text) != std::string_view::npos;
  } else {
    for (const auto& regex : regexes) any_hit = any_hit || regex->matches(line);
  }
  return (op == LineOp::kContains || op == LineOp::kMatches) == any_hit;
}

Result<LogQuery> LogQuery::parse(std::string_view text) {
  if (text.size() > kTextMax) {
    return Error(ErrorCode::kLimit,
                 "the query is longer than " + std::to_string(kTextMax) + " bytes");
  }
  NINES_TRY(std::vector<Token> tokens, tokenize(text));
  NINES_TRY(ExprPtr root, Parser(text, std::move(tokens)).all());
  return LogQuery(std::move(root));
}

bool LogQuery::is_metric() const {
  return root_->kind != LogExpr::Kind::kLines;
}

}  // namespace nines::logql
