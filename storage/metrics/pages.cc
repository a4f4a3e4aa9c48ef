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
    chunk::put_varint(body, page.flushed);
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
  if (at.generation != raw_generation_) {
    raw_generation_ = at.generation;
    footer_layouts_.clear();
    footer_pages_.clear();
    footer_bytes_ = 0;
  }
  group.layout_generation = at.generation;
  group.layout_slots = static_cast<std::uint32_t>(group.layout->ids.size());
  footer_bytes_ += payload.size() + 16;
  group.footer_layout = static_cast<std::uint32_t>(footer_layouts_.size());
  footer_layouts_.push_back(std::move(payload));
  return {};
}

// Writes one page, into the next segment when this one is full. The segment's footer must still fit
// behind it.
Result<PageRef> StoreImpl::write_page(Group& group, std::string_view payload, ring::TimeBounds times) {
  constexpr int kTries = 3;  // a full segment, then a failing one
  for (int attempt = 1;; ++attempt) {
    const std::size_t labels = group.layout->ids.size() * kLayoutBytesPerSeries + 1024;
    if (raw_generation_ != 0 && parts_.ring.room(SegmentClass::kRaw) <
                                    payload.size() + footer_bytes_ + 2 * labels + 4096) {
      seal_raw();
    }
    Result<void> layout;
    if (raw_generation_ == 0 || group.layout_generation != raw_generation_ ||
        group.layout_slots < group.layout->ids.size()) {
      layout = write_layout(group);
    }
    Result<ring::Location> at = layout ? raw_frame(kColsFrame, group.tag, payload, times)
                                       : Result<ring::Location>(layout.error());
    if (at && at->generation == raw_generation_) return PageRef{*at, times};
    if (attempt == kTries) {
      return at ? Error(ErrorCode::kIo, "no page could be written") : std::move(at).error();
    }
    if (!at && at.error().code() == ErrorCode::kLimit) seal_raw();
    raw_generation_ = 0;
  }
}

void StoreImpl::seal_raw() {
  if (Result<void> sealed = parts_.ring.seal(SegmentClass::kRaw, chunk::as_bytes(raw_footer()));
      !sealed) {
    parts_.log.error("storage", "raw segment left without an index: {}", sealed.error().what());
  }
  raw_generation_ = 0;
}

Result<void> StoreImpl::flush_group(Group& group) {
  // What does not fit one frame becomes several pages, of some of the slots each. Only the last one
  // says that the rows are in pages now, and only once the others are on disk.
  std::vector<SlotRange> todo = {{0, static_cast<std::uint32_t>(group.open.size())}};
  std::vector<PageRef> written;
  const std::size_t page_max = parts_.ring.frame_max() / 4;
  while (!todo.empty()) {
    const SlotRange slots = todo.back();
    todo.pop_back();
    ring::TimeBounds times;
    for (std::uint32_t slot = slots.first; slot < slots.end; ++slot) {
      const std::vector<Point>& points = group.open[slot];
      if (points.empty()) continue;
      times.include(points.front().time);
      times.include(points.back().time);
    }
    if (times.empty()) continue;
    std::string payload;
    const std::uint64_t flushed = todo.empty() ? group.last_sequence : 0;
    encode_page(group.open, slots, flushed, payload);
    if (payload.size() > page_max && slots.end - slots.first > 1) {
      const std::uint32_t middle = slots.first + (slots.end - slots.first) / 2;
      todo.push_back({slots.first, middle});
      todo.push_back({middle, slots.end});
      continue;
    }
    if (todo.empty() && !written.empty()) {
      if (Result<void> synced = parts_.ring.sync(SegmentClass::kRaw); !synced) return synced;
    }
    NINES_TRY(const PageRef page, write_page(group, payload, times));
    footer_pages_.push_back({group.footer_layout, page, flushed});
    footer_bytes_ += 40;
    written.push_back(page);
  }
  group.layout->pages.insert(group.layout->pages.end(), written.begin(), written.end());
  for (std::vector<Point>& points : group.open) points.clear();
  group.open_rows = 0;
  group.oldest_generation = 0;
  return {};
}

// A page must be on disk before the journal that holds its rows may go.
void StoreImpl::release_journal() {
  if (Result<void> synced = parts_.ring.sync(SegmentClass::kRaw); !synced) {
    parts_.log.error("storage", "pages could not be synced: {}", synced.error().what());
    return;
  }
  std::uint64_t oldest = UINT64_MAX;
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
    std::erase_if(layout->pages, [&](const PageRef& page) {
      return page.location.generation == segment.generation;
    });
  }
}

Result<void> StoreImpl::sync() {
  return parts_.ring.sync(SegmentClass::kJournal);
}

void StoreImpl::tend() {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = to_millis(parts_.clock.now());
  bool flushed_any = false;
  for (auto& [name, group] : state_.groups) {
    if (group->open_rows == 0 || now - group->open_since_ms < options_.page_age_max.count())
      continue;
    if (Result<void> flushed = flush_group(*group); !flushed) {
      parts_.log.error("storage", "cannot write a page of {}: {}", name, flushed.error().what());
    }
    flushed_any = true;
  }
  if (flushed_any || parts_.ring.segments(SegmentClass::kJournal).size() > 2) release_journal();
  if (metadata_changed_) save_metadata();
}

Result<void> StoreImpl::flush() {
  const std::lock_guard lock(mutex_);
  for (auto& [name, group] : state_.groups) {
    if (Result<void> flushed = flush_group(*group); !flushed) return flushed;
  }
  if (metadata_changed_) save_metadata();
  release_journal();
  return parts_.ring.sync(SegmentClass::kRaw);
}

}  // namespace nines::storage
