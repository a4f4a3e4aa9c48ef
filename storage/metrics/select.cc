// Which series a selector means: found under the store's lock, sorted and read outside of it.
#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>

#include "storage/api/reading_on.h"
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

using Range = SelectedSeries::Range;

// Of a selection, the series that have samples in the range asked for.
struct Part {
  std::vector<StoreImpl::Place> places;
  std::vector<Range> series;
  std::vector<std::uint32_t> origin;  // of each: its number among all
};

class Selection final : public SeriesSelection {
 public:
  Selection(const StoreImpl& store, std::shared_ptr<const SelectedSeries> all,
            std::optional<Part> part, std::shared_ptr<const Tombstones> deletions,
            const StopFlag* stop)
      : store_(store),
        all_(std::move(all)),
        part_(std::move(part)),
        deletions_(std::move(deletions)),
        stop_(stop) {}
  std::size_t size() const override { return part_ ? part_->series.size() : all_->size(); }
  const LabelSet& labels(std::size_t index) const override {
    return all_->labels(part_ ? part_->origin[index] : index);
  }
  LabelSet keep(std::size_t index, std::span<const std::string> names) const override {
    if (names.empty()) return {};
    const StoreImpl::Place& place = places_of(index).front();
    const Version& version = *all_->versions()[place.version];
    std::vector<Label> kept;
    kept.reserve(names.size());
    const std::shared_lock lock(version.layout->mutex);
    for (const std::string& name : names) {
      const std::string_view value = version.layout->index.value(place.slot, version.labels, name);
      if (!value.empty()) kept.push_back({name, std::string(value)});
    }
    return LabelSet::from(std::move(kept));
  }
  std::uint64_t bytes_held() const override {
    return size() * (sizeof(Range) + sizeof(LabelSet) + sizeof(StoreImpl::Place)) +
           all_->versions().size() * sizeof(StoreImpl::Versions::value_type);
  }
  Result<void> read(std::size_t index, TimeRange range, SampleColumns& out) const override {
    return read(index, range, out, nullptr);
  }
  Result<void> read(std::size_t index, TimeRange range, SampleColumns& out,
                    StoreImpl::PageShelf* shelf) const {
    out.clear();
    if (stopped(stop_)) return was_stopped();
    return store_.read_series(all_->versions(), places_of(index), range, deleted(index), out,
                              shelf);
  }
  std::unique_ptr<SeriesReader> reader() const override;
  bool is_stopped() const { return stopped(stop_); }
  // The version that has all of a series, of which nothing is deleted; null: it is not so simple.
  const Version* alone(std::size_t index) const {
    const std::span<const StoreImpl::Place> its = places_of(index);
    if (its.size() != 1 || !deletions_->empty()) return nullptr;
    return all_->versions()[its.front().version].get();
  }
  std::span<const StoreImpl::Place> places_of(std::size_t index) const {
    if (!part_) return all_->places(index);
    const Range& series = part_->series[index];
    return std::span(part_->places).subspan(series.first, series.end - series.first);
  }
  Result<void> read_tier(std::size_t index, Tier tier, TimeRange range,
                         std::vector<TierWindow>& out) const override {
    out.clear();
    if (stopped(stop_)) return was_stopped();
    return store_.read_windows(all_->versions(), places_of(index), tier, range, deleted(index),
                               out);
  }
  // A page of this series is not in memory: those of the next ones are hardly either. Whoever
  // misses one helps to bring them.
  void read_ahead(std::size_t index, TimeRange range) const {
    const std::uint64_t bytes_max = store_.ahead_bytes_max();
    if (bytes_max == 0) return;
    std::shared_ptr<ReadAhead> pages;
    {
      const std::lock_guard lock(ahead_mutex_);
      if (index >= ahead_until_) {
        StoreImpl::Ahead ahead;
        ahead.from = to_millis(range.from), ahead.to = to_millis(range.to);
        // Not from `index` on: another thread may be about to read what is before it.
        for (; ahead_until_ < size() && (ahead_until_ <= index || ahead.bytes < bytes_max);
             ++ahead_until_) {
          for (const StoreImpl::Place& place : places_of(ahead_until_))
            store_.expect(*all_->versions()[place.version], place.slot, ahead);
        }
        ahead_ = store_.bring(std::move(ahead));
      }
      pages = ahead_;
    }
    if (pages != nullptr) store_.help(*pages, stop_);
  }
  // `places` is room for it.
  void latest(std::size_t first, TimeRange range, std::span<LatestSample> out,
              std::vector<StoreImpl::Place>& places) const {
    places.assign(out.size(), {StoreImpl::kNoVersion, 0});
    for (std::size_t i = 0; i < out.size() && deletions_->empty(); ++i) {
      const std::span<const StoreImpl::Place> its = places_of(first + i);
      if (its.size() == 1) places[i] = its.front();
    }
    store_.latest(all_->versions(), places, range, out);
  }

 private:
  std::vector<DeletedSpan> deleted(std::size_t index) const {
    if (deletions_->empty()) return {};
    return deletions_->spans(labels(index));
  }

  const StoreImpl& store_;
  const std::shared_ptr<const SelectedSeries> all_;
  const std::optional<Part> part_;  // none: all of them
  const std::shared_ptr<const Tombstones> deletions_;
  const StopFlag* stop_;
  mutable std::mutex ahead_mutex_;
  mutable std::size_t ahead_until_ = 0;       // series whose pages were brought
  mutable std::shared_ptr<ReadAhead> ahead_;  // the last of them
};

class Reader final : public ReadingOn, private PageMisses {
 public:
  Reader(const StoreImpl& store, const Selection& selection)
      : selection_(selection), run_(store, *this) {
    shelf_.misses = this;
  }
  Result<void> read(std::size_t index, TimeRange range, SampleColumns& out) override {
    run_.forget_times();
    reading_ = index, range_ = range;
    return selection_.read(index, range, out, &shelf_);
  }
  Result<bool> read_on(std::size_t index, TimeRange range, SampleColumns& out) override {
    if (const Version* const version = selection_.alone(index)) {
      if (selection_.is_stopped()) return was_stopped();
      const std::int64_t from = to_millis(range.from), to = to_millis(range.to);
      const std::uint32_t slot = selection_.places_of(index).front().slot;
      reading_ = index, range_ = range;
      if (!run_.holds(*version, slot, from, to))
        run_.begin(*version, slots_from(index, *version), from, to);
      if (const std::optional<bool> same = run_.read(slot, out)) return *same;
    }
    if (Result<void> ok = read(index, range, out); !ok) return std::move(ok).error();
    return false;
  }
  void latest(std::size_t first, TimeRange range, std::span<LatestSample> out) override {
    selection_.latest(first, range, out, places_);
  }

 private:
  // More would be read ahead for nobody, or be too far apart.
  static constexpr std::size_t kSlotsMost = 64;
  static constexpr std::uint32_t kApartMost = 4 * kPageSlots;

  // Of the series at `index` and of those behind it, as long as they are near.
  std::vector<std::uint32_t> slots_from(std::size_t index, const Version& version) const {
    std::vector<std::uint32_t> slots;
    std::uint32_t least = UINT32_MAX, most = 0;
    for (; index < selection_.size() && slots.size() < kSlotsMost; ++index) {
      if (selection_.alone(index) != &version) break;
      const std::uint32_t slot = selection_.places_of(index).front().slot;
      least = std::min(least, slot);
      most = std::max(most, slot);
      if (most - least >= kApartMost) break;
      slots.push_back(slot);
    }
    std::sort(slots.begin(), slots.end());
    return slots;
  }

  void missed() override { selection_.read_ahead(reading_, range_); }

  const Selection& selection_;
  std::size_t reading_ = 0;  // which series, and of what time
  TimeRange range_;
  StoreImpl::PageShelf shelf_;
  SeriesRun run_;
  std::vector<StoreImpl::Place> places_;
};
std::unique_ptr<SeriesReader> Selection::reader() const {
  return std::make_unique<Reader>(store_, *this);
}

// Series by the bytes of their labels (SeriesIndex::append_key), which lie in one piece.
class KeyedSeries {
 public:
  struct Key {
    std::uint64_t head = 0;  // the first bytes that may differ, as a number
    std::size_t begin = 0;
    std::uint32_t length = 0;
    StoreImpl::Place place;
  };

  void add(const Version& version, StoreImpl::Place place) {
    const std::size_t begin = bytes_.size();
    version.layout->index.append_key(place.slot, version.labels, bytes_);
    keys_.push_back({0, begin, static_cast<std::uint32_t>(bytes_.size() - begin), place});
  }
  std::size_t size() const { return keys_.size(); }
  const std::vector<Key>& keys() const { return keys_; }

  bool sort(const StopFlag* stop) {
    find_heads();
    return stoppable_sort(
        keys_,
        [this](const Key& a, const Key& b) {
          return a.head != b.head ? a.head < b.head : text(a) < text(b);
        },
        [stop] { return stopped(stop); });
  }
  bool same(const Key& a, const Key& b) const { return a.head == b.head && text(a) == text(b); }

 private:
  std::string_view text(const Key& key) const {
    return std::string_view(bytes_).substr(key.begin, key.length);
  }
  // Most keys begin alike, with the metric's name or a label before it.
  void find_heads() {
    if (keys_.empty()) return;
    const std::string_view first = text(keys_.front());
    std::size_t shared = first.size();
    for (const Key& key : keys_) {
      const std::string_view other = text(key).substr(0, shared);
      shared = static_cast<std::size_t>(
          std::mismatch(other.begin(), other.end(), first.begin()).first - other.begin());
    }
    for (Key& key : keys_) {
      const std::string_view rest = text(key).substr(shared, sizeof(key.head));
      for (std::size_t i = 0; i < sizeof(key.head); ++i) {
        key.head = key.head << 8 | (i < rest.size() ? static_cast<unsigned char>(rest[i]) : 0U);
      }
    }
  }

  std::string bytes_;
  std::vector<Key> keys_;
};

// What is known of the series of a selection while it is made.
struct Sorted {
  std::vector<StoreImpl::Place> places;
  std::vector<Range> series;
};

}  // namespace

// Do all `slots` have samples in the range? False: it takes a closer look.
bool StoreImpl::surely_sampled(const Version& version, TimeRange range,
                               std::span<const std::uint32_t> slots) {
  if (!version.live) return false;
  const std::vector<std::int64_t>& newest = version.live->newest;
  const std::int64_t from = to_millis(range.from), to = to_millis(range.to);
  std::int64_t open_from = INT64_MAX;  // open samples from here on are in the range, or after it
  const ring::TimeBounds open = version.live->bounds();
  if (!open.empty() && open.min <= to && open.max >= from) open_from = std::max(open.min, from);
  return std::all_of(slots.begin(), slots.end(), [&](std::uint32_t slot) {
    return slot < newest.size() && newest[slot] >= from &&
           (newest[slot] <= to || newest[slot] >= open_from);
  });
}

// Of what was found, the series that have samples in the range.
std::unique_ptr<SeriesSelection> StoreImpl::sampled(std::shared_ptr<const SelectedSeries> all,
                                                    TimeRange range, const StopFlag* stop) const {
  const Versions& versions = all->versions();
  // Of versions not all of whose slots have samples: those that do.
  std::map<std::uint32_t, std::vector<std::uint32_t>> some;
  std::shared_ptr<const Tombstones> deletions;
  {
    const std::lock_guard lock(mutex_);
    deletions = deletions_;
    for (std::uint32_t v = 0; v < versions.size(); ++v) {
      const std::span<const std::uint32_t> slots = all->slots(v);
      if (surely_sampled(*versions[v], range, slots)) continue;
      std::vector<std::uint32_t> kept(slots.begin(), slots.end());
      keep_sampled(*versions[v], range, kept);
      if (kept.size() < slots.size()) some.emplace_hint(some.end(), v, std::move(kept));
    }
  }
  std::optional<Part> part;
  if (!some.empty()) {
    part.emplace();
    std::vector<const std::vector<std::uint32_t>*> kept(versions.size());
    for (const auto& [version, slots] : some) kept[version] = &slots;
    const auto has = [&](const Place& place) {
      const std::vector<std::uint32_t>* slots = kept[place.version];
      return slots == nullptr || std::binary_search(slots->begin(), slots->end(), place.slot);
    };
    for (std::size_t i = 0; i < all->size(); ++i) {
      const auto first = static_cast<std::uint32_t>(part->places.size());
      for (const Place& place : all->places(i)) {
        if (has(place)) part->places.push_back(place);
      }
      const auto end = static_cast<std::uint32_t>(part->places.size());
      if (end == first) continue;
      part->series.push_back({first, end});
      part->origin.push_back(static_cast<std::uint32_t>(i));
    }
  }
  return std::make_unique<Selection>(*this, std::move(all), std::move(part), std::move(deletions),
                                     stop);
}

namespace {

// The series in order of their labels; false: stopped.
bool put_in_order(KeyedSeries& all, const StopFlag* stop, Sorted& out) {
  if (!all.sort(stop)) return false;
  out.places.reserve(all.size());
  out.series.reserve(all.size());
  const KeyedSeries::Key* before = nullptr;
  for (const KeyedSeries::Key& key : all.keys()) {
    if (out.places.size() % kLookEvery == 0 && stopped(stop)) return false;
    out.places.push_back(key.place);
    const auto end = static_cast<std::uint32_t>(out.places.size());
    if (before != nullptr && all.same(*before, key))
      out.series.back().end = end;
    else
      out.series.push_back({end - 1, end});
    before = &key;
  }
  return true;
}

}  // namespace

// What the matchers mean, whatever the time, kept for the next time it is asked. Null: what is
// asked goes too far back, or is too much, to be kept.
std::shared_ptr<const SelectedSeries> StoreImpl::kept_selection(std::span<const Matcher> matchers,
                                                                TimeRange range,
                                                                const StopFlag* stop) const {
  // Whoever looks back farther sees targets that have long gone; others are not to look through
  // them.
  constexpr std::int64_t kLateMs = 2 * 3'600'000, kSinceMs = 3 * 3'600'000;
  constexpr std::size_t kBytesPerSeries = 64;
  if (selections_.bytes_max() == 0) return nullptr;
  const std::string key = SelectionCache::key(matchers);
  const std::int64_t from = to_millis(range.from);
  Sought sought;
  std::vector<Live> found;
  SelectionCache::Entry entry;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t now = to_millis(parts_.clock.now());
    const bool dropped = dropped_until_ && from <= *dropped_until_;
    if (from < now - kLateMs || dropped || !deletions_->empty()) return nullptr;
    entry.stamp = {catalog_.changes(), catalog_.learned()};
    // Layouts become carriers of a label as their targets learn series.
    const auto narrowing = [&]() -> std::uint64_t {
      const auto narrowed = catalog_.narrow(matchers);
      if (!narrowed) return 0;
      const auto by = static_cast<std::uint64_t>(narrowed->by - matchers.data());
      return (by + 1) << 48 | narrowed->versions();
    };
    if (auto known = selections_.find(key, from, entry.stamp, narrowing)) return known;
    entry.narrowing = narrowing();
    entry.since = sought.since = now - kSinceMs;
    sought.most = selections_.bytes_max() / (4 * kBytesPerSeries);
    found = live(matchers, range, stop, &sought);
  }
  if (sought.too_many || stopped(stop)) return nullptr;
  Versions versions;
  KeyedSeries all;
  std::vector<std::uint32_t> slots, ends;
  for (const Live& one : found) {
    const auto number = static_cast<std::uint32_t>(versions.size());
    versions.push_back(one.version);
    slots.insert(slots.end(), one.slots.begin(), one.slots.end());
    ends.push_back(static_cast<std::uint32_t>(slots.size()));
    const std::shared_lock lock(one.version->layout->mutex);
    for (const std::uint32_t slot : one.slots) {
      if (all.size() % kLookEvery == 0 && stopped(stop)) return nullptr;
      all.add(*one.version, Place{number, slot});
    }
  }
  Sorted sorted;
  if (!put_in_order(all, stop, sorted)) return nullptr;
  entry.seen = std::move(sought.seen);
  entry.series = std::make_shared<const SelectedSeries>(
      std::move(versions), std::move(sorted.places), std::move(sorted.series), std::move(slots),
      std::move(ends));
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const SelectedSeries> series = entry.series;
  selections_.put(key, std::move(entry));
  return series;
}

Result<std::unique_ptr<SeriesSelection>> StoreImpl::select(std::span<const Matcher> matchers,
                                                           TimeRange range, std::size_t series_max,
                                                           const StopFlag* stop) const {
  if (std::all_of(matchers.begin(), matchers.end(),
                  [](const Matcher& m) { return m.matches_empty(); })) {
    return Error(ErrorCode::kInvalid,
                 "a selector needs at least one matcher that does not match the empty string");
  }
  const auto too_many = [&] {
    return Error(ErrorCode::kLimit,
                 "the query selects more than " + std::to_string(series_max) + " series");
  };
  if (auto kept = kept_selection(matchers, range, stop)) {
    std::unique_ptr<SeriesSelection> some = sampled(std::move(kept), range, stop);
    if (stopped(stop)) return was_stopped();
    if (some->size() > series_max) return too_many();
    return some;
  }
  std::vector<Live> found;
  std::shared_ptr<const Tombstones> deletions;
  {
    const std::lock_guard lock(mutex_);
    found = live(matchers, range, stop);
    deletions = deletions_;
  }
  Versions versions;
  KeyedSeries all;
  const std::size_t most = std::min(series_max, SIZE_MAX / 4) * 2 + 1024;
  for (const Live& one : found) {
    // Whoever is in more than one version is counted more than once here: there are few of them.
    if (all.size() + one.slots.size() > most) return too_many();
    const auto number = static_cast<std::uint32_t>(versions.size());
    versions.push_back(one.version);
    const std::shared_lock lock(one.version->layout->mutex);
    for (const std::uint32_t slot : one.slots) {
      if (all.size() % kLookEvery == 0 && stopped(stop)) return was_stopped();
      all.add(*one.version, Place{number, slot});
    }
  }
  Sorted sorted;
  if (!put_in_order(all, stop, sorted)) return was_stopped();
  std::vector<Place>& places = sorted.places;
  std::vector<Range>& series = sorted.series;
  if (series.size() > series_max) return too_many();
  if (!deletions->empty()) {
    // A series of which nothing is left is none.
    std::erase_if(series, [&](const Range& one) {
      if (stopped(stop)) return false;
      const Place& place = places[one.first];
      const Version& version = *versions[place.version];
      std::vector<DeletedSpan> deleted;
      {
        const std::shared_lock lock(version.layout->mutex);
        deleted = deletions->spans(version.labels_of(place.slot));
      }
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
  auto selected = std::make_shared<const SelectedSeries>(
      std::move(versions), std::move(places), std::move(series), std::vector<std::uint32_t>(),
      std::vector<std::uint32_t>());
  return std::unique_ptr<SeriesSelection>(std::make_unique<Selection>(
      *this, std::move(selected), std::nullopt, std::move(deletions), stop));
}

}  // namespace nines::storage
