#pragma once
// What two lists of lines have in common, and what each has alone.

#include <string>
#include <vector>

namespace nines::app {

// The lines of both in order, "  " before the common ones, "- " before those of `expected` alone
// and
// "+ " before those of `got` alone. The common ones are a longest common subsequence; past 4
// million pairs of lines nothing is taken as common.
std::vector<std::string> line_diff(const std::vector<std::string>& expected,
                                   const std::vector<std::string>& got);

}  // namespace nines::app
