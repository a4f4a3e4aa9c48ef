// Samples on their way out.
#include <algorithm>
#include <set>
#include <shared_mutex>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/stoppable_sort.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {
namespace {

constexpr std::size_t kLookEvery = 1024;  // series, between two looks at a stop flag

bool stopped(const StopFlag* stop) {
  return stop && stop->stop.load(std::memory_order_relaxed);
}
Error was_stopped() {
  return Error(ErrorCode::kUnavailable, "the query was stopped");
}

struct Selected {
  LabelSet labels;
  std::uint32_t first = 0;  // of its places
  std::uint32_t end = 0;
};

class Selection final : public SeriesSelection {
 public:
  Selection(const StoreImpl& store, StoreImpl::Versions versions,
            std::vector<StoreImpl::Place> places, std::vector<Selected> series,
            std::shared_ptr<const Tombstones> deletions, const StopFlag* stop)
      : store_(store),
        versions_(std::move(versions)),
        places_(std::move(places)),
        series_(std::move(series)),
        deletions_(std::move(deletions)),
        stop_(stop) {}
  std::size_t size() const override { return series_.size(); }
  const LabelSet& labels(std::size_t index) const override { return series_[index].labels; }
  std::uint64_t bytes_held() const override {
    return series_.size() * sizeof(Selected) + places_.size() * sizeof(StoreImpl::Place) +
           versions_.size() * sizeof(StoreImpl::Versions::value_type);
  }
  Result<void> read(std::size_t index, TimeRange range, SampleColumns& out) const override {
    out.clear();
    if (stopped(stop_)) return was_stopped();
    const Selected& series = series_[index];
    std::vector<DeletedSpan> deleted;
    if (!deletions_->empty()) deleted = deletions_->spans(series.labels);
    return store_.read_series(versions_,
                              std::span(places_).subspan(series.first, series.end - series.first),
                              range, deleted, out);
  }
  Result<void> read_tier(std::size_t index, Tier tier, TimeRange range,
                         std::vector<TierWindow>& out) const override {
    out.clear();
    if (stopped(stop_)) return was_stopped();
    const Selected& series = series_[index];
    std::vector<DeletedSpan> deleted;
    if (!deletions_->empty()) deleted = deletions_->spans(series.labels);
    return store_.read_windows(versions_,
                               std::span(places_).subspan(series.first, series.end - series.first),
                               tier, range, deleted, out);
  }

 private:
  const StoreImpl& store_;
  const StoreImpl::Versions versions_;
  const std::vector<StoreImpl::Place> places_;
  const std::vector<Selected> series_;
  const std::shared_ptr<const Tombstones> deletions_;
  const StopFlag* stop_;
};

bool overlaps(const ring::TimeBounds& times, TimeRange range) {
  return times.min <= to_millis(range.to) && times.max >= to_millis(range.from);
}

}  // namespace

// Those of `slots` that have samples in the range, ascending.
void StoreImpl::keep_sampled(const Version& version, TimeRange range,
                             std::vector<std::uint32_t>& slots) const {
  const std::int64_t from = to_millis(range.from);
  const std::int64_t to = to_millis(range.to);
  std::vector<std::uint32_t> found;
  if (version.live) {
    const ring::TimeBounds open = version.live->bounds();
    if (!open.empty() && overlaps(open, range)) {
      std::erase_if(slots, [&](std::uint32_t slot) {
        if (slot >= version.live->newest.size() ||
            version.live->newest[slot] < std::max(open.min, from)) {
          return false;
        }
        found.push_back(slot);
        return true;
      });
    }
  }
  version.pages[paged_class(ring::SegmentClass::kRaw)].take_present(from, to, slots, found);
  // Tiers tell less finely when a series had samples: they are asked where others cannot be.
  if (dropped_until_ && from <= *dropped_until_) {
    for (const auto cls : {ring::SegmentClass::kT5m, ring::SegmentClass::kT1h})
      version.pages[paged_class(cls)].take_present(from, std::min(to, *dropped_until_), slots,
                                                   found);
  }
  std::sort(found.begin(), found.end());
  slots = std::move(found);
}

std::vector<StoreImpl::Live> StoreImpl::live(std::span<const Matcher> matchers, TimeRange range,
                                             const StopFlag* stop) const {
  // Versions that share a layout, and of whose labels the matchers think alike, have one answer.
  std::map<std::pair<const Layout*, std::vector<bool>>, std::vector<std::uint32_t>> answers;
  std::vector<Live> out;
  for (const auto& [name, group] : catalog_.groups()) {
    for (const std::shared_ptr<Version>& version : group->versions) {
      if (stopped(stop)) return out;
      std::vector<bool> verdicts = series::SeriesIndex::verdicts(matchers, version->labels);
      const auto [answer, fresh] =
          answers.try_emplace({version->layout.get(), std::move(verdicts)});
      if (fresh) answer->second = version->layout->index.select(matchers, answer->first.second);
      std::vector<std::uint32_t> slots;
      slots.reserve(answer->second.size());
      for (const std::uint32_t slot : answer->second) {
        if (version->knows(slot)) slots.push_back(slot);
      }
      if (!slots.empty()) keep_sampled(*version, range, slots);
      if (!slots.empty()) out.push_back({version, std::move(slots)});
    }
  }
  return out;
}

Result<std::unique_ptr<SeriesSelection>> StoreImpl::select(std::span<const Matcher> matchers,
                                                           TimeRange range, std::size_t series_max,
                                                           const StopFlag* stop) const {
  if (std::all_of(matchers.begin(), matchers.end(),
                  [](const Matcher& m) { return m.matches_empty(); })) {
    return Error(ErrorCode::kInvalid,
                 "a selector needs at least one matcher that does not match the empty string");
  }
  std::vector<Live> found;
  std::shared_ptr<const Tombstones> deletions;
  {
    const std::lock_guard lock(mutex_);
    found = live(matchers, range, stop);
    deletions = deletions_;
  }
  const auto too_many = [&] {
    return Error(ErrorCode::kLimit,
                 "the query selects more than " + std::to_string(series_max) + " series");
  };
  Versions versions;
  std::vector<std::pair<LabelSet, Place>> all;
  const std::size_t most = std::min(series_max, SIZE_MAX / 4) * 2 + 1024;
  for (const Live& one : found) {
    // Whoever is in more than one version is counted more than once here: there are few of them.
    if (all.size() + one.slots.size() > most) return too_many();
    const auto number = static_cast<std::uint32_t>(versions.size());
    versions.push_back(one.version);
    const std::shared_lock lock(one.version->layout->mutex);
    for (const std::uint32_t slot : one.slots) {
      if (all.size() % kLookEvery == 0 && stopped(stop)) return was_stopped();
      all.emplace_back(one.version->labels_of(slot), Place{number, slot});
    }
  }
  if (!stoppable_sort(
          all, [](const auto& a, const auto& b) { return a.first < b.first; },
          [stop] { return stopped(stop); })) {
    return was_stopped();
  }
  std::vector<Place> places;
  std::vector<Selected> series;
  places.reserve(all.size());
  series.reserve(all.size());
  for (auto& [labels, place] : all) {
    if (places.size() % kLookEvery == 0 && stopped(stop)) return was_stopped();
    places.push_back(place);
    const auto end = static_cast<std::uint32_t>(places.size());
    if (!series.empty() && series.back().labels == labels)
      series.back().end = end;
    else
      series.push_back({std::move(labels), end - 1, end});
  }
  if (series.size() > series_max) return too_many();
  if (!deletions->empty()) {
    // A series of which nothing is left is none.
    std::erase_if(series, [&](const Selected& one) {
      if (stopped(stop)) return false;
      const std::vector<DeletedSpan> deleted = deletions->spans(one.labels);
      if (deleted.empty()) return false;
      const auto its = std::span(places).subspan(one.first, one.end - one.first);
      SampleColumns left;
      if (!read_series(versions, its, range, deleted, left) || !left.times.empty()) return false;
      if (!retention().dropped_until) return true;
      std::vector<TierWindow> windows;
      return read_windows(versions, its, Tier::k1h, range, deleted, windows) && windows.empty();
    });
  }
  if (stopped(stop)) return was_stopped();
  return std::unique_ptr<SeriesSelection>(
      std::make_unique<Selection>(*this, std::move(versions), std::move(places), std::move(series),
                                  std::move(deletions), stop));
}

std::shared_ptr<const Page> StoreImpl::load(const ring::Location& location,
                                            std::size_t& damaged) const {
  if (std::shared_ptr<const Page> page = cache_.get(location)) return page;
  const Result<ring::OwnedFrame> frame = parts_.ring.read(location);
  if (!frame) {
    // Evicted meanwhile: it is gone.
    damaged += frame.error().code() == ErrorCode::kNotFound ? 0 : 1;
    return nullptr;
  }
  Result<std::shared_ptr<const Page>> opened = Page::open(chunk::as_text(frame->payload));
  if (!opened) {
    ++damaged;
    return nullptr;
  }
  cache_.put(location, *opened);
  return *std::move(opened);
}

Result<void> StoreImpl::read_series(const Versions& versions, std::span<const Place> places,
                                    TimeRange range, const std::vector<DeletedSpan>& deleted,
                                    SampleColumns& out) const {
  std::vector<std::pair<ring::Location, std::uint32_t>> pages;
  SampleColumns open;
  const std::int64_t from = to_millis(range.from);
  const std::int64_t to = to_millis(range.to);
  {
    const std::lock_guard lock(mutex_);
    for (const Place& place : places) {
      const Version& version = *versions[place.version];
      version.pages[paged_class(ring::SegmentClass::kRaw)].each_page(
          place.slot, from, to,
          [&](const ring::Location& at) { pages.emplace_back(at, place.slot); });
      if (version.live && overlaps(version.live->bounds(), range))
        version.live->read(place.slot, open);
    }
  }
  std::size_t damaged = 0;
  for (const auto& [location, slot] : pages) {
    const std::shared_ptr<const Page> page = load(location, damaged);
    const std::size_t before = out.size();
    if (page && !page->read(slot, out)) {
      ++damaged;
      cut_torn(out);
    }
    if (!deleted.empty()) erase_deleted(out, before, RingPlace::of(location), deleted);
  }
  if (out.times.empty()) {
    std::swap(out, open);
  } else {
    for (std::size_t i = 0; i < open.size(); ++i) {
      add_point(out, {open.times[i], open.values[i],
                      open.histograms.empty() ? nullptr : open.histograms[i],
                      open.start_times.empty() ? 0 : open.start_times[i]});
    }
  }
  put_in_order(out, to_millis(range.from), to_millis(range.to));
  if (damaged > 0)
    return Error(ErrorCode::kCorrupt,
                 std::to_string(damaged) + " damaged pages of the series were left out");
  return {};
}

void StoreImpl::set_metadata(const std::string& family, const Metadata& metadata) {
  const std::lock_guard lock(mutex_);
  Metadata& kept = metadata_[family];
  if (kept == metadata) return;
  kept = metadata;
  metadata_changed_ = true;
}

std::map<std::string, Metadata> StoreImpl::metadata() const {
  const std::lock_guard lock(mutex_);
  return metadata_;
}

void StoreImpl::add_status(StoreStatus& status, std::size_t top) const {
  const std::lock_guard lock(mutex_);
  status.head_series = catalog_.series();
  status.head_groups = catalog_.groups().size();
  status.series_max = options_.series_max;
  status.series_refused = refusals_.total();
  status.samples_appended = appended_;
  status.recovered_samples = recovered_;
  status.damaged_segments += damage_.size();
  status.damage.insert(status.damage.end(), damage_.begin(), damage_.end());
  const auto most = [&](std::vector<std::pair<std::string, std::uint64_t>> all) {
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.second > b.second; });
    if (all.size() > top) all.resize(top);
    return all;
  };
  if (top == 0) return;
  std::map<std::string, std::uint64_t, std::less<>> metrics;
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> values;
  std::set<const Layout*> seen;
  for (const auto& [name, group] : catalog_.groups()) {
    const Version* version = group->current.get();
    if (!version) continue;
    for (const Label& label : version->labels) values[label.name].insert(label.value);
    const series::SeriesIndex& index = version->layout->index;
    index.each_label([&](std::string_view label, std::string_view value, std::uint32_t count) {
      if (label == kMetricName) metrics[std::string(value)] += count;
    });
    if (!seen.insert(version->layout.get()).second) continue;
    index.each_label([&](std::string_view label, std::string_view value, std::uint32_t) {
      if (!value.empty()) values[std::string(label)].emplace(value);
    });
  }
  status.top_metrics = most({metrics.begin(), metrics.end()});
  std::vector<std::pair<std::string, std::uint64_t>> counts;
  for (const auto& [name, of] : values) counts.emplace_back(name, of.size());
  status.top_labels = most(std::move(counts));
}

}  // namespace nines::storage
