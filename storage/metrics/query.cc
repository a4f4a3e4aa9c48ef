// Samples on their way out.
#include <algorithm>
#include <bit>
#include <map>
#include <shared_mutex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {
namespace {

bool stopped(const StopFlag* stop) {
  return stop && stop->stop.load(std::memory_order_relaxed);
}
bool overlaps(const ring::TimeBounds& times, TimeRange range) {
  return times.min <= to_millis(range.to) && times.max >= to_millis(range.from);
}

using CurrentVersions = std::vector<std::shared_ptr<const Version>>;

using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

// The `top` largest, most first.
Counts most(Counts all, std::size_t top) {
  const std::size_t kept = std::min(top, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(),
                    [](const auto& a, const auto& b) {
                      return std::tie(b.second, a.first) < std::tie(a.second, b.first);
                    });
  all.resize(kept);
  return all;
}

// The `top` label pairs that most series have, as name=value: written out are no more than those.
using SeriesByValue = std::map<std::string, std::uint64_t, std::less<>>;
using SeriesByLabel = std::map<std::string, SeriesByValue, std::less<>>;
Counts most_pairs(const SeriesByLabel& series, std::size_t top) {
  struct Pair {
    std::uint64_t series = 0;
    const std::string* name = nullptr;
    const std::string* value = nullptr;
  };
  std::vector<Pair> all;
  for (const auto& [name, values] : series) {
    for (const auto& [value, count] : values) {
      if (count > 0) all.push_back({count, &name, &value});
    }
  }
  const std::size_t kept = std::min(top, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(),
                    [](const Pair& a, const Pair& b) {
                      return std::tie(b.series, *a.name, *a.value) <
                             std::tie(a.series, *b.name, *b.value);
                    });
  Counts out;
  for (std::size_t i = 0; i < kept; ++i)
    out.emplace_back(*all[i].name + "=" + *all[i].value, all[i].series);
  return out;
}

// What series there are, by their labels. Without the store's mutex, and each layout looked through
// once, however many targets share it: appends wait for none of it.
void add_cardinality(const CurrentVersions& current, std::size_t top, StoreStatus& status) {
  struct Shared {
    std::uint64_t targets = 0;
    std::uint64_t series = 0;                                  // of each target
    std::map<std::string, std::uint64_t, std::less<>> differ;  // from the target's label, by name
  };
  std::unordered_map<const Layout*, Shared> layouts;
  for (const std::shared_ptr<const Version>& version : current)
    ++layouts[version->layout.get()].targets;
  SeriesByLabel series;
  for (auto& entry : layouts) {
    const Layout& layout = *entry.first;
    Shared& shared = entry.second;
    const std::shared_lock lock(layout.mutex);
    shared.series = layout.index.size();
    layout.index.each_label(
        [&](std::string_view label, std::string_view value, std::uint64_t count) {
          shared.differ[std::string(label)] += count;
          if (!value.empty())
            series[std::string(label)][std::string(value)] += count * shared.targets;
        });
  }
  for (const std::shared_ptr<const Version>& version : current) {
    const Shared& shared = layouts[version->layout.get()];
    for (const Label& label : version->labels) {
      const auto own = shared.differ.find(label.name);
      series[label.name][label.value] +=
          shared.series - (own == shared.differ.end() ? 0 : own->second);
    }
  }
  if (const auto named = series.find(kMetricName); named != series.end())
    status.top_metrics = most({named->second.begin(), named->second.end()}, top);
  Counts values, bytes;
  for (const auto& [name, of] : series) {
    std::uint64_t length = 0;
    for (const auto& [value, count] : of) length += value.size();
    values.emplace_back(name, of.size());
    bytes.emplace_back(name, length);
    status.label_pairs += of.size();
  }
  status.top_labels = most(std::move(values), top);
  status.top_label_bytes = most(std::move(bytes), top);
  status.top_pairs = most_pairs(series, top);
}

// When the samples of a class begin and end.
void add_times(ring::SegmentClass cls, const ring::TimeBounds& times, StoreStatus& status) {
  if (times.empty()) return;
  ClassStatus of;
  of.name = std::string(ring::to_string(cls));
  of.oldest = from_millis(times.min);
  of.newest = from_millis(times.max);
  status.classes.push_back(std::move(of));
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
                                             const StopFlag* stop, Sought* sought) const {
  // Versions that share a layout, and of whose labels the matchers think alike, have one answer.
  using Answers = std::map<std::pair<const Layout*, std::vector<bool>>, std::vector<std::uint32_t>>;
  Answers answers;
  auto answer = answers.end();  // most often the one before is asked for again
  std::vector<Live> out;
  std::size_t slots_found = 0;
  const auto look = [&](const std::shared_ptr<Version>& version) {
    if (sought != nullptr) {
      const ring::TimeBounds paged = version->pages[paged_class(ring::SegmentClass::kRaw)].times();
      if (!version->live && (paged.empty() || paged.max < sought->since)) return;
      sought->seen.push_back({version.get(), version->series});
    }
    std::vector<bool> verdicts = series::SeriesIndex::verdicts(matchers, version->labels);
    const Layout* layout = version->layout.get();
    if (answer == answers.end() || answer->first.first != layout ||
        answer->first.second != verdicts) {
      bool fresh = false;
      std::tie(answer, fresh) = answers.try_emplace({layout, std::move(verdicts)});
      if (fresh) answer->second = layout->index.select(matchers, answer->first.second);
    }
    if (answer->second.empty()) return;
    std::vector<std::uint32_t> slots;
    slots.reserve(answer->second.size());
    for (const std::uint32_t slot : answer->second) {
      if (version->knows(slot)) slots.push_back(slot);
    }
    if (!slots.empty() && sought == nullptr) keep_sampled(*version, range, slots);
    slots_found += slots.size();
    if (!slots.empty()) out.push_back({version, std::move(slots)});
  };
  // False: stopped.
  const auto look_all = [&](const VersionIndex::Versions& versions, const Matcher* but) {
    for (const std::shared_ptr<Version>& version : versions) {
      if (stopped(stop)) return false;
      if (sought != nullptr && slots_found > sought->most) {
        sought->too_many = true;
        return false;
      }
      if (but == nullptr || !but->matches(version->labels.get(but->name()))) look(version);
    }
    return true;
  };
  if (const auto narrowed = catalog_.narrow(matchers)) {
    for (const VersionIndex::Versions* list : narrowed->targets.lists) {
      if (!look_all(*list, nullptr)) return out;
    }
    for (const VersionIndex::Versions* list : narrowed->carriers.lists) {
      if (!look_all(*list, narrowed->by)) return out;
    }
    return out;
  }
  for (const auto& [name, group] : catalog_.groups()) {
    if (!look_all(group->versions, nullptr)) return out;
  }
  return out;
}

std::shared_ptr<const Page> StoreImpl::load(const ring::Location& location, std::size_t& damaged,
                                            PageMisses* misses) const {
  if (std::shared_ptr<const Page> page = cache_.get(location)) return page;
  if (misses != nullptr) {
    misses->missed();
    if (std::shared_ptr<const Page> page = cache_.get(location)) return page;
  }
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

void StoreImpl::find_pages(const Versions& versions, std::span<const Place> places,
                           std::int64_t from, std::int64_t to, PageShelf& shelf) const {
  constexpr std::size_t kKept = 2048;  // pages; more would hold too much memory for a neighbour
  const Version& first = *versions[places.front().version];
  const std::uint32_t block = places.front().slot / kPageSlots;
  const PageDirectory& directory = first.pages[paged_class(ring::SegmentClass::kRaw)];
  if (places.size() == 1 && shelf.version == &first && shelf.block == block && shelf.from == from &&
      shelf.to == to && shelf.changes == directory.changes()) {
    return;
  }
  shelf.version = nullptr;
  shelf.pages.clear();
  if (places.size() == 1) {
    directory.each_page_of(block * kPageSlots, (block + 1) * kPageSlots, from, to,
                           [&](const PageRef& page) {
                             shelf.pages.push_back({page, nullptr});
                           });
    if (shelf.pages.size() > kKept) return;
    shelf = {&first, block, from, to, directory.changes(), std::move(shelf.pages), shelf.misses};
    return;
  }
  for (const Place& place : places) {
    versions[place.version]->pages[paged_class(ring::SegmentClass::kRaw)].each_page_of(
        place.slot, place.slot + 1, from, to, [&](PageRef page) {
          page.present &= std::uint64_t{1} << (place.slot - page.slots.first);
          page.slots = {place.slot, place.slot + 1};
          page.present = page.present != 0 ? 1 : 0;
          shelf.pages.push_back({page, nullptr});
        });
  }
}

Result<void> StoreImpl::read_series(const Versions& versions, std::span<const Place> places,
                                    TimeRange range, const std::vector<DeletedSpan>& deleted,
                                    SampleColumns& out, PageShelf* shelf) const {
  PageShelf own;
  if (shelf == nullptr) shelf = &own;
  SampleColumns open;
  const std::int64_t from = to_millis(range.from);
  const std::int64_t to = to_millis(range.to);
  {
    const std::lock_guard lock(mutex_);
    find_pages(versions, places, from, to, *shelf);
    for (const Place& place : places) {
      const Version& version = *versions[place.version];
      if (version.live && overlaps(version.live->bounds(), range))
        version.live->read(place.slot, open);
    }
  }
  std::size_t damaged = 0;
  for (ShelvedPage& one : shelf->pages) {
    // Several places have a page each of one slot only.
    const std::uint32_t slot = places.size() == 1 ? places.front().slot : one.ref.slots.first;
    if (slot < one.ref.slots.first || slot >= one.ref.slots.end ||
        (one.ref.present >> (slot - one.ref.slots.first) & 1) == 0) {
      continue;
    }
    if (!one.page) one.page = load(one.ref.location, damaged, shelf->misses);
    const std::size_t before = out.size();
    if (one.page && !one.page->read(slot, out)) {
      ++damaged;
      cut_torn(out);
    }
    if (!deleted.empty()) erase_deleted(out, before, RingPlace::of(one.ref.location), deleted);
  }
  if (out.times.empty()) {
    std::swap(out, open);
  } else if (open.histograms.empty() && open.start_times.empty()) {
    out.times.insert(out.times.end(), open.times.begin(), open.times.end());
    out.values.insert(out.values.end(), open.values.begin(), open.values.end());
  } else {
    for (std::size_t i = 0; i < open.size(); ++i) {
      add_point(out, {open.times[i], open.values[i],
                      open.histograms.empty() ? nullptr : open.histograms[i],
                      open.start_times.empty() ? 0 : open.start_times[i]});
    }
  }
  put_in_order(out, from, to);
  if (damaged > 0)
    return Error(ErrorCode::kCorrupt,
                 std::to_string(damaged) + " damaged pages of the series were left out");
  return {};
}

void StoreImpl::latest(const Versions& versions, std::span<const Place> places, TimeRange range,
                       std::span<LatestSample> out) const {
  using State = LatestSample::State;
  const std::int64_t from = to_millis(range.from);
  const std::int64_t to = to_millis(range.to);
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < places.size(); ++i) {
    LatestSample& one = out[i];
    one.state = State::kUnknown;
    if (places[i].version == kNoVersion) continue;
    const LiveSamples* live = versions[places[i].version]->live.get();
    const std::uint32_t slot = places[i].slot;
    if (live == nullptr || slot >= live->newest.size()) continue;
    one.time_ms = live->newest[slot];
    if (one.time_ms == INT64_MIN || one.time_ms < live->vague_until) continue;
    if (one.time_ms > to) {
      // Something newer came meanwhile: mostly it is the row before.
      if (live->head.latest_open(slot, to, one.time_ms, one.value))
        one.state = one.time_ms < from ? State::kNone : State::kFloat;
      continue;
    }
    if (one.time_ms < from) {
      one.state = State::kNone;
      continue;
    }
    if (!live->newest_histogram.empty() && live->newest_histogram[slot]) continue;
    one.value = std::bit_cast<double>(live->newest_bits[slot]);
    one.state = State::kFloat;
  }
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
  CurrentVersions current;
  ring::TimeBounds in_pages, open;
  {
    const std::lock_guard lock(mutex_);
    status.head_series = catalog_.series();
    status.head_groups = catalog_.groups().size();
    status.series_max = options_.series_max;
    status.series_refused = refusals_.total();
    status.samples_appended = appended_;
    status.recovered_samples = recovered_;
    status.damaged_segments += damage_.size();
    status.damage.insert(status.damage.end(), damage_.begin(), damage_.end());
    if (top == 0) return;
    for (const auto& [name, group] : catalog_.groups()) {
      if (group->current) current.push_back(group->current);
      for (const std::shared_ptr<Version>& version : group->versions) {
        const PageDirectory& pages = version->pages[paged_class(ring::SegmentClass::kRaw)];
        status.raw_pages += pages.size();
        in_pages.include(pages.times());
        if (!version->live || !version->live->holds_rows()) continue;
        status.raw_pages += (version->series + kPageSlots - 1) / kPageSlots;
        open.include(version->live->bounds());
      }
    }
  }
  add_times(ring::SegmentClass::kRaw, in_pages, status);
  add_times(ring::SegmentClass::kJournal, open, status);
  add_cardinality(current, top, status);
}

}  // namespace nines::storage
