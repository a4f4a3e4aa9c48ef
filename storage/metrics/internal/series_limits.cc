#include "storage/metrics/internal/series_limits.h"

#include <utility>

#include "base/core/result.h"

namespace nines::storage {
namespace {

constexpr std::size_t kShownBytesMax = 300;  // of a series in a message

std::string_view remedy(SeriesLimit limit) {
  switch (limit) {
    case SeriesLimit::kSeries:
      return "drop series with metric_relabel_configs, or raise it in [storage]";
    case SeriesLimit::kPerTarget:
    case SeriesLimit::kPerMetric:
      return "find the label that grows, drop it with metric_relabel_configs, or raise the limit "
             "in "
             "[storage]";
    case SeriesLimit::kSegment:
      return "a larger [storage] budget or segment_size has room for more";
    case SeriesLimit::kLabels:
      return "drop labels with metric_relabel_configs (labeldrop), or raise it in [storage]";
    case SeriesLimit::kNameLength:
    case SeriesLimit::kValueLength:
      return "shorten it with metric_relabel_configs, or raise the limit in [storage]";
  }
  return "";
}

// Cut between characters.
std::string shown(const LabelSet& series) {
  std::string text = series.to_string();
  if (text.size() <= kShownBytesMax) return text;
  std::size_t end = kShownBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "...";
}

}  // namespace

std::string_view to_string(SeriesLimit limit) noexcept {
  constexpr std::array<std::string_view, kSeriesLimits> kNames = {"max_series",
                                                                  "max_series_per_target",
                                                                  "segment_size",
                                                                  "max_series_per_metric",
                                                                  "max_labels_per_series",
                                                                  "max_label_name_length",
                                                                  "max_label_value_length"};
  return kNames[static_cast<std::size_t>(limit)];
}

std::uint64_t MetricCounts::of(std::string_view metric) const {
  const auto it = counts_.find(metric);
  return it == counts_.end() ? 0 : it->second;
}

void MetricCounts::add(std::string_view metric, std::uint64_t series) {
  const auto it = counts_.find(metric);
  if (it != counts_.end()) {
    it->second += series;
  } else {
    counts_.emplace(metric, series);
  }
}

SeriesRefusals::SeriesRefusals(Telemetry& telemetry) {
  for (std::size_t i = 0; i < kSeriesLimits; ++i) {
    const std::string cause(to_string(static_cast<SeriesLimit>(i)));
    causes_[i].counter =
        &telemetry.counter("nines_storage_series_refused_total",
                           "New series refused, by the limit they met.", {{"limit", cause}});
  }
}

Error SeriesRefusals::refuse(SeriesLimit limit, std::uint64_t value, const LabelSet& series) {
  Cause& cause = causes_[static_cast<std::size_t>(limit)];
  const std::string name(to_string(limit));
  const std::string what = limit == SeriesLimit::kSegment
                               ? "a target can have no more than " + std::to_string(value) +
                                     " with segments of this size"
                               : name + " is " + std::to_string(value);
  const std::string text =
      "series " + shown(series) + " refused: " + what + "; " + std::string(remedy(limit));
  ++total_;
  cause.counter->add();
  if (cause.since_report++ == 0) cause.first = text;
  return {ErrorCode::kLimit, text};
}

void SeriesRefusals::report(const std::function<void(const std::string&)>& line) {
  for (Cause& cause : causes_) {
    if (cause.since_report == 0) continue;
    line(std::to_string(std::exchange(cause.since_report, 0)) +
         " refused, the first: " + std::exchange(cause.first, {}));
  }
}

std::optional<BrokenLimit> broken_label_limit(const MetricStoreOptions& options,
                                              const LabelSet& series) {
  if (series.size() > options.labels_per_series_max)
    return BrokenLimit{SeriesLimit::kLabels, options.labels_per_series_max};
  for (const Label& label : series) {
    if (label.name.size() > options.label_name_bytes_max)
      return BrokenLimit{SeriesLimit::kNameLength, options.label_name_bytes_max};
    if (label.value.size() > options.label_value_bytes_max)
      return BrokenLimit{SeriesLimit::kValueLength, options.label_value_bytes_max};
  }
  return std::nullopt;
}

}  // namespace nines::storage
