#include "tests/support/naive_windows.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nines::naive {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double seconds(std::int64_t ms) {
  return static_cast<double>(ms) / 1000;
}

std::vector<double> values_of(const Points& points) {
  std::vector<double> out;
  for (const Point& p : points) out.push_back(p.value);
  return out;
}

// rate(), increase(), delta(): the change between first and last, drops of counters added back,
// stretched to the window's ends where the samples come near them.
std::optional<double> stretched(const std::string& function, const WindowOf& w) {
  const Points& p = w.points;
  if (p.size() < 2) return std::nullopt;
  const bool counter = function != "delta";
  double change = p.back().value - p.front().value;
  for (std::size_t i = 1; counter && i < p.size(); ++i) {
    if (p[i].value < p[i - 1].value) change += p[i - 1].value;
  }
  const double sampled = seconds(p.back().at - p.front().at);
  const double between = sampled / static_cast<double>(p.size() - 1);
  double before = seconds(p.front().at - w.from);
  double after = seconds(w.to - p.back().at);
  if (before >= between * 1.1) before = between / 2;
  if (after >= between * 1.1) after = between / 2;
  if (counter && change > 0 && p.front().value >= 0) {
    before = std::min(before, sampled * (p.front().value / change));
  }
  const double whole = change * ((sampled + before + after) / sampled);
  return function == "rate" ? whole / seconds(w.to - w.from) : whole;
}

struct Line {
  double slope = 0, level = 0;  // level: at x = 0
};

Line fitted(const Points& points, std::int64_t origin) {
  const bool flat = std::all_of(points.begin(), points.end(),
                                [&](const Point& p) { return p.value == points.front().value; });
  if (flat) {
    if (std::isinf(points.front().value)) return {kNan, kNan};
    return {0, points.front().value};
  }
  long double n = 0, x = 0, y = 0, xy = 0, xx = 0;
  for (const Point& p : points) {
    const long double at = static_cast<long double>(p.at - origin) / 1000;
    n += 1;
    x += at;
    y += p.value;
    xy += at * p.value;
    xx += at * at;
  }
  const long double slope = (xy - x * y / n) / (xx - x * x / n);
  return {static_cast<double>(slope), static_cast<double>(y / n - slope * x / n)};
}

double smoothed(const std::vector<double>& v, double smoothing, double trending) {
  double before = 0, level = v[0], trend = v[1] - v[0];
  for (std::size_t i = 1; i < v.size(); ++i) {
    if (i > 1) trend = trending * (level - before) + (1 - trending) * trend;
    const double next = smoothing * v[i] + (1 - smoothing) * (level + trend);
    before = level;
    level = next;
  }
  return level;
}

std::size_t extreme(const Points& points, bool least) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const double a = points[i].value, b = points[best].value;
    if ((least ? a <= b : a >= b) || std::isnan(b)) best = i;
  }
  return best;
}

std::optional<double> last_two(const std::string& function, const Points& p) {
  if (p.size() < 2) return std::nullopt;
  const Point& a = p[p.size() - 2];
  const Point& b = p.back();
  if (function == "idelta") return b.value - a.value;
  return (b.value < a.value ? b.value : b.value - a.value) / seconds(b.at - a.at);
}

std::optional<double> counted(const std::string& function, const Points& p) {
  double n = 0;
  for (std::size_t i = 1; i < p.size(); ++i) {
    const double a = p[i - 1].value, b = p[i].value;
    if (function == "resets" ? b < a : a != b && !(std::isnan(a) && std::isnan(b))) n += 1;
  }
  return n;
}

}  // namespace

double quantile(double q, std::vector<double> values) {
  if (values.empty() || std::isnan(q)) return kNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  std::sort(values.begin(), values.end(),
            [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; });
  const double rank = q * (static_cast<double>(values.size()) - 1);
  const auto lower = static_cast<std::size_t>(std::max(0.0, std::floor(rank)));
  const std::size_t upper = std::min(values.size() - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  return values[lower] * (1 - weight) + values[upper] * weight;
}

long double variance(const std::vector<double>& values) {
  long double sum = 0;
  for (const double v : values) sum += v;
  const long double mean = sum / static_cast<long double>(values.size());
  long double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return squares / static_cast<long double>(values.size());
}

std::optional<double> of_window(const std::string& f, const WindowOf& w,
                                const std::vector<double>& params) {
  const Points& p = w.points;
  const std::vector<double> v = values_of(p);
  const auto n = static_cast<double>(p.size());
  if (f == "rate" || f == "increase" || f == "delta") return stretched(f, w);
  if (f == "irate" || f == "idelta") return last_two(f, p);
  if (f == "changes" || f == "resets") return counted(f, p);
  if (f == "deriv") {
    if (p.size() < 2) return std::nullopt;
    return fitted(p, p.front().at).slope;
  }
  if (f == "predict_linear") {
    if (p.size() < 2) return std::nullopt;
    const Line line = fitted(p, w.now);
    return line.level + line.slope * params[0];
  }
  if (f == "double_exponential_smoothing") {
    if (p.size() < 2) return std::nullopt;
    return smoothed(v, params[0], params[1]);
  }
  if (f == "quantile_over_time") return quantile(params[0], v);
  if (f == "count_over_time") return n;
  if (f == "present_over_time") return 1;
  if (f == "last_over_time") return v.back();
  if (f == "first_over_time") return v.front();
  if (f == "ts_of_first_over_time") return seconds(p.front().at);
  if (f == "ts_of_last_over_time") return seconds(p.back().at);
  if (f == "min_over_time" || f == "max_over_time") return v[extreme(p, f[1] == 'i')];
  if (f == "ts_of_min_over_time" || f == "ts_of_max_over_time") {
    return seconds(p[extreme(p, f == "ts_of_min_over_time")].at);
  }
  if (f == "stdvar_over_time") return static_cast<double>(variance(v));
  if (f == "stddev_over_time") return static_cast<double>(std::sqrt(variance(v)));
  if (f == "mad_over_time") {
    const double median = quantile(0.5, v);
    std::vector<double> away;
    for (const double one : v) away.push_back(std::fabs(one - median));
    return quantile(0.5, away);
  }
  long double sum = 0;
  for (const double one : v) sum += one;
  return static_cast<double>(f == "avg_over_time" ? sum / n : sum);
}

}  // namespace nines::naive
