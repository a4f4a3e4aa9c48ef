#pragma once
// A test script as commands.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "rules/promql/internal/series_notation.h"

namespace nines::promql {

struct ClearCommand {};

struct LoadCommand {
  int line = 0;
  Duration gap{};
  Timestamp start{};                    // of the first value
  bool with_custom_histograms = false;  // classic histograms also as native ones of custom buckets
  std::vector<SeriesLine> series;
};

// An annotation or error that is expected: its text, a pattern, or any.
struct Expected {
  bool any = false;
  bool is_regex = false;
  std::string text;
};

struct EvalCommand {
  int line = 0;
  std::string expr;
  bool is_range = false;
  std::int64_t at = 0;                      // of an instant
  std::int64_t from = 0, to = 0, step = 1;  // of what is expected; an instant has from == to
  bool ordered = false;
  bool range_vector = false;  // an instant query that gives samples of a window
  std::optional<double> scalar;
  std::optional<std::string> text;
  std::vector<SeriesLine> series;
  std::optional<Expected> fail;
  std::vector<Expected> warnings, infos;
  bool no_warnings = false, no_infos = false;
};

using ScriptCommand = std::variant<ClearCommand, LoadCommand, EvalCommand>;

// kInvalid with "line: what".
Result<std::vector<ScriptCommand>> parse_script(std::string_view text);

}  // namespace nines::promql
