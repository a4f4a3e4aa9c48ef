#pragma once
// Regular expressions that are only a list of words.

#include <string>
#include <string_view>
#include <vector>

namespace nines::internal {

// The words of a pattern such as `a|b|c` or `(a|b\.c)`, sorted and unique; empty when the pattern
// is anything more than an alternation of literals.
std::vector<std::string> literal_alternatives(std::string_view pattern);

}  // namespace nines::internal
