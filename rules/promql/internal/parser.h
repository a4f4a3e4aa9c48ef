#pragma once
// From tokens to a type-checked tree. Recursive descent; operators by precedence.

#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "rules/promql/ast.h"
#include "rules/promql/internal/lexer.h"

namespace nines::promql {

// `1:5: parse error: ` + what, line and column of `at` counted from 1 in `text`.
Error parse_error(std::string_view text, TextRange at, std::string_view what);
// "line:column" of a byte offset, from 1.
std::string position(std::string_view text, std::size_t offset);

class Parser {
 public:
  Parser(std::string_view text, int depth_max)
      : text_(text), depth_max_(depth_max), tokens_(lex(text)) {}
  Result<ExprPtr> parse();
  // A vector selector and nothing more.
  Result<std::vector<Matcher>> parse_metric_selector();

 private:
  const Token& peek(std::size_t ahead = 0) const {
    return tokens_[at_ + ahead < tokens_.size() ? at_ + ahead : tokens_.size() - 1];
  }
  Tok type(std::size_t ahead = 0) const { return peek(ahead).type; }
  const Token& take() {
    const Token& token = tokens_[at_];
    if (at_ + 1 < tokens_.size()) ++at_;
    last_end_ = token.end();
    return token;
  }
  bool accept(Tok wanted) {
    if (type() != wanted) return false;
    take();
    return true;
  }
  Error error(TextRange at, std::string_view what) const { return parse_error(text_, at, what); }
  // The next token does not belong here; a lexer's error speaks for itself.
  Error unexpected(std::string_view context = {}, std::string_view expected = {}) const;

  Result<ExprPtr> expression(int min_level);
  Result<ExprPtr> unary();
  Result<ExprPtr> postfix(ExprPtr expr);
  Result<ExprPtr> primary();
  Result<ExprPtr> number();
  Result<ExprPtr> binary(ExprPtr lhs, BinaryOp op, int level);
  Result<void> binary_modifiers(Binary& node);
  Result<void> fill_modifiers(VectorMatching& matching);
  Result<double> fill_value();
  Result<ExprPtr> call();
  Result<std::vector<ExprPtr>> arguments();
  Result<ExprPtr> aggregate();
  Result<void> aggregate_modifier(Aggregate& node);
  Result<std::vector<std::string>> label_list();
  bool starts_aggregate() const;

  Result<ExprPtr> selector();
  Result<void> label_matchers(VectorSelector& node);
  Result<void> label_matcher(VectorSelector& node);
  Result<ExprPtr> bracket(ExprPtr expr);
  Result<void> offset(Expr& expr);
  Result<void> at(Expr& expr);
  Result<void> extended(Expr& expr);
  Result<double> signed_number();

  Result<DurationPtr> positive_duration();
  Result<DurationPtr> duration(int min_level);
  Result<DurationPtr> duration_unary();
  Result<DurationPtr> duration_primary();
  Result<double> literal_seconds(const Token& token) const;

  // Keeps the tree's height below what recursion over it can bear.
  Result<ExprPtr> grown(ExprPtr expr, std::initializer_list<const Expr*> children) const;

  std::string_view text_;
  int depth_max_;
  int depth_ = 0;
  static constexpr int kDurationNodesMax = 100;
  int duration_nodes_ = 0;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int open_aggregates_ = 0;  // whose arguments are not complete
  std::string_view duration_context_, duration_wanted_;
  std::size_t last_end_ = 0;
};

// Checks types and arguments; settles set operators' cardinality and what is the same at every
// step.
Result<void> type_check(std::string_view text, Expr& expr);

}  // namespace nines::promql
