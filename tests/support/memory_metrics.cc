#include "tests/support/memory_metrics.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace nines::testing {
namespace {

// The smallest and largest times that fit, so that a map's bounds can be asked for either.
std::int64_t first_ms(storage::TimeRange range) {
  return to_millis(range.from);
}
std::int64_t last_ms(storage::TimeRange range) {
  return to_millis(range.to);
}

bool same_value(const Sample& a, const storage::Row& b) {
  if ((a.histogram != nullptr) != (b.histogram != nullptr)) return false;
  if (a.histogram) return *a.histogram == *b.histogram;
  return std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value);
}

class Selection final : public storage::SeriesSelection {
 public:
  Selection(std::vector<LabelSet> labels, std::vector<SampleColumns> columns,
            const storage::Retention& kept, const storage::StopFlag* stop)
      : labels_(std::move(labels)), columns_(std::move(columns)), kept_(kept), stop_(stop) {}

  std::size_t size() const override { return labels_.size(); }
  const LabelSet& labels(std::size_t index) const override { return labels_[index]; }
  std::uint64_t bytes_held() const override { return labels_.size() * sizeof(LabelSet); }
  Result<void> read(std::size_t index, storage::TimeRange range,
                    SampleColumns& out) const override {
    if (stop_ != nullptr && stop_->stop) return Error(ErrorCode::kUnavailable, "read stopped");
    const SampleColumns& all = columns_[index];
    const auto from = std::lower_bound(all.times.begin(), all.times.end(), first_ms(range));
    const auto to = std::upper_bound(from, all.times.end(), last_ms(range));
    const std::ptrdiff_t a = from - all.times.begin();
    const std::ptrdiff_t b = to - all.times.begin();
    out.times.assign(from, to);
    out.values.assign(all.values.begin() + a, all.values.begin() + b);
    out.histograms.clear();
    out.start_times.clear();
    if (!all.histograms.empty()) {
      out.histograms.assign(all.histograms.begin() + a, all.histograms.begin() + b);
    }
    if (!all.start_times.empty()) {
      out.start_times.assign(all.start_times.begin() + a, all.start_times.begin() + b);
    }
    if (kept_.dropped_until) drop(to_millis(*kept_.dropped_until), out);
    return {};
  }
  Result<void> read_tier(std::size_t index, storage::Tier tier, storage::TimeRange range,
                         std::vector<storage::TierWindow>& out) const override {
    out.clear();
    storage::fold_samples(columns_[index], storage::tier_step(tier), out);
    const auto from = kept_.tier_from[static_cast<std::size_t>(tier)];
    std::erase_if(out, [&](const storage::TierWindow& w) {
      return w.end < first_ms(range) || w.end > last_ms(range) || !from ||
             w.end <= to_millis(*from);
    });
    return {};
  }

 private:
  static void drop(std::int64_t until, SampleColumns& out) {
    SampleColumns left;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (out.times[i] <= until && i % 3 != 0) continue;
      left.times.push_back(out.times[i]);
      left.values.push_back(out.values[i]);
      if (!out.histograms.empty()) left.histograms.push_back(out.histograms[i]);
      if (!out.start_times.empty()) left.start_times.push_back(out.start_times[i]);
    }
    out = std::move(left);
  }

  std::vector<LabelSet> labels_;
  std::vector<SampleColumns> columns_;
  const storage::Retention kept_;
  const storage::StopFlag* stop_;
};

std::vector<std::string> limited(const std::set<std::string>& all, std::size_t limit) {
  std::vector<std::string> out(all.begin(), all.end());
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace

class MemoryMetrics::Writer final : public storage::GroupWriter {
 public:
  Writer(MemoryMetrics& store, std::string name) : store_(store), name_(std::move(name)) {}
  ~Writer() override {
    const MutexLock lock(store_.mutex_);
    store_.open_groups_.erase(name_);
  }

  Result<storage::Slot> slot(const LabelSet& labels) override {
    const MutexLock lock(store_.mutex_);
    NINES_TRY(Series* const series, store_.series_for(labels));
    const auto known = std::find(slots_.begin(), slots_.end(), series);
    if (known != slots_.end()) return storage::Slot(known - slots_.begin());
    slots_.push_back(series);
    return storage::Slot(slots_.size() - 1);
  }
  Result<storage::AppendOutcome> append(Timestamp at, std::span<const storage::Row> rows) override {
    return store_.append(at, rows, slots_);
  }

 private:
  MemoryMetrics& store_;
  std::string name_;
  std::vector<Series*> slots_;
};

Result<std::unique_ptr<storage::GroupWriter>> MemoryMetrics::open_group(
    const storage::GroupSpec& spec) {
  const std::string& name = spec.name;
  {
    const MutexLock lock(mutex_);
    if (!open_groups_.insert(name).second) {
      return Error(ErrorCode::kInvalid, "group \"" + name + "\" has a writer already");
    }
  }
  return std::unique_ptr<storage::GroupWriter>(std::make_unique<Writer>(*this, name));
}

void MemoryMetrics::drop(const storage::Retention& kept) {
  const MutexLock lock(mutex_);
  kept_ = kept;
}

storage::Retention MemoryMetrics::retention() const {
  const MutexLock lock(mutex_);
  return kept_;
}

void MemoryMetrics::set_metadata(const std::string& family, const Metadata& metadata) {
  const MutexLock lock(mutex_);
  metadata_[family] = metadata;
}

Result<MemoryMetrics::Series*> MemoryMetrics::series_for(const LabelSet& labels) {
  const auto found = series_.find(labels);
  if (found != series_.end()) return &found->second;
  if (series_max_ != 0 && series_.size() >= series_max_) {
    return Error(ErrorCode::kLimit, "more than " + std::to_string(series_max_) +
                                        " series: refused " + labels.to_string());
  }
  Series& made = series_[labels];
  made.labels = labels;
  return &made;
}

storage::AppendOutcome MemoryMetrics::append(Timestamp at, std::span<const storage::Row> rows,
                                             std::span<Series* const> slots) {
  storage::AppendOutcome outcome;
  const MutexLock lock(mutex_);
  for (const storage::Row& row : rows) {
    Series& series = *slots[static_cast<std::size_t>(row.slot)];
    const std::int64_t ms =
        row.own_time_ms == storage::Row::kBatchTime ? to_millis(at) : row.own_time_ms;
    const auto known = series.samples.find(ms);
    if (known != series.samples.end()) {
      ++(same_value(known->second, row) ? outcome.duplicates : outcome.conflicts);
      continue;
    }
    Sample sample{from_millis(ms), row.value, nullptr};
    if (row.histogram != nullptr) sample.histogram = std::make_shared<Histogram>(*row.histogram);
    series.samples.emplace(ms, std::move(sample));
    if (row.start_time_ms != 0) series.start_times[ms] = row.start_time_ms;
    ++outcome.appended;
  }
  return outcome;
}

SampleColumns MemoryMetrics::columns_of(const Series& series, storage::TimeRange range) {
  SampleColumns out;
  const auto begin = series.samples.lower_bound(first_ms(range));
  const auto end = series.samples.upper_bound(last_ms(range));
  bool any_histogram = false;
  for (auto it = begin; it != end; ++it) {
    out.times.push_back(it->first);
    out.values.push_back(it->second.value);
    any_histogram = any_histogram || it->second.histogram != nullptr;
  }
  if (any_histogram) {
    for (auto it = begin; it != end; ++it) out.histograms.push_back(it->second.histogram);
  }
  if (!series.start_times.empty()) {
    for (auto it = begin; it != end; ++it) {
      const auto known = series.start_times.find(it->first);
      out.start_times.push_back(known == series.start_times.end() ? 0 : known->second);
    }
  }
  return out;
}

std::vector<const MemoryMetrics::Series*> MemoryMetrics::matching(std::span<const Matcher> matchers,
                                                                  storage::TimeRange range) const {
  std::vector<const Series*> out;
  for (const auto& [labels, series] : series_) {
    const auto first = series.samples.lower_bound(first_ms(range));
    if (first == series.samples.end() || first->first > last_ms(range)) continue;
    if (matches_all(matchers, labels)) out.push_back(&series);
  }
  return out;
}

Result<std::unique_ptr<storage::SeriesSelection>> MemoryMetrics::select(
    std::span<const Matcher> matchers, storage::TimeRange range, std::size_t series_max,
    const storage::StopFlag* stop) const {
  if (std::all_of(matchers.begin(), matchers.end(),
                  [](const Matcher& m) { return m.matches_empty(); })) {
    return Error(ErrorCode::kInvalid, "at least one matcher must not match the empty string");
  }
  const MutexLock lock(mutex_);
  const std::vector<const Series*> found = matching(matchers, range);
  if (found.size() > series_max) {
    return Error(ErrorCode::kLimit,
                 "query selects more than " + std::to_string(series_max) + " series");
  }
  std::vector<LabelSet> labels;
  std::vector<SampleColumns> columns;
  for (const Series* series : found) {
    labels.push_back(series->labels);
    // A window knows samples outside of the range, too.
    const storage::TimeRange all{Timestamp::min(), Timestamp::max()};
    columns.push_back(columns_of(*series, kept_.dropped_until ? all : range));
  }
  return std::unique_ptr<storage::SeriesSelection>(
      std::make_unique<Selection>(std::move(labels), std::move(columns), kept_, stop));
}

Result<std::vector<std::string>> MemoryMetrics::label_names(std::span<const Matcher> matchers,
                                                            storage::TimeRange range,
                                                            std::size_t limit,
                                                            const storage::StopFlag* stop) const {
  if (stop && stop->stop) return Error(ErrorCode::kUnavailable, "the query was stopped");
  const MutexLock lock(mutex_);
  std::set<std::string> names;
  for (const Series* series : matching(matchers, range)) {
    for (const Label& label : series->labels) names.insert(label.name);
  }
  return limited(names, limit);
}

Result<std::vector<std::string>> MemoryMetrics::label_values(const std::string& name,
                                                             std::span<const Matcher> matchers,
                                                             storage::TimeRange range,
                                                             std::size_t limit,
                                                             const storage::StopFlag* stop) const {
  if (stop && stop->stop) return Error(ErrorCode::kUnavailable, "the query was stopped");
  const MutexLock lock(mutex_);
  std::set<std::string> values;
  for (const Series* series : matching(matchers, range)) {
    if (series->labels.has(name)) values.emplace(series->labels.get(name));
  }
  return limited(values, limit);
}

std::map<std::string, Metadata> MemoryMetrics::metadata() const {
  const MutexLock lock(mutex_);
  return metadata_;
}

void MemoryMetrics::add(const LabelSet& labels, Timestamp at, double value) {
  const MutexLock lock(mutex_);
  const Result<Series*> series = series_for(labels);
  if (series) (*series)->samples[to_millis(at)] = Sample{at, value, nullptr};
}

void MemoryMetrics::add(const LabelSet& labels, Timestamp at, const Histogram& histogram) {
  const MutexLock lock(mutex_);
  const Result<Series*> series = series_for(labels);
  if (series) {
    (*series)->samples[to_millis(at)] = Sample{at, 0, std::make_shared<Histogram>(histogram)};
  }
}

std::size_t MemoryMetrics::series_count() const {
  const MutexLock lock(mutex_);
  return series_.size();
}

SampleColumns MemoryMetrics::samples(const LabelSet& labels) const {
  const MutexLock lock(mutex_);
  const auto found = series_.find(labels);
  if (found == series_.end()) return {};
  return columns_of(found->second, {Timestamp::min(), Timestamp::max()});
}

void MemoryMetrics::add_exemplar(const LabelSet& labels, const Exemplar& exemplar) {
  const MutexLock lock(mutex_);
  exemplars_[labels].push_back(exemplar);
}

std::vector<storage::SeriesExemplars> MemoryMetrics::exemplars(
    std::span<const std::vector<Matcher>> sets, storage::TimeRange range) const {
  const MutexLock lock(mutex_);
  std::vector<storage::SeriesExemplars> out;
  for (const auto& [labels, all] : exemplars_) {
    bool wanted = false;
    for (const std::vector<Matcher>& matchers : sets) {
      wanted = wanted || matches_all(matchers, labels);
    }
    storage::SeriesExemplars found{labels, {}};
    for (const Exemplar& one : all) {
      if (from_millis(one.time_ms) >= range.from && from_millis(one.time_ms) <= range.to)
        found.exemplars.push_back(one);
    }
    if (wanted && !found.exemplars.empty()) out.push_back(std::move(found));
  }
  return out;
}

}  // namespace nines::testing
