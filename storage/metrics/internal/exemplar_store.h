#pragma once
// The newest exemplars, in a circle of fixed size.

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/model/exemplar.h"
#include "base/model/labels.h"
#include "storage/api/querier.h"

namespace nines::storage {

enum class ExemplarFate : std::uint8_t { kKept, kDuplicate, kOutOfOrder, kTooLong };

// Thread-safe. A series' exemplars ascend by time, then value, then labels: what is behind its
// newest is refused. When the circle is full, the oldest exemplar of all makes room.
class ExemplarStore {
 public:
  explicit ExemplarStore(std::size_t most) : most_(most) {}

  // kDuplicate when there is no room at all.
  ExemplarFate add(const LabelSet& series, const Exemplar& exemplar);
  std::vector<SeriesExemplars> select(std::span<const std::vector<Matcher>> sets,
                                      TimeRange range) const;

  struct Use {
    std::size_t exemplars = 0, series = 0;
    std::int64_t oldest_ms = 0;  // time of the one that goes next; 0: none
  };
  Use use() const;
  std::size_t most() const { return most_; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Chain {
    std::uint32_t oldest = kNone;  // places in circle_
    std::uint32_t newest = kNone;
  };
  using Chains = std::unordered_map<LabelSet, Chain>;  // nodes stay where they are
  struct Kept {
    Exemplar exemplar;
    Chains::value_type* chain = nullptr;
    std::uint32_t next = kNone;  // the series' next newer one
  };
  void drop_oldest();

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::vector<Kept> circle_;  // grows to most_, then goes round
  std::size_t next_ = 0;      // the place to write to
  Chains chains_;
};

}  // namespace nines::storage
