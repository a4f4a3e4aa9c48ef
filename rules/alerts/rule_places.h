#pragma once
// Where in a YAML rule file a problem stands that was found in a rule.

#include <string>
#include <string_view>
#include <vector>

namespace nines::alerts {

// `problems` of check_group() on groups of this file: each comes back as `file:line:col: ...`. A
// parse error's own row and column (`could not parse expression: 2:5: ...`) are looked up in the
// scalar that holds the expression, block and folded ones included; a label's or an annotation's
// problem points at its value; any other at the rule, or at the file when it has none. The texts
// stay as they are.
std::vector<std::string> place_problems(const std::string& file, std::string_view text,
                                        std::vector<std::string> problems);

}  // namespace nines::alerts
