// What was taken back: remembered beside the ring, applied when pages are read.
#include <algorithm>

#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {
namespace {

using ring::SegmentClass;

constexpr const char* kDeletionsKey = "metrics/deletions";
constexpr SegmentClass kPaged[] = {SegmentClass::kRaw, SegmentClass::kT5m, SegmentClass::kT1h};
constexpr std::size_t kNamesSeriesMax = 10'000'000;

}  // namespace

void StoreImpl::load_deletions() {
  const auto saved = parts_.key_values.get_value(kDeletionsKey);
  if (!saved || !*saved) return;
  Result<Tombstones> read = Tombstones::decode(**saved);
  if (!read) {
    damage_.push_back(read.error().what() + "; what was deleted shows again");
    parts_.log.error("storage", "{}", damage_.back());
    return;
  }
  deletions_ = std::make_shared<const Tombstones>(*std::move(read));
}

Result<void> StoreImpl::save_deletions(Tombstones now) {
  if (auto saved = parts_.key_values.set_value(kDeletionsKey, now.encode()); !saved) return saved;
  deletions_ = std::make_shared<const Tombstones>(std::move(now));
  return {};
}

// All samples there are go into pages first: a page's place then says whether it was written
// before the deletion or after.
Result<void> StoreImpl::delete_series(std::span<const std::vector<Matcher>> sets, TimeRange range) {
  if (std::any_of(sets.begin(), sets.end(), selects_all)) {
    return Error(ErrorCode::kInvalid,
                 "a deletion needs at least one matcher that does not match the empty string: "
                 "name what is to go, such as {__name__=~\".+\"} for everything");
  }
  if (range.to < range.from) return {};
  const std::lock_guard lock(mutex_);
  if (std::all_of(sets.begin(), sets.end(),
                  [&](const std::vector<Matcher>& set) { return live(set, range).empty(); })) {
    return {};
  }
  if (deletions_->size() >= options_.deletions_max) {
    return Error(
        ErrorCode::kLimit,
        std::to_string(deletions_->size()) +
            " deletions are remembered, the most there may be: each is kept until the "
            "ring has dropped what it covers; delete more in one call, with several match[]");
  }
  if (Result<void> flushed = flush_all(); !flushed) return flushed;
  if (Result<void> paged = page_exemplars(); !paged) return paged;
  if (Result<void> synced = raw_.sync(); !synced) return synced;
  for (PageLog& log : tiers_) {
    if (Result<void> synced = log.sync(); !synced) return synced;
  }
  release_journal();
  Tombstone one;
  one.sets.assign(sets.begin(), sets.end());
  one.from = to_millis(range.from);
  one.to = to_millis(range.to);
  for (const SegmentClass cls : kPaged) {
    const std::vector<ring::SegmentInfo> segments = parts_.ring.segments(cls);
    if (!segments.empty())
      one.before[paged_class(cls)] = {segments.back().generation, segments.back().data_end};
  }
  one.created_ms = to_millis(parts_.clock.now());
  // What is remembered of newest samples may be among it, and outlives the tombstone.
  const std::int64_t vague_until =
      std::min(one.to, one.created_ms + options_.future_max.count()) + 1;
  each_live([&](const std::shared_ptr<Version>& version) {
    version->live->vague_until = std::max(version->live->vague_until, vague_until);
  });
  Tombstones now = *deletions_;
  now.add(std::move(one));
  return save_deletions(std::move(now));
}

Result<void> StoreImpl::clean_deletions() {
  const std::lock_guard lock(mutex_);
  return forget_deletions();
}

Result<void> StoreImpl::forget_deletions() {
  if (deletions_->empty()) return {};
  RingPlaces oldest;
  for (const SegmentClass cls : kPaged) {
    const std::vector<ring::SegmentInfo> segments = parts_.ring.segments(cls);
    oldest[paged_class(cls)] = {segments.empty() ? UINT64_MAX : segments.front().generation, 0};
  }
  Tombstones now = *deletions_;
  return now.drop_before(oldest) ? save_deletions(std::move(now)) : Result<void>();
}

std::shared_ptr<const Tombstones> StoreImpl::deletions() const {
  const std::lock_guard lock(mutex_);
  return deletions_;
}

// The label sets of series that have samples left. For answers about names and values while
// something is deleted.
Result<std::unique_ptr<SeriesSelection>> StoreImpl::undeleted(std::span<const Matcher> matchers,
                                                              TimeRange range,
                                                              const StopFlag* stop) const {
  std::vector<Matcher> all(matchers.begin(), matchers.end());
  if (std::all_of(all.begin(), all.end(), [](const Matcher& m) { return m.matches_empty(); })) {
    NINES_TRY(Matcher any, Matcher::make(MatchOp::kNotEqual, "__name__", ""));
    all.push_back(std::move(any));
  }
  return select(all, range, kNamesSeriesMax, stop);
}

}  // namespace nines::storage
