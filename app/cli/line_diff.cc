#include "app/cli/internal/line_diff.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace nines::app {
namespace {

constexpr std::size_t kPairsMax = 4'000'000;

}  // namespace

std::vector<std::string> line_diff(const std::vector<std::string>& expected,
                                   const std::vector<std::string>& got) {
  const std::size_t rows = expected.size();
  const std::size_t columns = got.size();
  const bool compare = rows == 0 || columns <= kPairsMax / rows;
  // common[i][j]: how many lines the rests from i and from j have in common.
  std::vector<std::vector<std::uint32_t>> common;
  if (compare) common.assign(rows + 1, std::vector<std::uint32_t>(columns + 1));
  for (std::size_t i = rows; compare && i-- > 0;) {
    for (std::size_t j = columns; j-- > 0;) {
      common[i][j] = expected[i] == got[j] ? common[i + 1][j + 1] + 1
                                           : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<std::string> out;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < rows || j < columns) {
    if (compare && i < rows && j < columns && expected[i] == got[j]) {
      out.push_back("  " + expected[i++]);
      ++j;
    } else if (i < rows && (j == columns || !compare || common[i + 1][j] >= common[i][j + 1])) {
      out.push_back("- " + expected[i++]);
    } else {
      out.push_back("+ " + got[j++]);
    }
  }
  return out;
}

}  // namespace nines::app
