#include "rules/promql/internal/annotations.h"

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/promql/internal/parser.h"

namespace nines::promql {

std::string for_metric(std::string_view metric) {
  return metric.empty() ? std::string() : " for metric name " + quote_go(metric);
}

std::string go_float(double v) {
  return format_double_g(v);
}

void Annotations::add(std::string_view kind, std::string_view what, TextRange at,
                      std::vector<std::string>& to) {
  // One line per text, as Prometheus: where it was seen first speaks for all.
  std::string text = std::string(kind) + std::string(what);
  if (!seen_.insert(text).second) return;
  text += " (" + position(query_, at.start) + ")";
  to.push_back(std::move(text));
}

void Annotations::mixed_floats_histograms(std::string_view metric, TextRange at) {
  warn("encountered a mix of histograms and floats for metric name " + quote_go(metric), at);
}
void Annotations::mixed_classic_native(std::string_view metric, TextRange at) {
  warn("vector contains a mix of classic and native histograms" + for_metric(metric), at);
}
void Annotations::mixed_exponential_custom(std::string_view metric, TextRange at) {
  warn(
      "vector contains a mix of histograms with exponential and custom buckets schemas for metric "
      "name " +
          quote_go(metric),
      at);
}
void Annotations::not_a_counter(std::string_view metric, TextRange at) {
  warn("this native histogram metric is not a counter: " + quote_go(metric), at);
}
void Annotations::not_a_gauge(std::string_view metric, TextRange at) {
  warn("this native histogram metric is not a gauge: " + quote_go(metric), at);
}
void Annotations::histogram_ignored_in_range(std::string_view metric, TextRange at) {
  info("ignored histograms in a range containing both floats and histograms for metric name " +
           quote_go(metric),
       at);
}
void Annotations::histogram_ignored_in_aggregation(std::string_view op, TextRange at) {
  info("ignored histogram in " + std::string(op) + " aggregation", at);
}
void Annotations::invalid_quantile(double q, TextRange at) {
  warn("quantile value should be between 0 and 1, got " + go_float(q), at);
}
void Annotations::reset_collision(std::string_view doing, TextRange at) {
  warn("conflicting counter resets during histogram " + std::string(doing), at);
}
void Annotations::buckets_reconciled(std::string_view doing, TextRange at) {
  info("mismatched custom buckets were reconciled during " + std::string(doing), at);
}
void Annotations::incompatible_types(std::string_view lhs, std::string_view op,
                                     std::string_view rhs, TextRange at) {
  info("incompatible sample types encountered for binary operator " + quote_go(op) + ": " +
           std::string(lhs) + " " + std::string(op) + " " + std::string(rhs),
       at);
}

}  // namespace nines::promql
