#pragma once
// Deltas added up, series by series, in bounded memory.

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "base/core/clock.h"
#include "base/core/mutex.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "collector/receive/internal/otlp_message.h"

namespace nines::collector {

// Thread-safe.
class DeltaSums {
 public:
  // idle_max: a sum that got nothing for so long may be forgotten when room is wanted.
  DeltaSums(const Clock& clock, std::size_t series_max, Duration idle_max)
      : clock_(clock), series_max_(series_max), idle_max_(idle_max) {}

  // Makes a cumulative point of a delta one: value, counts and sums since the first delta of
  // `series`, and the start time of that one. A histogram whose bounds change starts anew; an
  // exponential one is made coarser where its buckets would spread too wide. kOutOfOrder: not later than what was added already.
  // kLimit: series_max series are added up already.
  Result<void> accumulate(const LabelSet& series, OtlpPoint& point);
  std::size_t size() const;

 private:
  struct Sum {
    OtlpPoint point;  // without attributes and exemplars
    Instant used{};
  };
  void forget_idle(Instant now) NINES_REQUIRES(mutex_);

  const Clock& clock_;
  const std::size_t series_max_;
  const Duration idle_max_;
  mutable Mutex mutex_;
  std::unordered_map<LabelSet, Sum> sums_ NINES_GUARDED_BY(mutex_);
};

// Halves the resolution of buckets `by` times.
void coarsen(OtlpBuckets& buckets, std::int32_t by);

}  // namespace nines::collector
