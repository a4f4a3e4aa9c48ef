// `nines check metrics`: is what stands on stdin an exposition, and is there advice on it?
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/verbs.h"
#include "base/text/numbers.h"
#include "collector/exposition/lint.h"

namespace nines::app {
namespace {

constexpr std::size_t kBytesMax = 256u << 20;

// As promtool lays it out: columns as wide as their widest text, four blanks between them.
void print_sizes(const std::vector<collector::FamilySize>& sizes) {
  std::uint64_t total = 0;
  for (const collector::FamilySize& one : sizes) total += one.series;
  std::vector<std::array<std::string, 3>> rows = {{"Metric", "Cardinality", "Percentage"}};
  for (const collector::FamilySize& one : sizes) {
    const double share = 100 * static_cast<double>(one.series) / static_cast<double>(total);
    rows.push_back({one.family, std::to_string(one.series), fmt::format("{:.2f}%", share)});
  }
  rows.push_back({"Total", std::to_string(total), "100%"});
  std::array<std::size_t, 3> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size() + 4);
  }
  for (const auto& row : rows) {
    fmt::print("{:<{}}{:<{}}{:<{}}\n", row[0], widths[0], row[1], widths[1], row[2], widths[2]);
  }
}

}  // namespace

int check_metrics(bool extended) {
  std::string text;
  std::array<char, 64u << 10> buffer;
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), stdin)) {
    if (text.size() + n > kBytesMax) {
      fmt::print(stderr, "nines: more than {} on stdin\n", format_bytes(kBytesMax));
      return kExitFailure;
    }
    text.append(buffer.data(), n);
  }
  const auto findings = collector::lint_exposition(text);
  if (!findings) {
    fmt::print(stderr, "nines: error while linting: {}\n", findings.error().what());
    return kExitFailure;
  }
  for (const collector::ExpositionFinding& one : *findings) {
    fmt::print(stderr, "{} {}\n", one.metric, one.text);
  }
  if (!findings->empty()) return kExitLint;
  if (extended) {
    if (const auto sizes = collector::family_sizes(text)) print_sizes(*sizes);
  }
  return kExitOk;
}

}  // namespace nines::app
