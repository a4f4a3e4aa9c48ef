#include "rules/logql/engine.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "rules/logql/internal/log_expr.h"

namespace nines::logql {
namespace {

// Points of one series, one per step; no value: nothing at that step.
using Points = std::vector<std::optional<double>>;
struct Series {
  LabelSet labels;
  Points points;
};

struct Steps {
  Timestamp from{};
  Duration step{1};
  std::size_t count = 1;
  Timestamp at(std::size_t i) const { return from + step * static_cast<std::int64_t>(i); }
};

constexpr std::size_t kPointsMax = 11'000;
// Nanoseconds reach from 1677 to 2262: with what a window and an offset may add (the parser's
// limits), times between these two stay among them. 1900 and 2100.
constexpr Timestamp kTimeMin{Duration{-2'208'988'800'000}};
constexpr Timestamp kTimeMax{Duration{4'102'444'800'000}};

bool keeps(const LogSelector& selector, std::string_view line) {
  return std::all_of(selector.filters.begin(), selector.filters.end(),
                     [&](const LineFilter& filter) { return filter.keeps(line); });
}

double apply(const std::string& op, double a, double b) {
  if (op == "+") return a + b;
  if (op == "-") return a - b;
  if (op == "*") return a * b;
  if (op == "/") return a / b;
  if (op == "%") return std::fmod(a, b);
  return std::pow(a, b);
}

std::optional<double> compare(const LogExpr& expr, double a, double b, double kept) {
  bool yes = false;
  if (expr.op == "==") yes = a == b;
  if (expr.op == "!=") yes = a != b;
  if (expr.op == ">") yes = a > b;
  if (expr.op == ">=") yes = a >= b;
  if (expr.op == "<") yes = a < b;
  if (expr.op == "<=") yes = a <= b;
  if (expr.return_bool) return yes ? 1.0 : 0.0;
  return yes ? std::optional<double>(kept) : std::nullopt;
}

bool is_comparison(const std::string& op) {
  return op.find_first_of("=<>") != std::string::npos;
}

class Evaluator {
 public:
  Evaluator(const storage::LogQuerier& logs, Steps steps, const storage::StopFlag* stop)
      : logs_(logs), steps_(steps), stop_(stop) {}

  Result<std::vector<Series>> evaluate(const LogExpr& expr) {
    switch (expr.kind) {
      case LogExpr::Kind::kRange:
        return range(expr);
      case LogExpr::Kind::kAggregate:
        return aggregate(expr);
      case LogExpr::Kind::kNumber:
      case LogExpr::Kind::kVector:
        return std::vector<Series>{{LabelSet(), Points(steps_.count, expr.number)}};
      case LogExpr::Kind::kBinary:
        return binary(expr);
      case LogExpr::Kind::kLines:
        break;
    }
    return Error(ErrorCode::kInvalid, "a log query gives lines, not samples");
  }

  std::uint64_t lines() const { return lines_; }

 private:
  // A window is (t - range, t]: a line counts at every step whose window holds it.
  Result<std::vector<Series>> range(const LogExpr& expr) {
    using std::chrono::nanoseconds;
    const LogTime first = LogTime(steps_.from - expr.offset - expr.window) + nanoseconds(1);
    const LogTime last = LogTime(steps_.at(steps_.count - 1) - expr.offset) + nanoseconds(1);
    std::map<LabelSet, std::vector<double>> sums;
    const bool bytes =
        expr.range_op == RangeOp::kBytesRate || expr.range_op == RangeOp::kBytesOverTime;
    // With one step its length means nothing, and may be more than nanoseconds can say.
    const nanoseconds step = steps_.count == 1 ? Duration(1) : steps_.step;
    const nanoseconds window = expr.window;
    const LogTime origin = LogTime(steps_.from - expr.offset);
    const auto stats = logs_.scan(
        expr.selector.matchers, {first, last}, storage::LogOrder::kOldestFirst,
        [&](const LabelSet& stream, const storage::LogLine& line) {
          if (!keeps(expr.selector, line.text)) return true;
          auto& points =
              sums.try_emplace(stream, std::vector<double>(steps_.count, 0.0)).first->second;
          // Steps i with t_i >= line and t_i - window < line.
          const std::int64_t behind = (line.at - origin).count();
          const std::int64_t low = behind <= 0 ? 0 : (behind - 1) / step.count() + 1;
          const std::int64_t reach = behind + window.count();  // t_i - origin < reach
          if (reach <= 0) return true;
          const std::int64_t high =
              std::min((reach - 1) / step.count(), static_cast<std::int64_t>(steps_.count) - 1);
          for (std::int64_t i = low; i <= high; ++i) {
            points[static_cast<std::size_t>(i)] +=
                bytes ? static_cast<double>(line.text.size()) : 1.0;
          }
          return true;
        },
        stop_);
    if (!stats) return stats.error();
    lines_ += stats->lines;
    const bool rate = expr.range_op == RangeOp::kRate || expr.range_op == RangeOp::kBytesRate;
    std::vector<Series> out;
    for (auto& [labels, points] : sums) {
      Series series{labels, Points(steps_.count)};
      for (std::size_t i = 0; i < points.size(); ++i) {
        if (points[i] > 0)
          series.points[i] = rate ? points[i] / to_seconds(expr.window) : points[i];
      }
      out.push_back(std::move(series));
    }
    return out;
  }

  Result<std::vector<Series>> aggregate(const LogExpr& expr) {
    NINES_TRY(const std::vector<Series> inner, evaluate(*expr.children[0]));
    struct Group {
      Points value;
      std::vector<double> count;
    };
    std::map<LabelSet, Group> groups;
    for (const Series& series : inner) {
      const LabelSet key = !expr.has_grouping ? LabelSet()
                           : expr.without     ? series.labels.drop(expr.grouping)
                                              : series.labels.keep(expr.grouping);
      Group& group =
          groups
              .try_emplace(key, Group{Points(steps_.count), std::vector<double>(steps_.count, 0.0)})
              .first->second;
      for (std::size_t i = 0; i < steps_.count; ++i) {
        if (!series.points[i]) continue;
        const double v = *series.points[i];
        std::optional<double>& value = group.value[i];
        group.count[i] += 1;
        if (!value) {
          value = v;
        } else if (expr.vector_op == VectorOp::kMin) {
          value = std::min(*value, v);
        } else if (expr.vector_op == VectorOp::kMax) {
          value = std::max(*value, v);
        } else {
          value = *value + v;
        }
      }
    }
    std::vector<Series> out;
    for (auto& [labels, group] : groups) {
      for (std::size_t i = 0; i < steps_.count; ++i) {
        if (!group.value[i]) continue;
        if (expr.vector_op == VectorOp::kCount) group.value[i] = group.count[i];
        if (expr.vector_op == VectorOp::kAvg) group.value[i] = *group.value[i] / group.count[i];
      }
      out.push_back({labels, std::move(group.value)});
    }
    return out;
  }

  Result<std::vector<Series>> binary(const LogExpr& expr) {
    NINES_TRY(const std::vector<Series> left, evaluate(*expr.children[0]));
    NINES_TRY(const std::vector<Series> right, evaluate(*expr.children[1]));
    const bool left_number = is_number(*expr.children[0]);
    const bool right_number = is_number(*expr.children[1]);
    std::vector<Series> out;
    const auto combine = [&](const LabelSet& labels, const Points& a, const Points& b,
                             bool keep_right) {
      Series series{labels, Points(steps_.count)};
      for (std::size_t i = 0; i < steps_.count; ++i) {
        if (!a[i] || !b[i]) continue;
        series.points[i] = is_comparison(expr.op)
                               ? compare(expr, *a[i], *b[i], keep_right ? *b[i] : *a[i])
                               : std::optional<double>(apply(expr.op, *a[i], *b[i]));
      }
      out.push_back(std::move(series));
    };
    if (right_number) {
      for (const Series& series : left)
        combine(series.labels, series.points, right[0].points, false);
    } else if (left_number) {
      for (const Series& series : right)
        combine(series.labels, left[0].points, series.points, true);
    } else {
      std::unordered_map<LabelSet, const Series*> by_labels;
      for (const Series& series : right) by_labels[series.labels] = &series;
      for (const Series& series : left) {
        const auto it = by_labels.find(series.labels);
        if (it != by_labels.end()) combine(series.labels, series.points, it->second->points, false);
      }
    }
    return out;
  }

  static bool is_number(const LogExpr& expr) {
    if (expr.kind == LogExpr::Kind::kBinary)
      return is_number(*expr.children[0]) && is_number(*expr.children[1]);
    return expr.kind == LogExpr::Kind::kNumber;
  }

  const storage::LogQuerier& logs_;
  const Steps steps_;
  const storage::StopFlag* stop_;
  std::uint64_t lines_ = 0;
};

Result<void> check_time(Timestamp at) {
  if (at >= kTimeMin && at <= kTimeMax) return {};
  return Error(ErrorCode::kInvalid, "logs are asked for times from 1900 to 2100");
}

Error not_metric() {
  return Error(ErrorCode::kInvalid,
               "this is a log query: it gives lines, ask for them over a range");
}

}  // namespace

Result<LogResult> Engine::lines(const LogQuery& query, storage::LogRange range,
                                storage::LogOrder order, std::size_t limit,
                                const storage::StopFlag* stop) const {
  if (query.is_metric())
    return Error(ErrorCode::kInvalid, "this is a metric query: it gives samples, not lines");
  const LogSelector& selector = query.expr().selector;
  LogResult result;
  std::unordered_map<LabelSet, std::size_t> index;
  std::size_t found = 0;
  if (limit == 0) return result;
  NINES_TRY(result.stats,
            logs_.scan(
                selector.matchers, range, order,
                [&](const LabelSet& stream, const storage::LogLine& line) {
                  if (!keeps(selector, line.text)) return true;
                  const auto [it, made] = index.try_emplace(stream, result.streams.size());
                  if (made) result.streams.push_back({stream, {}});
                  result.streams[it->second].entries.push_back({line.at, std::string(line.text)});
                  return ++found < limit;
                },
                stop));
  return result;
}

Result<promql::QueryResult> Engine::instant(const LogQuery& query, Timestamp at,
                                            const storage::StopFlag* stop) const {
  if (!query.is_metric()) return not_metric();
  if (auto checked = check_time(at); !checked) return checked.error();
  Evaluator evaluator(logs_, {at, Duration(1), 1}, stop);
  NINES_TRY(std::vector<Series> series, evaluator.evaluate(query.expr()));
  promql::QueryResult result;
  promql::Vector vector;
  for (const Series& s : series) {
    if (s.points[0]) vector.push_back({s.labels, at, *s.points[0], nullptr});
  }
  result.stats.series = vector.size();
  result.stats.samples = evaluator.lines();
  if (query.expr().kind == LogExpr::Kind::kNumber) {
    result.value = promql::Scalar{at, query.expr().number};
  } else {
    result.value = std::move(vector);
  }
  return result;
}

Result<promql::QueryResult> Engine::range(const LogQuery& query, Timestamp from, Timestamp to,
                                          Duration step, const storage::StopFlag* stop) const {
  if (!query.is_metric()) return not_metric();
  if (step <= Duration(0)) return Error(ErrorCode::kInvalid, "step must be above zero");
  if (to < from) return Error(ErrorCode::kInvalid, "end is before start");
  for (const Timestamp at : {from, to}) {
    if (auto checked = check_time(at); !checked) return checked.error();
  }
  const auto count = static_cast<std::size_t>((to - from) / step) + 1;
  if (count > kPointsMax) {
    return Error(ErrorCode::kLimit, "the query asks for " + std::to_string(count) +
                                        " points per series, the limit is " +
                                        std::to_string(kPointsMax) + ": use a longer step");
  }
  Evaluator evaluator(logs_, {from, step, count}, stop);
  NINES_TRY(std::vector<Series> series, evaluator.evaluate(query.expr()));
  promql::Matrix matrix;
  for (Series& s : series) {
    promql::MatrixSeries out;
    out.labels = std::move(s.labels);
    for (std::size_t i = 0; i < count; ++i) {
      if (!s.points[i]) continue;
      out.samples.times.push_back(to_millis(from + step * static_cast<std::int64_t>(i)));
      out.samples.values.push_back(*s.points[i]);
    }
    if (out.samples.size() != 0) matrix.push_back(std::move(out));
  }
  promql::QueryResult result;
  result.stats.series = matrix.size();
  result.stats.samples = evaluator.lines();
  result.value = std::move(matrix);
  return result;
}

}  // namespace nines::logql
