#include "collector/receive/internal/delta_sums.h"

#include <algorithm>
#include <string>
#include <utility>

namespace nines::collector {
namespace {

// A sum whose buckets would spread wider is made coarser, down to the coarsest scale there is.
constexpr std::int64_t kBucketsMax = 320;
constexpr std::int32_t kScaleMin = -4, kScaleMax = 8;

std::int64_t width(const OtlpBuckets& a, const OtlpBuckets& b) {
  const auto end = [](const OtlpBuckets& o) {
    return o.offset + static_cast<std::int64_t>(o.counts.size());
  };
  if (a.counts.empty()) return static_cast<std::int64_t>(b.counts.size());
  if (b.counts.empty()) return static_cast<std::int64_t>(a.counts.size());
  return std::max(end(a), end(b)) - std::min(a.offset, b.offset);
}

void coarsen_to(OtlpPoint& point, std::int32_t scale) {
  const std::int32_t by = point.scale - scale;
  if (by <= 0) return;
  coarsen(point.positive, by);
  coarsen(point.negative, by);
  point.scale = scale;
}

// Brings two exponential histograms to one scale at which their sum is not too wide.
void align(OtlpPoint& a, OtlpPoint& b) {
  std::int32_t scale = std::min({a.scale, b.scale, kScaleMax});
  coarsen_to(a, scale);
  coarsen_to(b, scale);
  while (scale > kScaleMin && (width(a.positive, b.positive) > kBucketsMax ||
                               width(a.negative, b.negative) > kBucketsMax)) {
    --scale;
    coarsen_to(a, scale);
    coarsen_to(b, scale);
  }
}

void add_counts(std::vector<std::uint64_t>& to, const std::vector<std::uint64_t>& from) {
  for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
}

bool add_buckets(OtlpBuckets& to, const OtlpBuckets& from) {
  if (from.counts.empty()) return true;
  if (to.counts.empty()) {
    to = from;
    return true;
  }
  const std::int64_t begin = std::min(to.offset, from.offset);
  const std::int64_t end = std::max<std::int64_t>(
      to.offset + static_cast<std::int64_t>(to.counts.size()),
      from.offset + static_cast<std::int64_t>(from.counts.size()));
  if (end - begin > kBucketsMax) return false;
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(end - begin));
  for (const OtlpBuckets* part : {static_cast<const OtlpBuckets*>(&to), &from}) {
    const auto shift = static_cast<std::size_t>(part->offset - begin);
    for (std::size_t i = 0; i < part->counts.size(); ++i) counts[shift + i] += part->counts[i];
  }
  to = {static_cast<std::int32_t>(begin), std::move(counts)};
  return true;
}

// False when the two cannot be one histogram.
bool add_point(OtlpPoint& sum, OtlpPoint delta) {
  if (sum.bounds != delta.bounds || sum.counts.size() != delta.counts.size() ||
      sum.zero_threshold != delta.zero_threshold) {
    return false;
  }
  align(sum, delta);
  if (!add_buckets(sum.positive, delta.positive) || !add_buckets(sum.negative, delta.negative)) {
    return false;
  }
  add_counts(sum.counts, delta.counts);
  sum.value += delta.value;
  sum.count += delta.count;
  sum.sum += delta.sum;
  sum.has_sum = sum.has_sum && delta.has_sum;
  sum.zero_count += delta.zero_count;
  return true;
}

OtlpPoint without_names(const OtlpPoint& point) {
  OtlpPoint out = point;
  out.attributes.clear();
  out.exemplars.clear();
  return out;
}

}  // namespace

void coarsen(OtlpBuckets& buckets, std::int32_t by) {
  if (by <= 0 || buckets.counts.empty()) return;
  const std::int32_t shift = std::min(by, 31);  // at 31 every index is 0 or -1
  const std::int32_t offset = buckets.offset >> shift;
  std::vector<std::uint64_t> counts;
  for (std::size_t i = 0; i < buckets.counts.size(); ++i) {
    const std::int64_t index = (buckets.offset + static_cast<std::int64_t>(i)) >> shift;
    const auto at = static_cast<std::size_t>(index - offset);
    if (at >= counts.size()) counts.resize(at + 1);
    counts[at] += buckets.counts[i];
  }
  buckets = {offset, std::move(counts)};
}

void DeltaSums::forget_idle(Instant now) {
  std::erase_if(sums_, [&](const auto& entry) { return now - entry.second.used > idle_max_; });
}

Result<void> DeltaSums::accumulate(const LabelSet& series, OtlpPoint& point) {
  const Instant now = clock_.elapsed();
  const MutexLock lock(mutex_);
  auto known = sums_.find(series);
  if (known != sums_.end() && now - known->second.used > idle_max_) {
    sums_.erase(known);
    known = sums_.end();
  }
  if (known == sums_.end()) {
    if (sums_.size() >= series_max_) forget_idle(now);
    if (sums_.size() >= series_max_) {
      return Error(ErrorCode::kLimit, "deltas of more than " + std::to_string(series_max_) +
                                          " series would have to be added up");
    }
    sums_.emplace(series, Sum{without_names(point), now});
    return {};
  }
  Sum& sum = known->second;
  if (point.time_ns <= sum.point.time_ns) {
    return Error(ErrorCode::kOutOfOrder, "a delta is not later than the one before it");
  }
  sum.used = now;
  OtlpPoint added = sum.point;
  if (add_point(added, without_names(point))) {
    added.time_ns = point.time_ns;
    sum.point = added;
  } else {
    sum.point = without_names(point);
  }
  added = sum.point;
  added.attributes = std::move(point.attributes);
  added.exemplars = std::move(point.exemplars);
  point = std::move(added);
  return {};
}

std::size_t DeltaSums::size() const {
  const MutexLock lock(mutex_);
  return sums_.size();
}

}  // namespace nines::collector
