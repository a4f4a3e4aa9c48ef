#include "rules/promql/internal/script_load.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/model/sample.h"
#include "base/text/numbers.h"
#include "rules/promql/internal/histogram_math.h"

namespace nines::promql {
namespace {

// One classic histogram at one instant, as its series are found.
struct ClassicHistogram {
  std::map<double, double> cumulative;  // by upper bound
  std::optional<double> count, sum;
};

Histogram to_custom(const ClassicHistogram& classic) {
  Histogram out;
  out.schema = kCustomBucketsSchema;
  out.sum = classic.sum.value_or(0);
  std::vector<IndexedBucket> buckets;
  double before = 0;
  std::int32_t index = 0;
  bool has_last = false;
  for (const auto& [upper, cumulative] : classic.cumulative) {
    has_last = upper == std::numeric_limits<double>::infinity();
    if (!has_last) out.custom_values.push_back(upper);
    buckets.push_back({index++, cumulative - before});
    before = cumulative;
  }
  out.count = classic.count.value_or(before);
  if (!has_last) buckets.push_back({index, out.count - before});
  std::erase_if(buckets, [](const IndexedBucket& b) { return b.count == 0; });
  compress(buckets, out.positive_spans, out.positive_buckets);
  return out;
}

// "x_bucket" without its ending; empty when it has another.
std::string without_suffix(std::string_view name, std::string_view suffix) {
  return name.ends_with(suffix) ? std::string(name.substr(0, name.size() - suffix.size()))
                                : std::string();
}

}  // namespace

void ScriptLoader::add_custom_histograms(std::map<LabelSet, Points>& series) {
  std::map<LabelSet, std::map<std::int64_t, ClassicHistogram>> found;
  for (const auto& [labels, points] : series) {
    const std::string_view name = labels.metric_name();
    for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
      const std::string base = without_suffix(name, suffix);
      if (base.empty()) continue;
      const std::optional<double> upper = parse_double(labels.get("le"));
      if (suffix == "_bucket" && !upper) continue;
      auto& histograms = found[labels.without("le").with(kMetricName, base)];
      for (const auto& [time, point] : points) {
        if (point.value.histogram) continue;
        ClassicHistogram& h = histograms[time];
        if (suffix == "_bucket") h.cumulative.emplace(*upper, point.value.value);
        if (suffix == "_count") h.count = point.value.value;
        if (suffix == "_sum") h.sum = point.value.value;
      }
    }
  }
  for (const auto& [labels, histograms] : found) {
    Points& points = series[labels];
    for (const auto& [time, classic] : histograms) {
      Point point;
      point.value.histogram = std::make_shared<Histogram>(to_custom(classic));
      points[time] = std::move(point);
    }
  }
}

// Says of each histogram that its counter was not reset since the one before, as a store knows that
// has compared them when they came in; of the first after a reset it says nothing. Gauges stay
// gauges.
void ScriptLoader::set_reset_hints(const LabelSet& labels, Points& points) {
  HistogramPtr& last = last_[labels];
  for (auto& [time, point] : points) {
    if (!point.value.histogram) {
      last = nullptr;
      continue;
    }
    auto h = std::make_shared<Histogram>(*point.value.histogram);
    if (h->reset_hint != ResetHint::kGauge) {
      const bool told = h->reset_hint == ResetHint::kReset;
      h->reset_hint = ResetHint::kUnknown;
      const bool follows = last && last->reset_hint != ResetHint::kGauge && !told;
      if (follows && !detect_reset(*h, *last)) h->reset_hint = ResetHint::kNotReset;
    }
    point.value.histogram = h;
    last = std::move(h);
  }
}

Result<void> ScriptLoader::load(const LoadCommand& command, storage::Appender& appender) {
  std::map<LabelSet, Points> series;
  std::map<LabelSet, std::vector<SeriesValue>> starts;
  for (const SeriesLine& line : command.series) {
    if (line.start_times) {
      starts[line.labels] = line.values;
      continue;
    }
    Points points;
    const auto known = starts.find(line.labels);
    std::int64_t time = to_millis(command.start);
    for (std::size_t i = 0; i < line.values.size(); ++i, time += command.gap.count()) {
      if (line.values[i].omitted) continue;
      Point point{line.values[i], 0};
      if (known != starts.end() && i < known->second.size() && !known->second[i].omitted) {
        point.start_ms = time + static_cast<std::int64_t>(known->second[i].value);
      }
      points[time] = std::move(point);
    }
    series[line.labels] = std::move(points);
  }
  if (command.with_custom_histograms) add_custom_histograms(series);

  NINES_TRY(const std::unique_ptr<storage::GroupWriter> writer, appender.open_group("script"));
  std::map<std::int64_t, std::vector<std::pair<storage::Row, HistogramPtr>>> instants;
  for (auto& [labels, points] : series) {
    set_reset_hints(labels, points);
    NINES_TRY(const storage::Slot slot, writer->slot(labels));
    for (const auto& [time, point] : points) {
      storage::Row row;
      row.slot = slot;
      row.value = point.value.value;
      row.histogram = point.value.histogram.get();
      row.start_time_ms = point.start_ms;
      instants[time].emplace_back(row, point.value.histogram);
    }
  }
  std::vector<storage::Row> rows;
  for (const auto& [time, held] : instants) {
    rows.clear();
    for (const auto& [row, histogram] : held) rows.push_back(row);
    Result<storage::AppendOutcome> done = writer->append(from_millis(time), rows);
    if (!done) return std::move(done).error();
    if (done->conflicts + done->out_of_order + done->too_far_ahead > 0) {
      return Error(ErrorCode::kInvalid,
                   "the store refused samples at " + std::to_string(time) + " ms");
    }
  }
  return {};
}

}  // namespace nines::promql
