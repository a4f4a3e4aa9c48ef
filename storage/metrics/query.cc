// Samples on their way out.
#include <algorithm>
#include <set>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {
namespace {

class Selection final : public SeriesSelection {
 public:
  Selection(const StoreImpl& store, std::vector<std::pair<LabelSet, std::uint32_t>> series,
            const StopFlag* stop)
      : store_(store), series_(std::move(series)), stop_(stop) {}
  std::size_t size() const override { return series_.size(); }
  const LabelSet& labels(std::size_t index) const override { return series_[index].first; }
  Result<void> read(std::size_t index, TimeRange range, SampleColumns& out) const override {
    out.clear();
    if (stop_ && stop_->stop.load(std::memory_order_relaxed))
      return Error(ErrorCode::kUnavailable, "the query was stopped");
    return store_.read_series(series_[index].second, range, out);
  }

 private:
  const StoreImpl& store_;
  std::vector<std::pair<LabelSet, std::uint32_t>> series_;
  const StopFlag* stop_;
};

bool overlaps(const ring::TimeBounds& times, TimeRange range) {
  return times.min <= to_millis(range.to) && times.max >= to_millis(range.from);
}

}  // namespace

std::shared_ptr<const Page> PageCache::get(const ring::Location& location) {
  const std::lock_guard lock(mutex_);
  const auto it = by_key_.find({location.generation, location.offset});
  if (it == by_key_.end()) return nullptr;
  order_.splice(order_.begin(), order_, it->second);
  return it->second->page;
}

void PageCache::put(const ring::Location& location, std::shared_ptr<const Page> page) {
  const std::lock_guard lock(mutex_);
  const Key key{location.generation, location.offset};
  if (by_key_.contains(key)) return;
  bytes_ += page->bytes();
  order_.push_front({key, std::move(page)});
  by_key_[key] = order_.begin();
  while (bytes_ > bytes_max_ && order_.size() > 1) {
    bytes_ -= order_.back().page->bytes();
    by_key_.erase(order_.back().key);
    order_.pop_back();
  }
}

bool StoreImpl::has_samples(std::uint32_t id, TimeRange range) const {
  bool found = false;
  state_.each_place(id, [&](const Layout& layout, std::uint32_t slot) {
    if (found) return;
    if (slot / kPageSlots < layout.pages.size()) {
      const std::vector<PageRef>& pages = layout.pages[slot / kPageSlots];
      found = std::any_of(pages.rbegin(), pages.rend(), [&](const PageRef& page) {
        return slot >= page.slots.first && slot < page.slots.end && overlaps(page.times, range);
      });
    }
    if (found || !layout.owner) return;
    const ring::TimeBounds open = layout.owner->head.bounds();
    found = !open.empty() && overlaps(open, range) &&
            layout.owner->newest[slot] >= std::max(open.min, to_millis(range.from));
  });
  return found;
}

std::vector<std::uint32_t> StoreImpl::live(std::span<const Matcher> matchers,
                                           TimeRange range) const {
  std::vector<std::uint32_t> ids = state_.index.select(matchers);
  std::erase_if(ids, [&](std::uint32_t id) { return !has_samples(id, range); });
  return ids;
}

Result<std::unique_ptr<SeriesSelection>> StoreImpl::select(std::span<const Matcher> matchers,
                                                           TimeRange range, std::size_t series_max,
                                                           const StopFlag* stop) const {
  if (std::all_of(matchers.begin(), matchers.end(),
                  [](const Matcher& m) { return m.matches_empty(); })) {
    return Error(ErrorCode::kInvalid,
                 "a selector needs at least one matcher that does not match the empty string");
  }
  std::vector<std::pair<LabelSet, std::uint32_t>> series;
  {
    const std::lock_guard lock(mutex_);
    for (const std::uint32_t id : live(matchers, range)) {
      if (series.size() == series_max) {
        return Error(ErrorCode::kLimit,
                     "the query selects more than " + std::to_string(series_max) + " series");
      }
      series.emplace_back(state_.index.labels(id), id);
    }
  }
  std::sort(series.begin(), series.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return std::unique_ptr<SeriesSelection>(
      std::make_unique<Selection>(*this, std::move(series), stop));
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

Result<void> StoreImpl::read_series(std::uint32_t id, TimeRange range, SampleColumns& out) const {
  std::vector<std::pair<ring::Location, std::uint32_t>> pages;
  SampleColumns open;
  {
    const std::lock_guard lock(mutex_);
    state_.each_place(id, [&](const Layout& layout, std::uint32_t slot) {
      if (slot / kPageSlots < layout.pages.size()) {
        for (const PageRef& page : layout.pages[slot / kPageSlots]) {
          if (slot >= page.slots.first && slot < page.slots.end && overlaps(page.times, range))
            pages.emplace_back(page.location, slot);
        }
      }
      if (layout.owner && overlaps(layout.owner->head.bounds(), range))
        layout.owner->head.read(slot, open);
    });
  }
  std::size_t damaged = 0;
  for (const auto& [location, slot] : pages) {
    const std::shared_ptr<const Page> page = load(location, damaged);
    if (page && !page->read(slot, out)) {
      ++damaged;
      const std::size_t whole = std::min(out.times.size(), out.values.size());
      out.times.resize(whole);
      out.values.resize(whole);
    }
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

Result<std::vector<std::string>> StoreImpl::label_names(std::span<const Matcher> matchers,
                                                        TimeRange range, std::size_t limit) const {
  std::set<std::string> found;
  {
    const std::lock_guard lock(mutex_);
    state_.index.collect_names(live(matchers, range), found);
  }
  std::vector<std::string> out(found.begin(), found.end());
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

Result<std::vector<std::string>> StoreImpl::label_values(const std::string& name,
                                                         std::span<const Matcher> matchers,
                                                         TimeRange range, std::size_t limit) const {
  std::set<std::string> found;
  {
    const std::lock_guard lock(mutex_);
    state_.index.collect_values(name, live(matchers, range), found);
  }
  std::vector<std::string> out(found.begin(), found.end());
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
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
  status.head_series = state_.index.size();
  status.head_groups = state_.groups.size();
  status.series_max = options_.series_max;
  status.series_refused = refused_;
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
  status.top_metrics = most(state_.index.series_per_metric());
  status.top_labels = most(state_.index.values_per_name());
}

}  // namespace nines::storage
