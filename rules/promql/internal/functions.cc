#include "rules/promql/internal/functions.h"

#include <algorithm>

#include "rules/promql/engine.h"

namespace nines::promql {
namespace {

constexpr ValueType kS = ValueType::kScalar;
constexpr ValueType kV = ValueType::kVector;
constexpr ValueType kM = ValueType::kMatrix;
constexpr ValueType kT = ValueType::kString;

// Sorted by name.
const std::vector<FunctionInfo>& table() {
  static const std::vector<FunctionInfo> functions = [] {
    std::vector<FunctionInfo> all = {
        {"abs", Fn::kAbs, kV, {kV}},
        {"acos", Fn::kAcos, kV, {kV}},
        {"acosh", Fn::kAcosh, kV, {kV}},
        {"asin", Fn::kAsin, kV, {kV}},
        {"asinh", Fn::kAsinh, kV, {kV}},
        {"atan", Fn::kAtan, kV, {kV}},
        {"atanh", Fn::kAtanh, kV, {kV}},
        {"ceil", Fn::kCeil, kV, {kV}},
        {"cos", Fn::kCos, kV, {kV}},
        {"cosh", Fn::kCosh, kV, {kV}},
        {"deg", Fn::kDeg, kV, {kV}},
        {"exp", Fn::kExp, kV, {kV}},
        {"floor", Fn::kFloor, kV, {kV}},
        {"ln", Fn::kLn, kV, {kV}},
        {"log10", Fn::kLog10, kV, {kV}},
        {"log2", Fn::kLog2, kV, {kV}},
        {"rad", Fn::kRad, kV, {kV}},
        {"sgn", Fn::kSgn, kV, {kV}},
        {"sin", Fn::kSin, kV, {kV}},
        {"sinh", Fn::kSinh, kV, {kV}},
        {"sqrt", Fn::kSqrt, kV, {kV}},
        {"tan", Fn::kTan, kV, {kV}},
        {"tanh", Fn::kTanh, kV, {kV}},
        {"clamp", Fn::kClamp, kV, {kV, kS, kS}},
        {"clamp_max", Fn::kClampMax, kV, {kV, kS}},
        {"clamp_min", Fn::kClampMin, kV, {kV, kS}},
        {"round", Fn::kRound, kV, {kV, kS}, 1},
        {"days_in_month", Fn::kDaysInMonth, kV, {kV}, 1, true},
        {"day_of_month", Fn::kDayOfMonth, kV, {kV}, 1, true},
        {"day_of_week", Fn::kDayOfWeek, kV, {kV}, 1, true},
        {"day_of_year", Fn::kDayOfYear, kV, {kV}, 1, true},
        {"hour", Fn::kHour, kV, {kV}, 1, true},
        {"minute", Fn::kMinute, kV, {kV}, 1, true},
        {"month", Fn::kMonth, kV, {kV}, 1, true},
        {"year", Fn::kYear, kV, {kV}, 1, true},
        {"time", Fn::kTime, kS, {}, 0, true},
        {"pi", Fn::kPi, kS, {}},
        {"scalar", Fn::kScalar, kS, {kV}},
        {"start", Fn::kStart, kS, {}},
        {"end", Fn::kEnd, kS, {}},
        {"step", Fn::kStep, kS, {}},
        {"range", Fn::kRange, kS, {}},
        {"min_of", Fn::kMinOf, kS, {kS, kS}},
        {"max_of", Fn::kMaxOf, kS, {kS, kS}},
        {"vector", Fn::kVector, kV, {kS}},
        {"absent", Fn::kAbsent, kV, {kV}},
        {"timestamp", Fn::kTimestamp, kV, {kV}, 0, true},
        {"start_timestamp", Fn::kStartTimestamp, kV, {kV}, 0, true},
        {"label_replace", Fn::kLabelReplace, kV, {kV, kT, kT, kT, kT}},
        {"label_join", Fn::kLabelJoin, kV, {kV, kT, kT, kT}, -1},
        {"info", Fn::kInfo, kV, {kV, kV}, 1, true},
        {"sort", Fn::kSort, kV, {kV}},
        {"sort_desc", Fn::kSortDesc, kV, {kV}},
        {"sort_by_label", Fn::kSortByLabel, kV, {kV, kT}, -1},
        {"sort_by_label_desc", Fn::kSortByLabelDesc, kV, {kV, kT}, -1},
        {"histogram_avg", Fn::kHistogramAvg, kV, {kV}},
        {"histogram_count", Fn::kHistogramCount, kV, {kV}},
        {"histogram_sum", Fn::kHistogramSum, kV, {kV}},
        {"histogram_stddev", Fn::kHistogramStddev, kV, {kV}},
        {"histogram_stdvar", Fn::kHistogramStdvar, kV, {kV}},
        {"histogram_fraction", Fn::kHistogramFraction, kV, {kS, kS, kV}},
        {"histogram_quantile", Fn::kHistogramQuantile, kV, {kS, kV}},
        {"histogram_quantiles", Fn::kHistogramQuantiles, kV, {kV, kT, kS, kS}, 9},
        {"rate", Fn::kRate, kV, {kM}},
        {"increase", Fn::kIncrease, kV, {kM}},
        {"delta", Fn::kDelta, kV, {kM}},
        {"irate", Fn::kIrate, kV, {kM}},
        {"idelta", Fn::kIdelta, kV, {kM}},
        {"deriv", Fn::kDeriv, kV, {kM}},
        {"predict_linear", Fn::kPredictLinear, kV, {kM, kS}, 0, true},
        {"changes", Fn::kChanges, kV, {kM}},
        {"resets", Fn::kResets, kV, {kM}},
        {"double_exponential_smoothing", Fn::kDoubleExponentialSmoothing, kV, {kM, kS, kS}},
        {"holt_winters", Fn::kDoubleExponentialSmoothing, kV, {kM, kS, kS}},
        {"avg_over_time", Fn::kAvgOverTime, kV, {kM}},
        {"sum_over_time", Fn::kSumOverTime, kV, {kM}},
        {"min_over_time", Fn::kMinOverTime, kV, {kM}},
        {"max_over_time", Fn::kMaxOverTime, kV, {kM}},
        {"count_over_time", Fn::kCountOverTime, kV, {kM}},
        {"last_over_time", Fn::kLastOverTime, kV, {kM}},
        {"first_over_time", Fn::kFirstOverTime, kV, {kM}},
        {"present_over_time", Fn::kPresentOverTime, kV, {kM}},
        {"absent_over_time", Fn::kAbsentOverTime, kV, {kM}},
        {"stddev_over_time", Fn::kStddevOverTime, kV, {kM}},
        {"stdvar_over_time", Fn::kStdvarOverTime, kV, {kM}},
        {"quantile_over_time", Fn::kQuantileOverTime, kV, {kS, kM}},
        {"mad_over_time", Fn::kMadOverTime, kV, {kM}},
        {"ts_of_min_over_time", Fn::kTsOfMinOverTime, kV, {kM}},
        {"ts_of_max_over_time", Fn::kTsOfMaxOverTime, kV, {kM}},
        {"ts_of_first_over_time", Fn::kTsOfFirstOverTime, kV, {kM}},
        {"ts_of_last_over_time", Fn::kTsOfLastOverTime, kV, {kM}},
    };
    std::sort(all.begin(), all.end(),
              [](const FunctionInfo& a, const FunctionInfo& b) { return a.name < b.name; });
    return all;
  }();
  return functions;
}

}  // namespace

const FunctionInfo* find_function(std::string_view name) {
  const auto& all = table();
  const auto found =
      std::lower_bound(all.begin(), all.end(), name,
                       [](const FunctionInfo& f, std::string_view n) { return f.name < n; });
  return found != all.end() && found->name == name ? &*found : nullptr;
}

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> names;
  for (const FunctionInfo& function : table()) names.push_back(function.name);
  return names;
}

}  // namespace nines::promql
