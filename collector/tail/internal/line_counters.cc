#include "collector/tail/internal/line_counters.h"

#include <algorithm>
#include <optional>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

Result<std::size_t> group_number(const Regex& regex, const std::string& name) {
  const auto& names = regex.group_names();
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) {
    return Error(ErrorCode::kInvalid,
                 "regex " + quote_go(regex.pattern()) + " has no group " + quote_go(name));
  }
  return static_cast<std::size_t>(it - names.begin());
}

}  // namespace

Result<LineCounters> LineCounters::make(const LogConfig& config) {
  LineCounters out;
  LabelBuilder base;
  for (const auto& [name, value] : config.labels) base.set(name, value);
  base.set("job", config.job_name);
  out.base_ = base.build();
  for (const LogMetric& wanted : config.metrics) {
    Metric metric;
    metric.config = wanted;
    NINES_TRY(metric.regex, Regex::compile(wanted.regex, RegexAnchor::kNone));
    for (const std::string& name : wanted.by) {
      NINES_TRY(const std::size_t number, group_number(*metric.regex, name));
      metric.by.push_back(number);
    }
    if (!wanted.value.empty()) {
      NINES_TRY(metric.value, group_number(*metric.regex, wanted.value));
    }
    if (wanted.by.empty())
      metric.counts[{}] = 0;  // there from the start: a rate needs a first sample
    out.metrics_.push_back(std::move(metric));
  }
  return out;
}

void LineCounters::count(std::string_view line) {
  for (Metric& metric : metrics_) {
    const std::vector<std::string_view> groups = metric.regex->groups(line);
    if (groups.empty()) continue;
    double by = 1;
    if (metric.value != 0) {
      const std::optional<double> number = parse_double(groups[metric.value]);
      if (!number || !(*number >= 0)) continue;
      by = *number;
    }
    std::vector<std::string> key;
    for (const std::size_t group : metric.by) key.emplace_back(groups[group]);
    const auto it = metric.counts.find(key);
    if (it != metric.counts.end()) {
      it->second += by;
    } else if (metric.counts.size() < kCombinationsMax) {
      metric.counts[std::move(key)] = by;
    } else {
      ++refused_;
    }
  }
}

std::map<LabelSet, double> LineCounters::values() const {
  std::map<LabelSet, double> out;
  for (const Metric& metric : metrics_) {
    for (const auto& [key, count] : metric.counts) {
      LabelBuilder labels(base_);
      labels.set(kMetricName, metric.config.name);
      for (std::size_t i = 0; i < key.size(); ++i) labels.set(metric.config.by[i], key[i]);
      out[labels.build()] += count;
    }
  }
  return out;
}

void LineCounters::save(JsonWriter& json) const {
  json.begin_array();
  for (const Metric& metric : metrics_) {
    for (const auto& [key, count] : metric.counts) {
      json.begin_object()
          .field("name", metric.config.name)
          .field("regex", metric.config.regex)
          .key("by")
          .begin_array();
      for (const std::string& value : key) json.value(value);
      json.end_array().field("count", count).end_object();
    }
  }
  json.end_array();
}

void LineCounters::restore(const Json& json) {
  for (const Json& saved : json.items()) {
    for (Metric& metric : metrics_) {
      if (saved["name"].as_string() != metric.config.name ||
          saved["regex"].as_string() != metric.config.regex)
        continue;
      std::vector<std::string> key;
      for (const Json& value : saved["by"].items()) key.push_back(value.as_string());
      if (key.size() == metric.by.size()) metric.counts[key] = saved["count"].as_double();
    }
  }
}

}  // namespace nines::collector
