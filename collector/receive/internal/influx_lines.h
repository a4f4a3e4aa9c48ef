#pragma once
// InfluxDB's line protocol, read line by line.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/result.h"

namespace nines::collector {

// One line; escapes undone, tags and fields in their order.
struct InfluxPoint {
  std::string measurement;
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::pair<std::string, double>> fields;  // without those that are no number
  std::optional<std::int64_t> time;                    // in the request's unit
};

// Hands out the points of a body.
class InfluxLines {
 public:
  explicit InfluxLines(std::string_view body) : rest_(body) {}

  // The next point, or nothing at the end; comments and empty lines are passed over. kInvalid: that
  // line is no point, reading goes on behind it.
  std::optional<Result<InfluxPoint>> next();
  std::size_t line() const { return line_; }  // of what next() gave, from 1

 private:
  std::string_view rest_;
  std::size_t line_ = 0, lines_before_ = 0;
};

// The nanoseconds of a unit of time. Nothing: it is none.
std::optional<std::int64_t> influx_unit_nanos(std::string_view precision);

}  // namespace nines::collector
