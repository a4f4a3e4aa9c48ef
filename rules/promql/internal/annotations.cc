#include "rules/promql/internal/annotations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

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

std::string go_fixed(double v) {
  if (!std::isfinite(v)) return format_double(v);
  std::array<char, 340> text{};  // any double with six digits after the point
  const int size = std::snprintf(text.data(), text.size(), "%f", v);
  return std::string(text.data(), static_cast<std::size_t>(size));
}

std::string go_time(std::int64_t ms) {
  std::string text = format_time(from_millis(ms));
  text.pop_back();  // Z
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text + "Z";
}

void Annotations::say(Said said) {
  if (seen_.insert(said.what).second) said_.push_back(std::move(said));
}

void Annotations::add(std::string_view kind, std::string_view what, TextRange at, bool warning) {
  // One line per text, as Prometheus: where it was seen first speaks for all.
  std::string text = std::string(kind) + std::string(what);
  if (seen_.contains(text)) return;
  std::string placed = text + " (" + position(query_, at.start) + ")";
  say({std::move(text), std::move(placed), warning});
}

void Annotations::add_all(Annotations&& others) {
  for (Said& said : others.said_) say(std::move(said));
  for (Forced& found : others.forced_) force(std::move(found));
}

std::vector<std::string> Annotations::take(bool warnings) {
  std::vector<std::string> out;
  for (Said& said : said_) {
    if (said.warning == warnings) out.push_back(std::move(said.text));
  }
  std::erase_if(said_, [&](const Said& said) { return said.warning == warnings; });
  return out;
}

void Annotations::force(Forced more) {
  for (Forced& known : forced_) {
    if (known.text != more.text) continue;
    known.found.bucket_least = std::min(known.found.bucket_least, more.found.bucket_least);
    known.found.bucket_most = std::max(known.found.bucket_most, more.found.bucket_most);
    known.found.difference_most = std::max(known.found.difference_most, more.found.difference_most);
    known.first_ms = std::min(known.first_ms, more.first_ms);
    known.last_ms = std::max(known.last_ms, more.last_ms);
    known.samples += more.samples;
    return;
  }
  forced_.push_back(std::move(more));
}

void Annotations::forced_monotonic(std::string_view metric, const Monotonicity& found,
                                   std::int64_t time_ms, TextRange at) {
  force(
      {"PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
       "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)" +
           for_metric(metric),
       position(query_, at.start), found, time_ms, time_ms, 1});
}

std::vector<std::string> Annotations::take_infos() {
  std::vector<std::string> infos = take(false);
  for (const Forced& f : forced_) {
    std::array<char, 32> difference{};
    std::snprintf(difference.data(), difference.size(), "%.2g", f.found.difference_most);
    infos.push_back(f.text + ", from buckets " + go_float(f.found.bucket_least) + " to " +
                    go_float(f.found.bucket_most) + ", with a max diff of " + difference.data() +
                    ", over " + std::to_string(f.samples) + " samples from " + go_time(f.first_ms) +
                    " to " + go_time(f.last_ms) + " (" + f.place + ")");
  }
  forced_.clear();
  return infos;
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
