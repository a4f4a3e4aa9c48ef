#pragma once
// Whether a result is what a script expects; an empty text when it is, else what differs.

#include <string>
#include <vector>

#include "rules/promql/engine.h"
#include "rules/promql/internal/script_commands.h"

namespace nines::promql {

std::string compare_value(const EvalCommand& command, const Value& value);
std::string compare_annotations(const EvalCommand& command, const QueryResult& result);
std::string compare_failure(const EvalCommand& command, const std::string& error);

}  // namespace nines::promql
