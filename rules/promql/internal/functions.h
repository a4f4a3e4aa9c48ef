#pragma once
// The functions of PromQL: names, argument types and results, for the type check and the evaluator.

#include <cstdint>
#include <string_view>
#include <vector>

#include "rules/promql/ast.h"

namespace nines::promql {

enum class Fn : std::uint8_t {
  // of an instant vector's floats, one by one
  kAbs,
  kAcos,
  kAcosh,
  kAsin,
  kAsinh,
  kAtan,
  kAtanh,
  kCeil,
  kCos,
  kCosh,
  kDeg,
  kExp,
  kFloor,
  kLn,
  kLog10,
  kLog2,
  kRad,
  kSgn,
  kSin,
  kSinh,
  kSqrt,
  kTan,
  kTanh,
  kClamp,
  kClampMax,
  kClampMin,
  kRound,
  // dates
  kDaysInMonth,
  kDayOfMonth,
  kDayOfWeek,
  kDayOfYear,
  kHour,
  kMinute,
  kMonth,
  kYear,
  // scalars
  kTime,
  kPi,
  kScalar,
  kStart,
  kEnd,
  kStep,
  kRange,
  kMinOf,
  kMaxOf,
  // vectors and labels
  kVector,
  kAbsent,
  kTimestamp,
  kStartTimestamp,
  kLabelReplace,
  kLabelJoin,
  kInfo,
  kSort,
  kSortDesc,
  kSortByLabel,
  kSortByLabelDesc,
  // histograms
  kHistogramAvg,
  kHistogramCount,
  kHistogramSum,
  kHistogramStddev,
  kHistogramStdvar,
  kHistogramFraction,
  kHistogramQuantile,
  kHistogramQuantiles,
  // of a range
  kRate,
  kIncrease,
  kDelta,
  kIrate,
  kIdelta,
  kDeriv,
  kPredictLinear,
  kChanges,
  kResets,
  kDoubleExponentialSmoothing,
  kAvgOverTime,
  kSumOverTime,
  kMinOverTime,
  kMaxOverTime,
  kCountOverTime,
  kLastOverTime,
  kFirstOverTime,
  kPresentOverTime,
  kAbsentOverTime,
  kStddevOverTime,
  kStdvarOverTime,
  kQuantileOverTime,
  kMadOverTime,
  kTsOfMinOverTime,
  kTsOfMaxOverTime,
  kTsOfFirstOverTime,
  kTsOfLastOverTime
};

struct FunctionInfo {
  std::string_view name;
  Fn id;
  ValueType result;
  std::vector<ValueType> args;
  int variadic = 0;  // how many of the last may be left out or added; -1: any number more
  bool uses_step_time = false;  // its answer depends on the step even over fixed arguments
};

// Null when there is none.
const FunctionInfo* find_function(std::string_view name);

}  // namespace nines::promql
