#pragma once
// Which labels the result of an expression can have, read off the expression alone.

#include <set>
#include <string>
#include <string_view>

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

}  // namespace nines::alerts
