// Which series a selector means: found under the store's lock, sorted and read outside of it.
#include <algorithm>
#include <cstring>
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

struct Selected {
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
        labels_(series_.size()),
        deletions_(std::move(deletions)),
        stop_(stop) {}
  std::size_t size() const override { return series_.size(); }
  // Made when first asked for: many queries never ask.
  const LabelSet& labels(std::size_t index) const override {
    LabelSet& made = labels_[index];
    if (made.empty()) {
      const StoreImpl::Place& place = places_[series_[index].first];
      const Version& version = *versions_[place.version];
      const std::shared_lock lock(version.layout->mutex);
      made = version.labels_of(place.slot);
    }
    return made;
  }
  LabelSet keep(std::size_t index, std::span<const std::string> names) const override {
    if (names.empty()) return {};
    const StoreImpl::Place& place = places_[series_[index].first];
    const Version& version = *versions_[place.version];
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
    return series_.size() * (sizeof(Selected) + sizeof(LabelSet)) +
           places_.size() * sizeof(StoreImpl::Place) +
           versions_.size() * sizeof(StoreImpl::Versions::value_type);
  }
  Result<void> read(std::size_t index, TimeRange range, SampleColumns& out) const override {
    return read(index, range, out, nullptr);
  }
  Result<void> read(std::size_t index, TimeRange range, SampleColumns& out,
                    StoreImpl::PageShelf* shelf) const {
    out.clear();
    if (stopped(stop_)) return was_stopped();
    return store_.read_series(versions_, places_of(index), range, deleted(index), out, shelf);
  }
  std::unique_ptr<SeriesReader> reader() const override;
  bool is_stopped() const { return stopped(stop_); }
  // The version that has all of a series, of which nothing is deleted; null: it is not so simple.
  const Version* alone(std::size_t index) const {
    const Selected& series = series_[index];
    if (series.end - series.first != 1 || !deletions_->empty()) return nullptr;
    return versions_[places_[series.first].version].get();
  }
  std::span<const StoreImpl::Place> places_of(std::size_t index) const {
    const Selected& series = series_[index];
    return std::span(places_).subspan(series.first, series.end - series.first);
  }
  Result<void> read_tier(std::size_t index, Tier tier, TimeRange range,
                         std::vector<TierWindow>& out) const override {
    out.clear();
    if (stopped(stop_)) return was_stopped();
    return store_.read_windows(versions_, places_of(index), tier, range, deleted(index), out);
  }

 private:
  std::vector<DeletedSpan> deleted(std::size_t index) const {
    if (deletions_->empty()) return {};
    return deletions_->spans(labels(index));
  }

  const StoreImpl& store_;
  const StoreImpl::Versions versions_;
  const std::vector<StoreImpl::Place> places_;
  const std::vector<Selected> series_;
  mutable std::vector<LabelSet> labels_;  // empty: not made yet
  const std::shared_ptr<const Tombstones> deletions_;
  const StopFlag* stop_;
};

class Reader final : public ReadingOn {
 public:
  Reader(const StoreImpl& store, const Selection& selection) : selection_(selection), run_(store) {}
  Result<void> read(std::size_t index, TimeRange range, SampleColumns& out) override {
    run_.forget_times();
    return selection_.read(index, range, out, &shelf_);
  }
  Result<bool> read_on(std::size_t index, TimeRange range, SampleColumns& out) override {
    if (const Version* const version = selection_.alone(index)) {
      if (selection_.is_stopped()) return was_stopped();
      const std::int64_t from = to_millis(range.from), to = to_millis(range.to);
      const std::uint32_t slot = selection_.places_of(index).front().slot;
      if (!run_.holds(*version, slot, from, to))
        run_.begin(*version, slots_from(index, *version), from, to);
      if (const std::optional<bool> same = run_.read(slot, out)) return *same;
    }
    if (Result<void> ok = read(index, range, out); !ok) return std::move(ok).error();
    return false;
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

  const Selection& selection_;
  StoreImpl::PageShelf shelf_;
  SeriesRun run_;
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

}  // namespace

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
  if (!all.sort(stop)) return was_stopped();
  std::vector<Place> places;
  std::vector<Selected> series;
  places.reserve(all.size());
  series.reserve(all.size());
  const KeyedSeries::Key* before = nullptr;
  for (const KeyedSeries::Key& key : all.keys()) {
    if (places.size() % kLookEvery == 0 && stopped(stop)) return was_stopped();
    places.push_back(key.place);
    const auto end = static_cast<std::uint32_t>(places.size());
    if (before != nullptr && all.same(*before, key))
      series.back().end = end;
    else
      series.push_back({end - 1, end});
    before = &key;
  }
  if (series.size() > series_max) return too_many();
  if (!deletions->empty()) {
    // A series of which nothing is left is none.
    std::erase_if(series, [&](const Selected& one) {
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
  return std::unique_ptr<SeriesSelection>(
      std::make_unique<Selection>(*this, std::move(versions), std::move(places), std::move(series),
                                  std::move(deletions), stop));
}

}  // namespace nines::storage
