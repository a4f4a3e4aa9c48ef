#pragma once
// Expressions as text for people.

#include <string>

#include "rules/promql/engine.h"

namespace nines::promql {

// As Prometheus's formatter: what fits in 100 bytes stands on one line, of the rest each level is
// indented by two spaces. Parses to the same tree.
std::string pretty(const Expr& expr);

}  // namespace nines::promql
