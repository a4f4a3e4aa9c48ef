#pragma once
// Warnings and infos of one query, in Prometheus's words, each said once.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "rules/promql/engine.h"
#include "rules/promql/internal/quantiles.h"

namespace nines::promql {

class Annotations {
 public:
  explicit Annotations(std::string_view query) : query_(query) {}

  // `what` without the leading "PromQL warning: " and the trailing position.
  void warn(std::string_view what, TextRange at) { add("PromQL warning: ", what, at, true); }
  void info(std::string_view what, TextRange at) { add("PromQL info: ", what, at, false); }
  void storage_warning(std::string text) { say({text, text, true}); }
  // What was said elsewhere, as though it had been said here now.
  void add_all(Annotations&& others);

  void mixed_floats_histograms(std::string_view metric, TextRange at);
  void mixed_classic_native(std::string_view metric, TextRange at);
  void mixed_exponential_custom(std::string_view metric, TextRange at);
  void not_a_counter(std::string_view metric, TextRange at);
  void not_a_gauge(std::string_view metric, TextRange at);
  void histogram_ignored_in_range(std::string_view metric, TextRange at);
  void histogram_ignored_in_aggregation(std::string_view op, TextRange at);
  void invalid_quantile(double q, TextRange at);
  void reset_collision(std::string_view doing, TextRange at);
  void buckets_reconciled(std::string_view doing, TextRange at);
  void incompatible_types(std::string_view lhs, std::string_view op, std::string_view rhs,
                          TextRange at);

  // Said once for all samples it concerns, with the extremes of what was found.
  void forced_monotonic(std::string_view metric, const Monotonicity& found, std::int64_t time_ms,
                        TextRange at);

  bool none() const { return said_.empty() && forced_.empty(); }
  std::vector<std::string> take_warnings() { return take(true); }
  std::vector<std::string> take_infos();

 private:
  struct Said {
    std::string what;  // said once
    std::string text;  // with the place where it was said first
    bool warning = false;
  };
  void add(std::string_view kind, std::string_view what, TextRange at, bool warning);
  void say(Said said);
  std::vector<std::string> take(bool warnings);

  struct Forced {
    std::string text;
    std::string place;
    Monotonicity found;
    std::int64_t first_ms = 0, last_ms = 0;
    std::size_t samples = 0;
  };
  void force(Forced found);

  std::string_view query_;
  std::vector<Forced> forced_;
  std::unordered_set<std::string> seen_;
  std::vector<Said> said_;
};

// ` for metric name "x"`, or nothing when there is no name.
std::string for_metric(std::string_view metric);
// Go's RFC3339Nano: a fraction of a second only as far as there is one.
std::string go_time(std::int64_t ms);
// Go's %g.
std::string go_float(double v);
// As Go's %f: six digits after the point.
std::string go_fixed(double v);

}  // namespace nines::promql
