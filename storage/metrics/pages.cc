// Open columns become pages on the raw ring; journal segments whose rows are there are given back.
#include <algorithm>
#include <utility>

#include "storage/chunk/bytes.h"
#include "base/core/release.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {

using ring::SegmentClass;

namespace {
constexpr std::int64_t kRefusalsEveryMs = 60'000;  // a line for each limit in the log
}  // namespace

std::vector<StoreImpl::FlushedPage> StoreImpl::encode_pages(const GroupHead& rows) const {
  std::vector<FlushedPage> out;
  const std::size_t page_max = parts_.ring.frame_max() / 4;
  const auto slots = static_cast<std::uint32_t>(rows.slots());
  std::vector<SlotRange> uncut;
  for (std::uint32_t first = 0; first < slots && !rows.empty(); first += kPageSlots) {
    uncut.push_back({first, std::min(first + kPageSlots, slots)});
    while (!uncut.empty()) {
      FlushedPage page;
      page.head.slots = uncut.back();
      uncut.pop_back();
      encode_columns(rows, page.head, page.columns);
      const SlotRange range = page.head.slots;
      if (page.columns.size() > page_max && range.end - range.first > 1) {
        const std::uint32_t middle = range.first + (range.end - range.first) / 2;
        uncut.push_back({middle, range.end});
        uncut.push_back({range.first, middle});
      } else if (!page.head.times.empty()) {
        out.push_back(std::move(page));
      }
    }
  }
  return out;
}

// `sequence`: of the last journal frame whose rows are in the pages.
Result<void> StoreImpl::write_pages(const std::shared_ptr<Version>& version, std::uint64_t sequence,
                                    std::vector<FlushedPage> pages) {
  // A start replays what is behind the newest page. The pages before it must be on disk first: a
  // power cut may keep a later one and lose an earlier one.
  if (raw_.unsynced(*version)) {
    if (Result<void> synced = raw_.sync(); !synced) return synced;
  }
  for (FlushedPage& page : pages) {
    page.head.flushed = sequence;
    page.head.parts = static_cast<std::uint32_t>(pages.size());
    std::string payload;
    encode_page_head(page.head, payload);
    payload += page.columns;
    release(page.columns);
    if (Result<void> written = raw_.write(version, kColsFrame, std::move(payload), page.head);
        !written) {
      return written;
    }
    version->live->paged_until = std::max(version->live->paged_until, page.head.times.max);
  }
  return {};
}

Result<void> StoreImpl::write_closing(const std::shared_ptr<Version>& version,
                                      std::vector<FlushedPage> pages) {
  LiveSamples& live = *version->live;
  if (Result<void> written = write_pages(version, live.closing_sequence, std::move(pages));
      !written) {
    return written;
  }
  live.closing.reset();
  live.closing_generation = live.closing_sequence = 0;
  return raw_.sync_if_due();
}

Result<void> StoreImpl::flush_version(const std::shared_ptr<Version>& version) {
  LiveSamples& live = *version->live;
  if (live.closing) {
    if (Result<void> first = write_closing(version, encode_pages(*live.closing)); !first)
      return first;
  }
  if (Result<void> written = write_pages(version, live.last_sequence, encode_pages(live.head));
      !written) {
    return written;
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
    const std::uint64_t its = version->live->needed_generation();
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

// Whatever is to become pages: rows of long ago, rows whose journal segment goes next or has
// failed, and those that append() left. Group by group: appends of others go on in between.
StoreImpl::Flushed StoreImpl::flush_due() {
  Flushed done;
  std::vector<std::shared_ptr<Version>> due;
  {
    const std::lock_guard lock(mutex_);
    done.journal_epoch = journal_epoch_;
    const std::int64_t now = to_millis(parts_.clock.now());
    const auto victim = parts_.ring.next_victim(SegmentClass::kJournal);
    each_live([&](const std::shared_ptr<Version>& version) {
      const LiveSamples& live = *version->live;
      const std::uint64_t needed = live.needed_generation();
      const bool goes = victim && victim->cls == SegmentClass::kJournal && needed != 0 &&
                        needed <= victim->generation;
      const bool old =
          live.open_rows > 0 && now - live.open_since_ms >= options_.page_age_max.count();
      if (live.closing || old || (live.open_rows > 0 && (goes || rows_at_risk_)))
        due.push_back(version);
    });
  }
  for (const std::shared_ptr<Version>& version : due) {
    done.any = true;
    if (Result<void> flushed = flush_due(version); !flushed) {
      parts_.log.error("storage", "cannot write a page of {}: {}", version->group,
                       flushed.error().what());
      done.all = false;
    }
  }
  return done;
}

Result<void> StoreImpl::flush_due(const std::shared_ptr<Version>& version) {
  std::shared_ptr<const GroupHead> rows;
  {
    const std::lock_guard lock(mutex_);
    if (!version->live) return {};
    LiveSamples& live = *version->live;
    // Where a journal segment failed, open rows are in memory alone, behind closing ones, too.
    if (rows_at_risk_ || (!live.closing && live.open_samples() <= options_.flush_at_once_samples))
      return flush_version(version);
    if (!live.closing) live.close();
    rows = live.closing;
  }
  std::vector<FlushedPage> pages = encode_pages(*rows);
  const std::lock_guard lock(mutex_);
  // Whoever needed room in the journal in between was quicker.
  if (!version->live || version->live->closing != rows) return {};
  return write_closing(version, std::move(pages));
}

void StoreImpl::tend_pages() {
  const Flushed flushed = flush_due();
  const std::lock_guard lock(mutex_);
  const std::int64_t now = to_millis(parts_.clock.now());
  bool flushed_any = flushed.any, all_flushed = flushed.all;
  if (!waiting_.exemplars.empty() &&
      (now - waiting_.since_ms >= options_.page_age_max.count() || rows_at_risk_)) {
    all_flushed = page_exemplars_or_log() && all_flushed;
    flushed_any = true;
  }
  if (flushed_any || raw_.unsynced() || parts_.ring.segments(SegmentClass::kJournal).size() > 2)
    release_journal();
  // Another segment may have failed while the mutex was not held.
  if (!raw_.unsynced() && all_flushed && flushed.journal_epoch == journal_epoch_)
    rows_at_risk_ = false;
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
