#pragma once
// Which labels the result of an expression can have, read off the expression alone.

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rules/promql/ast.h"

namespace nines::alerts {

struct ResultLabels {
  // Closed: no label but these. Open: any label but these.
  bool closed = false;
  std::set<std::string> names;

  bool may_have(const std::string& name) const { return names.contains(name) == closed; }
};

// What cannot be told counts as possible. `text` is the query's own.
ResultLabels result_labels(const promql::Expr& expr, std::string_view text);

// The selectors under absent() and absent_over_time(), as they stand in the text.
std::set<std::string> absent_arguments(const promql::Expr& expr, std::string_view text);

// Labels that the expression itself makes: label_replace(), label_join(), count_values(). Nothing
// when it may make any, with info() or a label's name that is computed.
std::optional<std::set<std::string>> made_labels(const promql::Expr& expr, std::string_view text);

struct Grouping {  // sum by (label) (operand)
  std::string label;
  std::string operand;
};
std::vector<Grouping> groupings(const promql::Expr& expr, std::string_view text);

}  // namespace nines::alerts
