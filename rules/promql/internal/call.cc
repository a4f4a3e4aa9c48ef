// Functions of instant vectors: which family answers a call, and the float and date families.

#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>

#include "rules/promql/internal/evaluator.h"

namespace nines::promql {
namespace {

using FloatFunction = double (*)(double);

double sign(double v) {
  return v < 0 ? -1 : (v > 0 ? 1 : v);
}
double to_degrees(double v) {
  return v * 180 / std::numbers::pi;
}
double to_radians(double v) {
  return v * std::numbers::pi / 180;
}

// In the order of Fn, from kAbs to kTanh.
constexpr std::array<FloatFunction, 23> kFloatFunctions = {+[](double v) { return std::fabs(v); },
                                                           +[](double v) { return std::acos(v); },
                                                           +[](double v) { return std::acosh(v); },
                                                           +[](double v) { return std::asin(v); },
                                                           +[](double v) { return std::asinh(v); },
                                                           +[](double v) { return std::atan(v); },
                                                           +[](double v) { return std::atanh(v); },
                                                           +[](double v) { return std::ceil(v); },
                                                           +[](double v) { return std::cos(v); },
                                                           +[](double v) { return std::cosh(v); },
                                                           &to_degrees,
                                                           +[](double v) { return std::exp(v); },
                                                           +[](double v) { return std::floor(v); },
                                                           +[](double v) { return std::log(v); },
                                                           +[](double v) { return std::log10(v); },
                                                           +[](double v) { return std::log2(v); },
                                                           &to_radians,
                                                           &sign,
                                                           +[](double v) { return std::sin(v); },
                                                           +[](double v) { return std::sinh(v); },
                                                           +[](double v) { return std::sqrt(v); },
                                                           +[](double v) { return std::tan(v); },
                                                           +[](double v) { return std::tanh(v); }};

// Go's Max and Min: the infinity of their side beats NaN, NaN beats the rest, and zeros have signs.
double greater_of(double a, double b) {
  constexpr double kMost = std::numeric_limits<double>::infinity();
  if (a == kMost || b == kMost) return kMost;
  if (std::isnan(a) || std::isnan(b)) return a + b;
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
double lesser_of(double a, double b) {
  constexpr double kLeast = -std::numeric_limits<double>::infinity();
  if (a == kLeast || b == kLeast) return kLeast;
  if (std::isnan(a) || std::isnan(b)) return a + b;
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

// Applies `f(value, step)` to every float; histograms vanish, names go.
template <typename F>
Result<Block> map_floats(const QueryContext& q, Block block, F f) {
  Pace pace(q);
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (const Result<void> ok = pace.did(4 * block.steps); !ok) return ok.error();
    block.series[i].drop_name = true;
    double* row = block.row(i);
    for (std::size_t s = 0; s < block.steps; ++s) {
      if (is_absent(row[s])) continue;
      if (block.histogram(i, s) != nullptr) {
        block.clear_cell(i, s);
      } else {
        row[s] = f(row[s], s);
      }
    }
  }
  return block;
}

double date_part(Fn part, double seconds) {
  using std::chrono::days;
  // Beyond these a year does not fit a calendar: no date at all.
  if (!(std::fabs(seconds) < 1e11)) return std::numeric_limits<double>::quiet_NaN();
  const std::chrono::sys_seconds at{std::chrono::seconds(static_cast<std::int64_t>(seconds))};
  const std::chrono::sys_days day = std::chrono::floor<days>(at);
  const std::chrono::year_month_day date(day);
  const auto second_of_day = static_cast<double>((at - day).count());
  switch (part) {
    case Fn::kDaysInMonth: {
      const auto last = date.year() / date.month() / std::chrono::last;
      return static_cast<unsigned>(last.day());
    }
    case Fn::kDayOfMonth:
      return static_cast<unsigned>(date.day());
    case Fn::kDayOfWeek:
      return std::chrono::weekday(day).c_encoding();
    case Fn::kDayOfYear: {
      const std::chrono::sys_days first = date.year() / std::chrono::January / 1;
      return static_cast<double>((day - first).count() + 1);
    }
    case Fn::kHour:
      return std::floor(second_of_day / 3600);
    case Fn::kMinute:
      return std::floor(std::fmod(second_of_day, 3600) / 60);
    case Fn::kMonth:
      return static_cast<unsigned>(date.month());
    default:
      return static_cast<int>(date.year());
  }
}

// anchored and smoothed change what a window holds, which only some functions understand.
Result<void> check_extended(const Call& node) {
  for (const ExprPtr& arg : node.args) {
    const Expr& inner = unwrap(*arg);
    if (inner.kind() != ExprKind::kMatrixSelector) continue;
    const VectorSelector& selector = *as<MatrixSelector>(inner).selector;
    const Fn id = node.function->id;
    const bool rates = id == Fn::kDelta || id == Fn::kIncrease || id == Fn::kRate;
    const std::string name(node.function->name);
    if (selector.smoothed && !rates) {
      return Error(
          ErrorCode::kInvalid,
          "smoothed modifier can only be used with: delta, increase, rate - not with " + name);
    }
    if (selector.anchored && !rates && id != Fn::kChanges && id != Fn::kResets) {
      return Error(
          ErrorCode::kInvalid,
          "anchored modifier can only be used with: changes, delta, increase, rate, resets - "
          "not with " +
              name);
    }
  }
  return {};
}

}  // namespace

Result<Block> Evaluator::call(const Call& call, const Grid& grid, RowSink* sink,
                              const FloatFilter* filter) {
  if (const Result<void> ok = check_extended(call); !ok) return ok.error();
  const Fn id = call.function->id;
  if (id <= Fn::kRound) return float_function(call, grid);
  if (id <= Fn::kYear) return date_function(call, grid);
  if (id >= Fn::kHistogramAvg && id <= Fn::kHistogramQuantiles)
    return histogram_function(call, grid);
  if (id == Fn::kAbsentOverTime) return absent_over_time(call, grid);
  if (id >= Fn::kRate) return range_function(call, grid, sink, filter);
  switch (id) {
    case Fn::kVector: {
      NINES_TRY(const Column column, scalar(*call.args[0], grid));
      Block out(grid.count, q_.budget);
      NINES_TRY(const std::size_t row, out.add_row({}));
      std::copy(column.begin(), column.end(), out.row(row));
      return out;
    }
    case Fn::kAbsent:
      return absent_function(call, grid);
    case Fn::kTimestamp:
    case Fn::kStartTimestamp:
      return timestamp_function(call, grid);
    case Fn::kLabelReplace:
    case Fn::kLabelJoin:
      return label_function(call, grid);
    case Fn::kInfo:
      return info_function(call, grid);
    default:
      return sort_function(call, grid);
  }
}

Result<Block> Evaluator::float_function(const Call& call, const Grid& grid) {
  const Fn id = call.function->id;
  NINES_TRY(Block block, vector(*call.args[0], grid));
  if (id <= Fn::kTanh) {
    const FloatFunction f = kFloatFunctions[static_cast<std::size_t>(id)];
    return map_floats(q_, std::move(block), [f](double v, std::size_t) { return f(v); });
  }
  Column first(grid.count, 1.0);
  if (call.args.size() > 1) {
    NINES_TRY(first, scalar(*call.args[1], grid));
  }
  if (id == Fn::kRound) {
    return map_floats(q_, std::move(block), [&](double v, std::size_t s) {
      // Dividing by the inverse loses less than multiplying by the step.
      const double inverse = 1.0 / first[s];
      return std::floor(v * inverse + 0.5) / inverse;
    });
  }
  constexpr double kInf = std::numeric_limits<double>::infinity();
  Column least(grid.count, -kInf);
  Column most(grid.count, kInf);
  if (id == Fn::kClampMin) least = first;
  if (id == Fn::kClampMax) most = first;
  if (id == Fn::kClamp) {
    least = first;
    NINES_TRY(most, scalar(*call.args[2], grid));
  }
  return map_floats(q_, std::move(block), [&](double v, std::size_t s) {
    if (most[s] < least[s]) return absent();
    return greater_of(least[s], lesser_of(most[s], v));
  });
}

Result<Block> Evaluator::date_function(const Call& call, const Grid& grid) {
  const Fn id = call.function->id;
  if (!call.args.empty()) {
    NINES_TRY(Block block, vector(*call.args[0], grid));
    return map_floats(q_, std::move(block),
                      [id](double v, std::size_t) { return date_part(id, v); });
  }
  Block out(grid.count, q_.budget);
  NINES_TRY(const std::size_t row, out.add_row({}));
  for (std::size_t s = 0; s < grid.count; ++s) {
    out.row(row)[s] = date_part(id, std::floor(static_cast<double>(grid.at(s)) / 1000));
  }
  return out;
}

Result<Block> Evaluator::timestamp_function(const Call& call, const Grid& grid) {
  const bool start = call.function->id == Fn::kStartTimestamp;
  const Expr& inner = unwrap(*call.args[0]);
  if (inner.kind() == ExprKind::kVectorSelector && !as<VectorSelector>(inner).smoothed) {
    return select(as<VectorSelector>(inner), grid,
                  start ? Take::kStartTimestamp : Take::kTimestamp);
  }
  // Anything computed was made at the step itself, and began at no known time.
  NINES_TRY(Block block, vector(*call.args[0], grid));
  Block out(grid.count, q_.budget);
  if (start) return out;
  Pace pace(q_);
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (const Result<void> ok = pace.did(block.steps); !ok) return ok.error();
    NINES_TRY(const std::size_t row, out.add_row({block.series[i].labels, true}));
    for (std::size_t s = 0; s < grid.count; ++s) {
      if (block.present(i, s)) out.row(row)[s] = static_cast<double>(grid.at(s)) / 1000;
    }
  }
  return out;
}

}  // namespace nines::promql
