#include "rules/alerts/internal/replay_store.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace nines::alerts {
namespace {

class Selected final : public storage::SeriesSelection {
 public:
  void add(LabelSet labels, SampleColumns samples) {
    all_.push_back({std::move(labels), std::move(samples)});
  }
  void sort() {
    std::sort(all_.begin(), all_.end(),
              [](const auto& a, const auto& b) { return a.labels < b.labels; });
  }
  std::size_t size() const override { return all_.size(); }
  const LabelSet& labels(std::size_t index) const override { return all_[index].labels; }
  Result<void> read(std::size_t index, storage::TimeRange range,
                    SampleColumns& out) const override {
    out.clear();
    const SampleColumns& all = all_[index].samples;
    const auto begin = std::lower_bound(all.times.begin(), all.times.end(), to_millis(range.from));
    const auto end = std::upper_bound(begin, all.times.end(), to_millis(range.to));
    const auto first = begin - all.times.begin();
    out.times.assign(begin, end);
    out.values.assign(all.values.begin() + first, all.values.begin() + (end - all.times.begin()));
    return {};
  }

 private:
  std::vector<promql::MatrixSeries> all_;
};

bool is_among(const std::set<std::string>& metrics, const Matcher& matcher) {
  return std::any_of(metrics.begin(), metrics.end(),
                     [&](const std::string& metric) { return matcher.matches(metric); });
}

bool fits(const LabelSet& labels, std::span<const Matcher> matchers) {
  return std::all_of(matchers.begin(), matchers.end(), [&](const Matcher& matcher) {
    return matcher.matches(labels.get(matcher.name()));
  });
}

}  // namespace

Result<void> ReplayStore::record(const LabelSet& labels, const SampleColumns& samples,
                                 Duration step) {
  SampleColumns& known = series_[labels];
  samples_ += samples.size();
  if (samples_ > samples_max_) {
    return Error(ErrorCode::kLimit, "recording rules gave more than " +
                                        std::to_string(samples_max_) +
                                        " samples: replay a shorter time, or fewer rules");
  }
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::int64_t at = samples.times[i];
    if (!known.times.empty() && at > known.times.back() + step.count()) {
      known.times.push_back(known.times.back() + step.count());
      known.values.push_back(stale_nan());
    }
    known.times.push_back(at);
    known.values.push_back(samples.values[i]);
  }
  return {};
}

void ReplayStore::end(const std::string& metric, Timestamp last, Duration step) {
  for (auto& [labels, samples] : series_) {
    if (labels.get(kMetricName) != metric || samples.times.empty()) continue;
    if (samples.times.back() + step.count() > to_millis(last)) continue;
    samples.times.push_back(samples.times.back() + step.count());
    samples.values.push_back(stale_nan());
  }
}

bool ReplayStore::concerns(const std::vector<Matcher>& matchers) const {
  bool named = false;
  for (const Matcher& matcher : matchers) {
    if (matcher.name() != kMetricName) continue;
    named = true;
    if (!is_among(metrics_, matcher)) return false;
  }
  return named && !metrics_.empty();
}

Result<std::unique_ptr<storage::SeriesSelection>> ReplayStore::select(
    std::span<const Matcher> matchers, storage::TimeRange range, std::size_t series_max,
    const storage::StopFlag* /*stop*/) const {
  auto out = std::make_unique<Selected>();
  std::string selector = "{";
  bool only_recorded = false;  // by one exact name
  for (const Matcher& matcher : matchers) {
    selector += (selector.size() > 1 ? "," : "") + matcher.to_string();
    only_recorded |= matcher.name() == kMetricName && matcher.op() == MatchOp::kEqual &&
                     metrics_.contains(matcher.value());
  }
  for (const auto& [labels, samples] : series_) {
    if (fits(labels, matchers)) out->add(labels, samples);
  }
  if (!only_recorded) {
    NINES_TRY(promql::Matrix stored, history_(selector + "}", range.from, range.to));
    for (promql::MatrixSeries& series : stored) {
      if (metrics_.contains(std::string(series.labels.get(kMetricName)))) continue;
      out->add(std::move(series.labels), std::move(series.samples));
    }
  }
  if (out->size() > series_max)
    return Error(ErrorCode::kLimit, "more than " + std::to_string(series_max) + " series");
  out->sort();
  return std::unique_ptr<storage::SeriesSelection>(std::move(out));
}

}  // namespace nines::alerts
