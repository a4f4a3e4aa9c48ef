// Open columns become pages on the raw ring; journal segments whose rows are there are given back.
#include <algorithm>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/compress.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {

using ring::SegmentClass;

// The segment's index: layouts, then pages with their times, so that a start need not read the
// pages.
std::string StoreImpl::raw_footer() const {
  std::string body;
  chunk::put_varint(body, footer_layouts_.size());
  for (const std::string& layout : footer_layouts_) chunk::put_text(body, layout);
  chunk::put_varint(body, footer_pages_.size());
  for (const FooterPage& page : footer_pages_) {
    chunk::put_varint(body, page.layout);
    chunk::put_varint(body, page.page.location.offset);
    chunk::put_varint(body, page.page.location.length);
    chunk::put_signed(body, page.page.times.min);
    chunk::put_signed(body, page.page.times.max);
    chunk::put_varint(body, page.page.slots.first);
    chunk::put_varint(body, page.page.slots.end - page.page.slots.first);
    chunk::put_varint(body, page.flushed);
    chunk::put_varint(body, page.parts);
  }
  chunk::put_varint(body, footer_exemplars_.size());
  for (const ExemplarRef& ref : footer_exemplars_) {
    chunk::put_varint(body, ref.location.offset);
    chunk::put_varint(body, ref.location.length);
    chunk::put_varint(body, ref.count);
  }
  std::string out;
  put_packed(out, body);
  return out;
}

Result<ring::Location> StoreImpl::raw_frame(std::uint8_t type, std::uint32_t tag,
                                            std::string_view payload, ring::TimeBounds times) {
  return parts_.ring.append(SegmentClass::kRaw, {type, 0, tag}, chunk::as_bytes(payload), times);
}

Result<void> StoreImpl::write_layout(Group& group) {
  SeriesFrame frame;
  frame.group = group.name;
  for (const std::uint32_t id : group.layout->ids) frame.labels.push_back(state_.index.labels(id));
  std::string payload;
  put_packed(payload, encode_series(frame));
  NINES_TRY(const ring::Location at, raw_frame(kLayoutFrame, group.tag, payload, {}));
  if (at.generation != raw_generation_) begin_raw_segment(at.generation);
  group.layout_generation = at.generation;
  group.layout_slots = static_cast<std::uint32_t>(group.layout->ids.size());
  group.footer_layout = add_footer_layout(std::move(payload));
  return {};
}

void StoreImpl::begin_raw_segment(std::uint64_t generation) {
  raw_generation_ = generation;
  footer_layouts_.clear();
  footer_pages_.clear();
  footer_exemplars_.clear();
  footer_bytes_ = 0;
}

std::uint32_t StoreImpl::add_footer_layout(std::string payload) {
  footer_bytes_ += payload.size() + 16;
  footer_layouts_.push_back(std::move(payload));
  return static_cast<std::uint32_t>(footer_layouts_.size() - 1);
}

void StoreImpl::add_footer_page(const FooterPage& page) {
  constexpr std::size_t kMost = 40;  // bytes of one
  footer_bytes_ += kMost;
  footer_pages_.push_back(page);
}

// Writes one page, into the next segment when this one is full. The segment's footer must still fit
// behind it.
Result<PageRef> StoreImpl::write_page(Group& group, std::string_view payload,
                                      const PageHead& head) {
  constexpr int kTries = 3;  // a full segment, then a failing one
  for (int attempt = 1;; ++attempt) {
    const bool known = raw_generation_ != 0 && group.layout_generation == raw_generation_ &&
                       group.layout_slots == group.layout->ids.size();
    const std::size_t labels = known ? 0 : group.layout->ids.size() * kLayoutBytesPerSeries + 1024;
    bool fresh = false;
    if (raw_generation_ != 0 &&
        parts_.ring.room(SegmentClass::kRaw) < payload.size() + footer_bytes_ + 2 * labels + 4096) {
      seal_raw();
      fresh = true;
    }
    Result<void> layout;
    if (!known || fresh) layout = write_layout(group);
    Result<ring::Location> at = layout ? raw_frame(kColsFrame, group.tag, payload, head.times)
                                       : Result<ring::Location>(layout.error());
    if (at && at->generation == raw_generation_) return PageRef{*at, head.times, head.slots};
    if (attempt == kTries) {
      return at ? Error(ErrorCode::kIo, "no page could be written") : std::move(at).error();
    }
    if (!at && at.error().code() == ErrorCode::kLimit) seal_raw();
    if (!at && at.error().code() != ErrorCode::kLimit && anything_unsynced()) pages_at_risk_ = true;
    raw_generation_ = 0;
  }
}

void StoreImpl::seal_raw() {
  if (Result<void> sealed = parts_.ring.seal(SegmentClass::kRaw, chunk::as_bytes(raw_footer()));
      !sealed) {
    parts_.log.error("storage", "raw segment left without an index: {}", sealed.error().what());
    if (sealed.error().code() == ErrorCode::kIo && anything_unsynced()) pages_at_risk_ = true;
  }
  raw_generation_ = 0;
}

Result<void> StoreImpl::flush_group(Group& group) {
  struct Part {
    PageHead head;
    std::string columns;
  };
  std::vector<Part> parts;
  const std::size_t page_max = parts_.ring.frame_max() / 4;
  const auto slots = static_cast<std::uint32_t>(group.head.slots());
  std::vector<SlotRange> uncut;
  for (std::uint32_t first = 0; first < slots && !group.head.empty(); first += kPageSlots) {
    uncut.push_back({first, std::min(first + kPageSlots, slots)});
    while (!uncut.empty()) {
      Part part;
      part.head.slots = uncut.back();
      uncut.pop_back();
      part.head.times = encode_columns(group.head, part.head.slots, part.columns);
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
  std::string payload;
  for (Part& part : parts) {
    part.head.flushed = group.last_sequence;
    part.head.parts = static_cast<std::uint32_t>(parts.size());
    payload.clear();
    encode_page_head(part.head, payload);
    payload += part.columns;
    NINES_TRY(const PageRef page, write_page(group, payload, part.head));
    add_footer_page({group.footer_layout, page, part.head.flushed, part.head.parts});
    group.layout->add_page(page);
    unsynced_bytes_ += payload.size();
    unsynced_.push_back({&group, page, part.head, payload});
  }
  group.head.clear();
  group.open_rows = 0;
  group.oldest_generation = 0;
  if (pages_at_risk_ || unsynced_bytes_ > kUnsyncedBytesMax) return sync_pages();
  return {};
}

// A failed sync abandons its segment, and what was not on disk is written once more, into the next.
Result<void> StoreImpl::sync_pages() {
  constexpr int kTries = 3;
  for (int attempt = 1;; ++attempt) {
    if (pages_at_risk_) rewrite_unsynced();
    Result<void> synced = parts_.ring.sync(SegmentClass::kRaw);
    if (synced && !pages_at_risk_) {
      unsynced_.clear();
      unsynced_exemplars_.clear();
      unsynced_bytes_ = 0;
      return {};
    }
    pages_at_risk_ = true;
    raw_generation_ = 0;
    if (attempt == kTries)
      return synced ? Error(ErrorCode::kIo, "pages could not be written again") : synced;
  }
}

void StoreImpl::rewrite_unsynced() {
  pages_at_risk_ = false;
  for (Unsynced& lost : unsynced_) {
    const Result<PageRef> page = write_page(*lost.group, lost.payload, lost.head);
    if (!page) {
      pages_at_risk_ = true;
      return;
    }
    std::vector<PageRef>& pages = lost.group->layout->pages[lost.page.slots.first / kPageSlots];
    std::erase_if(pages, [&](const PageRef& p) { return p.location == lost.page.location; });
    lost.group->layout->add_page(*page);
    add_footer_page({lost.group->footer_layout, *page, lost.head.flushed, lost.head.parts});
    lost.page = *page;
  }
  // In their order once more; what is found twice at a start is one.
  for (ExemplarPage& lost : unsynced_exemplars_) {
    const Result<ring::Location> at = write_exemplar_page(lost.payload);
    if (!at) {
      pages_at_risk_ = true;
      return;
    }
    lost.ref.location = *at;
    add_footer_exemplars(lost.ref);
  }
}

// A page must be on disk before the journal that holds its rows may go.
void StoreImpl::release_journal() {
  if (Result<void> synced = sync_pages(); !synced) {
    parts_.log.error("storage", "pages could not be synced: {}", synced.error().what());
    return;
  }
  std::uint64_t oldest = waiting_.exemplars.empty() ? UINT64_MAX : waiting_.oldest_generation;
  for (const auto& [name, group] : state_.groups) {
    if (group->oldest_generation != 0) oldest = std::min(oldest, group->oldest_generation);
  }
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
  for (const auto& layout : state_.layouts) {
    for (std::vector<PageRef>& pages : layout->pages) {
      std::erase_if(pages, [&](const PageRef& page) {
        return page.location.generation == segment.generation;
      });
    }
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
  for (auto& [name, group] : state_.groups) {
    if (Result<void> flushed = flush_group(*group); !flushed) return flushed;
  }
  if (Result<void> paged = page_exemplars(); !paged) return paged;
  if (Result<void> paged = sync_pages(); !paged) return paged;
  rows_at_risk_ = false;
  return {};
}

void StoreImpl::tend() {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = to_millis(parts_.clock.now());
  bool flushed_any = false, all_flushed = true;
  for (auto& [name, group] : state_.groups) {
    const bool old = now - group->open_since_ms >= options_.page_age_max.count();
    if (group->open_rows == 0 || !(old || rows_at_risk_)) continue;
    if (Result<void> flushed = flush_group(*group); !flushed) {
      parts_.log.error("storage", "cannot write a page of {}: {}", name, flushed.error().what());
      all_flushed = false;
    }
    flushed_any = true;
  }
  if (!waiting_.exemplars.empty() &&
      (now - waiting_.since_ms >= options_.page_age_max.count() || rows_at_risk_)) {
    all_flushed = page_exemplars_or_log() && all_flushed;
    flushed_any = true;
  }
  if (flushed_any || anything_unsynced() || parts_.ring.segments(SegmentClass::kJournal).size() > 2)
    release_journal();
  if (!anything_unsynced() && all_flushed) rows_at_risk_ = false;
  if (metadata_changed_) save_metadata();
  report_exemplars();
}

Result<void> StoreImpl::flush() {
  const std::lock_guard lock(mutex_);
  for (auto& [name, group] : state_.groups) {
    if (Result<void> flushed = flush_group(*group); !flushed) return flushed;
  }
  if (Result<void> paged = page_exemplars(); !paged) return paged;
  if (metadata_changed_) save_metadata();
  if (Result<void> synced = sync_pages(); !synced) return synced;
  release_journal();
  return {};
}

}  // namespace nines::storage
