// `nines check metrics`: is what stands on stdin an exposition, and is there advice on it?
#include <array>
#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/verbs.h"
#include "base/text/numbers.h"
#include "collector/exposition/lint.h"

namespace nines::app {
namespace {

constexpr std::size_t kBytesMax = 256u << 20;

}  // namespace

int check_metrics() {
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
  return findings->empty() ? kExitOk : kExitLint;
}

}  // namespace nines::app
