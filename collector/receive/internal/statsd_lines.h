#pragma once
// One line of StatsD, read.

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/result.h"

namespace nines::collector {

enum class StatsdKind : std::uint8_t { kCounter, kGauge, kTimer, kHistogram, kSet };

// Views point into the line.
struct StatsdLine {
  std::string_view name;
  StatsdKind kind = StatsdKind::kCounter;
  std::vector<std::string_view> values;  // those of sets are any text, the others numbers
  double rate = 1;                       // of sampling, above 0 and at most 1
  std::vector<std::pair<std::string_view, std::string_view>> tags;
};

// name:value[:value...]|type[|@rate][|#tag:value,...]. kInvalid: it is no such line. kNotFound: a
// line that says something else on purpose (an event, a service check).
Result<StatsdLine> read_statsd_line(std::string_view line);

}  // namespace nines::collector
