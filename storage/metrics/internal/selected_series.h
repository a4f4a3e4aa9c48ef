#pragma once
// What a selector means, whatever the time: its series in order, and where each has its samples.
// Found once and kept, so that rules asked every few seconds need not find and sort them anew.

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "storage/metrics/internal/group.h"

namespace nines::storage {

struct SeriesPlace {
  std::uint32_t version = 0;  // in the list of versions
  std::uint32_t slot = 0;
};

// Immutable but for label sets, which are made when first asked for: many queries never ask.
class SelectedSeries {
 public:
  using Versions = std::vector<std::shared_ptr<const Version>>;
  struct Range {
    std::uint32_t first = 0;  // of its places
    std::uint32_t end = 0;
  };
  // `slots`: of all versions one after the other, those of version i end at ends[i].
  SelectedSeries(Versions versions, std::vector<SeriesPlace> places, std::vector<Range> series,
                 std::vector<std::uint32_t> slots, std::vector<std::uint32_t> ends);

  std::size_t size() const { return series_.size(); }
  const Versions& versions() const { return versions_; }
  std::span<const SeriesPlace> places(std::size_t index) const {
    return std::span(places_).subspan(series_[index].first,
                                      series_[index].end - series_[index].first);
  }
  std::span<const std::uint32_t> slots(std::size_t version) const {
    const std::uint32_t begin = version == 0 ? 0 : ends_[version - 1];
    return std::span(slots_).subspan(begin, ends_[version] - begin);
  }
  // Thread-safe.
  const LabelSet& labels(std::size_t index) const;
  std::uint64_t bytes() const;  // about, of memory, with the label sets made so far

 private:
  const Versions versions_;
  const std::vector<SeriesPlace> places_;
  const std::vector<Range> series_;  // ascending by label sets
  const std::vector<std::uint32_t> slots_, ends_;
  mutable std::mutex mutex_;  // of making label sets
  mutable std::vector<LabelSet> labels_;
  const std::unique_ptr<std::atomic<bool>[]> made_;  // labels_[i] is there for good
  mutable std::atomic<std::uint64_t> label_bytes_ = 0;
};

// The newest selections, until series come or go that they might mean. One thread at a time.
class SelectionCache {
 public:
  // Which series were known: see Catalog.
  struct Stamp {
    std::uint64_t changes = 0;
    std::uint64_t learned = 0;
    bool operator==(const Stamp&) const = default;
  };
  // A version that was looked through, and how many series it knew.
  struct Seen {
    const Version* version = nullptr;
    std::uint32_t series = 0;
  };
  struct Entry {
    std::shared_ptr<const SelectedSeries> series;
    std::vector<Seen> seen;
    std::uint64_t narrowing = 0;  // by which those were found: see find()
    std::int64_t since = 0;       // versions that ended before this are not in it
    Stamp stamp;
  };

  explicit SelectionCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  // More than this is not kept.
  std::size_t bytes_max() const { return bytes_max_; }
  static std::string key(std::span<const Matcher> matchers);
  // Null: nothing is known that is still true at `now`, or nothing that goes back to `from`. Where
  // series were learned since, `narrowing` is asked: another number when other versions than before
  // would be looked through.
  std::shared_ptr<const SelectedSeries> find(const std::string& key, std::int64_t from, Stamp now,
                                             const std::function<std::uint64_t()>& narrowing);
  void put(const std::string& key, Entry entry);

 private:
  struct Kept {
    std::string key;
    Entry entry;
    std::uint64_t bytes = 0;  // counted last; label sets are made later
  };
  using Order = std::list<Kept>;
  static bool same_series(const Entry& entry);
  void drop(Order::iterator one);
  static std::uint64_t bytes_of(const Kept& one);
  void trim(std::uint64_t bytes);  // counts anew, and drops the oldest past this

  const std::size_t bytes_max_;
  std::size_t turns_ = 0;   // finds since the last trim()
  std::uint64_t held_ = 0;  // sum of Kept::bytes
  std::uint64_t changes_ = 0;
  Order order_;  // newest first
  std::unordered_map<std::string, Order::iterator> by_key_;
};

}  // namespace nines::storage
