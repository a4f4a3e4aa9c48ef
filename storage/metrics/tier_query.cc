// Windows of tiers on their way out.
#include <algorithm>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {

using ring::SegmentClass;

Retention StoreImpl::retention() const {
  Retention kept;
  {
    const std::lock_guard lock(mutex_);
    std::optional<std::int64_t> until = dropped_until_;
    const std::lock_guard left(left_mutex_);
    for (const ring::SegmentInfo& segment : left_) {
      if (segment.cls == SegmentClass::kRaw && !segment.times.empty())
        until = std::max(until.value_or(INT64_MIN), segment.times.max);
    }
    if (!until) return kept;
    kept.dropped_until = from_millis(*until);
  }
  std::optional<Timestamp> oldest;  // what five minutes know, hours are made of
  for (const Tier tier : {Tier::k5m, Tier::k1h}) {
    ring::TimeBounds times;
    const SegmentClass cls = tier == Tier::k5m ? SegmentClass::kT5m : SegmentClass::kT1h;
    for (const ring::SegmentInfo& segment : parts_.ring.segments(cls)) times.include(segment.times);
    if (!times.empty())
      oldest = oldest ? std::min(*oldest, from_millis(times.min)) : from_millis(times.min);
    kept.tier_from[static_cast<std::size_t>(tier)] = oldest;
  }
  return kept;
}

std::shared_ptr<const TierPage> StoreImpl::load_tier(const ring::Location& location,
                                                     std::size_t& damaged) const {
  if (std::shared_ptr<const TierPage> page = tier_cache_.get(location)) return page;
  const Result<ring::OwnedFrame> frame = parts_.ring.read(location);
  if (!frame) {
    // Evicted meanwhile: it is gone.
    damaged += frame.error().code() == ErrorCode::kNotFound ? 0 : 1;
    return nullptr;
  }
  Result<std::shared_ptr<const TierPage>> opened = TierPage::open(chunk::as_text(frame->payload));
  if (!opened) {
    ++damaged;
    return nullptr;
  }
  tier_cache_.put(location, *opened);
  return *std::move(opened);
}

// What hours were not made of yet is five minutes, what these were not made of yet is samples.
// A segment that leaves between the list and the read was made a coarser tier of first: then the
// list is made again. False: it left.
bool StoreImpl::read_place_windows(const Versions& versions, const Place& place, Tier tier,
                                   const WindowSpan& span, const std::vector<DeletedSpan>& deleted,
                                   std::vector<TierWindow>& out, std::size_t& damaged) const {
  const std::int64_t from = span.from;
  const std::int64_t to = span.to;
  const Version& version = *versions[place.version];
  std::vector<ring::Location> hours, minutes;
  std::int64_t sampled_from = from;
  std::int64_t in_hours = INT64_MIN;  // until here five minutes are there already
  std::uint64_t left = 0;
  {
    const std::lock_guard lock(mutex_);
    left = segments_left_;
    const auto take = [&](SegmentClass cls, std::vector<ring::Location>& pages) {
      version.pages[paged_class(cls)].each_page(
          place.slot, from, to, [&](const ring::Location& at) { pages.push_back(at); });
    };
    take(SegmentClass::kT5m, minutes);
    if (tier == Tier::k1h) {
      take(SegmentClass::kT1h, hours);
      in_hours = version.tier_until[static_cast<std::size_t>(Tier::k1h)];
    }
    const std::int64_t paged = version.tier_until[static_cast<std::size_t>(Tier::k5m)];
    if (paged != INT64_MIN) sampled_from = std::max(from, paged + 1);
  }
  const auto add = [&](Tier of, const std::vector<ring::Location>& pages, std::int64_t last) {
    for (const ring::Location& at : pages) {
      const std::shared_ptr<const TierPage> page = load_tier(at, damaged);
      if (!page || page->head().page.times.max <= last) continue;
      last = page->head().page.times.max;
      const std::size_t before = out.size();
      if (!page->read(place.slot, out)) ++damaged;
      if (!deleted.empty()) erase_deleted(out, before, of, RingPlace::of(at), deleted);
    }
  };
  add(Tier::k1h, hours, INT64_MIN);
  add(Tier::k5m, minutes, in_hours);
  if (sampled_from <= to) {
    SampleColumns samples;
    const Result<void> read = read_series(
        versions, {&place, 1}, {from_millis(sampled_from), from_millis(to)}, deleted, samples);
    if (!read) ++damaged;
    std::vector<TierWindow> fresh;
    fold_samples(samples, span.step, fresh);
    out.insert(out.end(), fresh.begin(), fresh.end());
  }
  const std::lock_guard lock(mutex_);
  return segments_left_ == left;
}

Result<void> StoreImpl::read_windows(const Versions& versions, std::span<const Place> places,
                                     Tier tier, TimeRange range,
                                     const std::vector<DeletedSpan>& deleted,
                                     std::vector<TierWindow>& out) const {
  constexpr int kTries = 5;
  const std::int64_t step = tier_step(tier);
  const std::int64_t to = to_millis(range.to);
  const WindowSpan span{step, to_millis(range.from) - step + 1, to};
  std::size_t damaged = 0;
  for (const Place& place : places) {
    const std::size_t before = out.size();
    const std::size_t damaged_before = damaged;
    for (int n = 1; !read_place_windows(versions, place, tier, span, deleted, out, damaged); ++n) {
      if (n == kTries) break;
      out.resize(before);
      damaged = damaged_before;
    }
  }
  fold_windows(step, out);
  std::erase_if(out,
                [&](const TierWindow& w) { return w.end < to_millis(range.from) || w.end > to; });
  if (damaged > 0) {
    return Error(ErrorCode::kCorrupt,
                 std::to_string(damaged) + " damaged pages of the series were left out");
  }
  return {};
}

}  // namespace nines::storage
