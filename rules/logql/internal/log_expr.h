#pragma once
// The syntax tree of the LogQL subset.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/model/matcher.h"
#include "base/text/regex.h"

namespace nines::logql {

enum class LineOp : std::uint8_t { kContains, kLacks, kMatches, kDiffers };  // |= != |~ !~

struct LineFilter {
  LineOp op = LineOp::kContains;
  std::vector<std::string> any;                       // chained with `or`
  std::vector<std::shared_ptr<const Regex>> regexes;  // one per `any` for |~ and !~
  bool keeps(std::string_view line) const;
};

struct LogSelector {
  std::vector<Matcher> matchers;
  std::vector<LineFilter> filters;
};

enum class RangeOp : std::uint8_t { kRate, kCountOverTime, kBytesRate, kBytesOverTime };
enum class VectorOp : std::uint8_t { kSum, kMin, kMax, kAvg, kCount };

// One node; `kind` says which fields mean something.
class LogExpr {
 public:
  enum class Kind : std::uint8_t { kLines, kRange, kAggregate, kNumber, kVector, kBinary };
  Kind kind = Kind::kLines;
  LogSelector selector;                 // kLines, kRange
  RangeOp range_op = RangeOp::kRate;    // kRange
  Duration window{0};                   // kRange
  Duration offset{0};                   // kRange
  VectorOp vector_op = VectorOp::kSum;  // kAggregate
  bool has_grouping = false;            // kAggregate
  bool without = false;
  std::vector<std::string> grouping;
  double number = 0;                                     // kNumber, kVector
  std::string op;                                        // kBinary: + - * / % ^ == != > >= < <=
  bool return_bool = false;                              // kBinary comparisons
  std::vector<std::shared_ptr<const LogExpr>> children;  // kAggregate: 1, kBinary: 2
  int height = 1;  // of the tree below: what evaluates it calls itself as often
};

}  // namespace nines::logql
