// Open columns become pages on the raw ring; journal segments whose rows are there are given back.
#include <algorithm>
#include <utility>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {

using ring::SegmentClass;

namespace {
constexpr std::int64_t kRefusalsEveryMs = 60'000;  // a line for each limit in the log
}  // namespace

Result<void> StoreImpl::flush_version(const std::shared_ptr<Version>& version) {
  struct Part {
    PageHead head;
    std::string columns;
  };
  // A start replays what is behind the newest page. The pages before it must be on disk first: a
  // power cut may keep a later one and lose an earlier one.
  if (raw_.unsynced(*version)) {
    if (Result<void> synced = raw_.sync(); !synced) return synced;
  }
  LiveSamples& live = *version->live;
  std::vector<Part> parts;
  const std::size_t page_max = parts_.ring.frame_max() / 4;
  const auto slots = static_cast<std::uint32_t>(live.head.slots());
  std::vector<SlotRange> uncut;
  for (std::uint32_t first = 0; first < slots && !live.head.empty(); first += kPageSlots) {
    uncut.push_back({first, std::min(first + kPageSlots, slots)});
    while (!uncut.empty()) {
      Part part;
      part.head.slots = uncut.back();
      uncut.pop_back();
      encode_columns(live.head, part.head, part.columns);
      const SlotRange range = part.head.slots;
      if (part.columns.size() > page_max && range.end - range.first > 1) {
        const std::uint32_t middle = range.first + (range.end - range.first) / 2;
        uncut.push_back({middle, range.end});
        uncut.push_back({range.first, middle});
      } else if (!part.head.times.empty()) {
        parts.push_back(std::move(part));
      }
    }
  }
  for (Part& part : parts) {
    part.head.flushed = live.last_sequence;
    part.head.parts = static_cast<std::uint32_t>(parts.size());
    std::string payload;
    encode_page_head(part.head, payload);
    payload += part.columns;
    if (Result<void> written = raw_.write(version, kColsFrame, std::move(payload), part.head);
        !written) {
      return written;
    }
    live.paged_until = std::max(live.paged_until, part.head.times.max);
  }
  live.head.clear();
  live.open_rows = 0;
  live.oldest_generation = 0;
  return raw_.sync_if_due();
}

Result<void> StoreImpl::flush_all() {
  Result<void> all;
  each_live([&](const std::shared_ptr<Version>& version) {
    if (all) all = flush_version(version);
  });
  return all;
}

// A page must be on disk before the journal that holds its rows may go.
void StoreImpl::release_journal() {
  if (Result<void> synced = raw_.sync(); !synced) {
    parts_.log.error("storage", "pages could not be synced: {}", synced.error().what());
    return;
  }
  std::uint64_t oldest = waiting_.exemplars.empty() ? UINT64_MAX : waiting_.oldest_generation;
  each_live([&](const std::shared_ptr<Version>& version) {
    const std::uint64_t its = version->live->oldest_generation;
    if (its != 0) oldest = std::min(oldest, its);
  });
  for (const ring::SegmentInfo& segment : parts_.ring.segments(SegmentClass::kJournal)) {
    if (segment.open || segment.generation >= oldest) continue;
    if (Result<void> released = parts_.ring.release(segment.segment, segment.generation);
        !released) {
      parts_.log.warn("storage", "journal segment {} not released: {}", segment.segment,
                      released.error().what());
    }
  }
}

void StoreImpl::forget_segment(const ring::SegmentInfo& segment) {
  ++segments_left_;
  for (const auto& [name, group] : catalog_.groups()) {
    for (const std::shared_ptr<Version>& version : group->versions)
      version->pages[paged_class(segment.cls)].forget(segment.generation);
  }
}

Result<void> StoreImpl::sync() {
  Result<void> synced = parts_.ring.sync(SegmentClass::kJournal);
  const std::lock_guard lock(mutex_);
  if (!synced) {
    journal_broke();
    return synced;
  }
  if (!rows_at_risk_) return synced;
  // The journal that is open now knows nothing of the rows an abandoned one took with it.
  if (Result<void> flushed = flush_all(); !flushed) return flushed;
  if (Result<void> paged = page_exemplars(); !paged) return paged;
  if (Result<void> paged = raw_.sync(); !paged) return paged;
  rows_at_risk_ = false;
  return {};
}

void StoreImpl::tend() {
  tend_pages();
  fold_due();
}

void StoreImpl::tend_pages() {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = to_millis(parts_.clock.now());
  bool flushed_any = false, all_flushed = true;
  each_live([&](const std::shared_ptr<Version>& version) {
    const bool old = now - version->live->open_since_ms >= options_.page_age_max.count();
    if (version->live->open_rows == 0 || !(old || rows_at_risk_)) return;
    if (Result<void> flushed = flush_version(version); !flushed) {
      parts_.log.error("storage", "cannot write a page of {}: {}", version->group,
                       flushed.error().what());
      all_flushed = false;
    }
    flushed_any = true;
  });
  if (!waiting_.exemplars.empty() &&
      (now - waiting_.since_ms >= options_.page_age_max.count() || rows_at_risk_)) {
    all_flushed = page_exemplars_or_log() && all_flushed;
    flushed_any = true;
  }
  if (flushed_any || raw_.unsynced() || parts_.ring.segments(SegmentClass::kJournal).size() > 2)
    release_journal();
  if (!raw_.unsynced() && all_flushed) rows_at_risk_ = false;
  if (metadata_changed_) save_metadata();
  catalog_.tidy();
  if (Result<void> forgot = forget_deletions(); !forgot)
    parts_.log.warn("storage", "deletions not forgotten: {}", forgot.error().what());
  if (now - refusals_told_ms_ >= kRefusalsEveryMs) {
    refusals_told_ms_ = now;
    refusals_.report([&](const std::string& line) { parts_.log.warn("storage", "{}", line); });
  }
  report_exemplars();
}

Result<void> StoreImpl::flush() {
  const std::lock_guard lock(mutex_);
  if (Result<void> flushed = flush_all(); !flushed) return flushed;
  if (Result<void> paged = page_exemplars(); !paged) return paged;
  if (metadata_changed_) save_metadata();
  if (Result<void> synced = raw_.sync(); !synced) return synced;
  release_journal();
  return {};
}

}  // namespace nines::storage
