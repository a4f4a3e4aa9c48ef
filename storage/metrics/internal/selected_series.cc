#include "storage/metrics/internal/selected_series.h"

#include <algorithm>
#include <shared_mutex>

namespace nines::storage {
namespace {

// Label sets grow after a selection was kept; that is looked at now and then.
constexpr std::size_t kTrimEvery = 64;

std::uint64_t memory_of(const LabelSet& labels) {
  constexpr std::uint64_t kShared = 64, kInPlace = 15;
  std::uint64_t bytes = kShared;
  for (const Label& label : labels) {
    bytes += sizeof(Label);
    if (label.name.size() > kInPlace) bytes += label.name.size() + 16;
    if (label.value.size() > kInPlace) bytes += label.value.size() + 16;
  }
  return bytes;
}

}  // namespace

SelectedSeries::SelectedSeries(Versions versions, std::vector<SeriesPlace> places,
                               std::vector<Range> series, std::vector<std::uint32_t> slots,
                               std::vector<std::uint32_t> ends)
    : versions_(std::move(versions)),
      places_(std::move(places)),
      series_(std::move(series)),
      slots_(std::move(slots)),
      ends_(std::move(ends)),
      labels_(series_.size()),
      made_(std::make_unique<std::atomic<bool>[]>(series_.size())) {}

const LabelSet& SelectedSeries::labels(std::size_t index) const {
  if (made_[index].load(std::memory_order_acquire)) return labels_[index];
  const SeriesPlace& place = places_[series_[index].first];
  const Version& version = *versions_[place.version];
  LabelSet made;
  {
    const std::shared_lock lock(version.layout->mutex);
    made = version.labels_of(place.slot);
  }
  const std::lock_guard lock(mutex_);
  if (!made_[index].load(std::memory_order_relaxed)) {
    label_bytes_.fetch_add(memory_of(made), std::memory_order_relaxed);
    labels_[index] = std::move(made);
    made_[index].store(true, std::memory_order_release);
  }
  return labels_[index];
}

std::uint64_t SelectedSeries::bytes() const {
  return sizeof(*this) + versions_.size() * sizeof(Versions::value_type) +
         places_.size() * sizeof(SeriesPlace) +
         series_.size() * (sizeof(Range) + sizeof(LabelSet) + sizeof(bool)) +
         (slots_.size() + ends_.size()) * sizeof(std::uint32_t) +
         label_bytes_.load(std::memory_order_relaxed);
}

// Lengths keep apart what texts of any bytes would not.
std::string SelectionCache::key(std::span<const Matcher> matchers) {
  std::string out;
  for (const Matcher& matcher : matchers) {
    out += static_cast<char>('0' + static_cast<int>(matcher.op()));
    for (const std::string* text : {&matcher.name(), &matcher.value()}) {
      const std::size_t size = text->size();
      out.append(reinterpret_cast<const char*>(&size), sizeof(size));
      out += *text;
    }
  }
  return out;
}

bool SelectionCache::same_series(const Entry& entry) {
  return std::all_of(entry.seen.begin(), entry.seen.end(),
                     [](const Seen& seen) { return seen.version->series == seen.series; });
}

std::shared_ptr<const SelectedSeries> SelectionCache::find(
    const std::string& key, std::int64_t from, Stamp now,
    const std::function<std::uint64_t()>& narrowing) {
  if (now.changes != changes_) {  // what was seen may be gone
    by_key_.clear();
    order_.clear();
    held_ = 0;
    changes_ = now.changes;
  }
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  Entry& entry = found->second->entry;
  if (entry.since > from) return nullptr;
  if (entry.stamp != now) {
    if (!same_series(entry) || narrowing() != entry.narrowing) {
      drop(found->second);
      return nullptr;
    }
    entry.stamp = now;
  }
  order_.splice(order_.begin(), order_, found->second);
  if (++turns_ >= std::max(kTrimEvery, order_.size())) trim(bytes_max_);
  return entry.series;
}

void SelectionCache::put(const std::string& key, Entry entry) {
  if (entry.stamp.changes != changes_) return;
  if (const auto old = by_key_.find(key); old != by_key_.end()) drop(old->second);
  order_.push_front({key, std::move(entry)});
  by_key_[key] = order_.begin();
  order_.front().bytes = bytes_of(order_.front());
  held_ += order_.front().bytes;
  // More than has to go, lest the next one that comes looks through all of them again.
  if (held_ > bytes_max_) trim(bytes_max_ - bytes_max_ / 8);
}

void SelectionCache::drop(Order::iterator one) {
  held_ -= one->bytes;
  by_key_.erase(one->key);
  order_.erase(one);
}

std::uint64_t SelectionCache::bytes_of(const Kept& one) {
  return one.entry.series->bytes() + one.entry.seen.size() * sizeof(Seen) + 2 * one.key.size();
}

void SelectionCache::trim(std::uint64_t bytes) {
  turns_ = 0;
  held_ = 0;
  for (auto it = order_.begin(); it != order_.end();) {
    const auto next = std::next(it);
    it->bytes = bytes_of(*it);
    held_ += it->bytes;
    if (held_ > bytes) drop(it);
    it = next;
  }
}

}  // namespace nines::storage
