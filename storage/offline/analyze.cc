#include "storage/offline/analyze.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <numeric>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "base/model/matcher.h"
#include "base/model/sample.h"
#include "storage/api/status.h"

namespace nines::storage {
namespace {

constexpr std::size_t kSeriesMax = std::numeric_limits<std::uint32_t>::max();  // all of them

constexpr std::int64_t kHour = 3'600'000;
// Samples are read in steps of this length, target by target, so that the pages of a step are
// unpacked once and not once for each series in them.
constexpr std::int64_t kStep = 6 * kHour;

struct SeriesUse {
  std::uint64_t samples = 0;
  std::int64_t oldest = std::numeric_limits<std::int64_t>::max();
  std::int64_t newest = std::numeric_limits<std::int64_t>::min();
};

using TargetKey = std::pair<std::string_view, std::string_view>;

TargetKey target_of(const LabelSet& labels) {
  return {labels.get("job"), labels.get("instance")};
}

class Analyzer {
 public:
  Analyzer(const OpenedFolder& folder, std::size_t top) : folder_(folder), top_(top) {}

  Result<Analysis> run() {
    NINES_TRY(const Matcher named, Matcher::make(MatchOp::kRegex, std::string(kMetricName), ".+"));
    const TimeRange all{from_millis(std::numeric_limits<std::int64_t>::min()),
                        from_millis(std::numeric_limits<std::int64_t>::max())};
    NINES_TRY(found_, folder_.querier().select(std::span(&named, 1), all,
                                               kSeriesMax));
    use_.resize(found_->size());
    if (auto read = read_samples(); !read) return std::move(read).error();
    add_totals();
    add_metrics();
    add_labels();
    add_targets();
    add_classes();
    return std::move(out_);
  }

 private:
  Result<void> read_samples() {
    std::vector<std::size_t> order(found_->size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return target_of(found_->labels(a)) < target_of(found_->labels(b));
    });
    const std::vector<TimeRange> steps = time_steps();
    std::vector<bool> lost(found_->size());
    for (std::size_t begin = 0; begin < order.size();) {
      std::size_t end = begin;
      while (end < order.size() && target_of(found_->labels(order[end])) ==
                                       target_of(found_->labels(order[begin])))
        ++end;
      for (const TimeRange& step : steps) {
        for (std::size_t i = begin; i < end; ++i) {
          const auto read = found_->read(order[i], step, columns_);
          if (!read && read.error().code() != ErrorCode::kCorrupt) return read.error();
          if (!read) lost[order[i]] = true;
          note(use_[order[i]]);
        }
      }
      begin = end;
    }
    out_.damaged_reads = static_cast<std::uint64_t>(std::count(lost.begin(), lost.end(), true));
    return {};
  }

  // Closed intervals that cover all times; the first and the last are open-ended.
  std::vector<TimeRange> time_steps() const {
    std::int64_t from = std::numeric_limits<std::int64_t>::min();
    std::vector<TimeRange> steps;
    for (const ClassShare& share : folder_.classes()) {
      if (share.name != "raw" || share.newest == Timestamp{}) continue;
      for (std::int64_t to = to_millis(share.oldest) + kStep; to < to_millis(share.newest);
           to += kStep) {
        steps.push_back({from_millis(from), from_millis(to)});
        from = to + 1;
      }
    }
    steps.push_back({from_millis(from), from_millis(std::numeric_limits<std::int64_t>::max())});
    return steps;
  }

  void note(SeriesUse& use) {
    if (columns_.times.empty()) return;
    use.samples += columns_.size();
    use.oldest = std::min(use.oldest, columns_.times.front());
    use.newest = std::max(use.newest, columns_.times.back());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const bool histogram = !columns_.histograms.empty() && columns_.histograms[i];
      out_.stale_markers += !histogram && is_stale_nan(columns_.values[i]) ? 1 : 0;
    }
  }

  void add_totals() {
    SeriesUse all;
    for (const SeriesUse& use : use_) {
      if (use.samples == 0) continue;
      ++out_.series;
      out_.samples += use.samples;
      all.oldest = std::min(all.oldest, use.oldest);
      all.newest = std::max(all.newest, use.newest);
    }
    if (out_.series > 0) {
      out_.oldest = from_millis(all.oldest);
      out_.newest = from_millis(all.newest);
      hour_ = all.newest - kHour;
      out_.hour = from_millis(hour_);
      out_.younger_than_an_hour = all.oldest >= hour_;
    }
    for (const SeriesUse& use : use_) {
      out_.ended += ended(use);
      out_.begun += begun(use);
    }
    const StoreStatus status = folder_.status(0);
    out_.samples_in_journal = status.recovered_samples;
    out_.damage = status.damage;
    out_.log_streams = folder_.log_querier()
                           .streams({}, {LogTime{}, LogTime(std::chrono::nanoseconds(
                                                        std::numeric_limits<std::int64_t>::max()))})
                           .size();
  }

  std::uint64_t ended(const SeriesUse& use) const {
    return use.samples > 0 && use.newest < hour_ ? 1 : 0;
  }
  std::uint64_t begun(const SeriesUse& use) const {
    return use.samples > 0 && use.oldest >= hour_ && !out_.younger_than_an_hour ? 1 : 0;
  }

  // The largest first; what is equal in the order it stands in.
  template <typename T, typename Size>
  void keep_top(std::vector<T>& rows, Size size) const {
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const T& a, const T& b) { return size(a) > size(b); });
    if (top_ > 0 && rows.size() > top_) rows.resize(top_);
  }

  void add_metrics() {
    std::map<std::string_view, MetricUse> by_name;
    for (std::size_t i = 0; i < use_.size(); ++i) {
      if (use_[i].samples == 0) continue;
      MetricUse& metric = by_name[found_->labels(i).metric_name()];
      ++metric.series;
      metric.samples += use_[i].samples;
      metric.ended += ended(use_[i]);
      metric.begun += begun(use_[i]);
    }
    out_.metric_names = by_name.size();
    for (auto& [name, metric] : by_name) {
      metric.name = std::string(name);
      out_.metrics.push_back(std::move(metric));
    }
    keep_top(out_.metrics, [](const MetricUse& m) { return m.series; });
  }

  void add_labels() {
    struct Seen {
      std::unordered_set<std::string_view> values;
      std::uint64_t series = 0;
    };
    std::map<std::string_view, Seen> by_name;
    for (std::size_t i = 0; i < use_.size(); ++i) {
      if (use_[i].samples == 0) continue;
      for (const Label& label : found_->labels(i)) {
        if (label.name == kMetricName) continue;
        Seen& seen = by_name[label.name];
        seen.values.insert(label.value);
        ++seen.series;
      }
    }
    out_.label_names = by_name.size();
    for (const auto& [name, seen] : by_name)
      out_.labels.push_back({std::string(name), seen.values.size(), seen.series});
    keep_top(out_.labels, [](const LabelUse& l) { return l.values; });
  }

  void add_targets() {
    std::map<TargetKey, TargetUse> by_key;
    for (std::size_t i = 0; i < use_.size(); ++i) {
      if (use_[i].samples == 0) continue;
      TargetUse& target = by_key[target_of(found_->labels(i))];
      ++target.series;
      target.samples += use_[i].samples;
      target.ended += ended(use_[i]);
      target.begun += begun(use_[i]);
    }
    out_.targets = by_key.size();
    for (auto& [key, target] : by_key) {
      target.job = std::string(key.first);
      target.instance = std::string(key.second);
      out_.by_target.push_back(std::move(target));
    }
    keep_top(out_.by_target, [](const TargetUse& t) { return t.series; });
  }

  void add_classes() {
    for (const ClassShare& share : folder_.classes()) {
      ClassAnalysis cls;
      cls.share = share;
      const bool keeps = share.name != "journal" && share.name != "log_journal";
      if (keeps) {
        cls.retention =
            projected_retention(share.bytes, share.bytes_used, share.oldest, share.newest);
      }
      out_.classes.push_back(cls);
      const std::uint64_t paged =
          out_.samples - std::min(out_.samples, out_.samples_in_journal);
      if (share.name == "raw" && paged > 0) {
        out_.bytes_per_sample =
            static_cast<double>(share.bytes_used) / static_cast<double>(paged);
      }
    }
  }

  const OpenedFolder& folder_;
  const std::size_t top_;
  std::unique_ptr<SeriesSelection> found_;  // the views below point into its labels
  std::vector<SeriesUse> use_;
  std::int64_t hour_ = std::numeric_limits<std::int64_t>::min();
  SampleColumns columns_;
  Analysis out_;
};

}  // namespace

Result<Analysis> analyze(const OpenedFolder& folder, std::size_t top) {
  return Analyzer(folder, top).run();
}

}  // namespace nines::storage
