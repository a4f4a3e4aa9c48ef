#include "storage/metrics/frame_check.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/definitions.h"
#include "storage/metrics/internal/page.h"
#include "storage/metrics/internal/rows_codec.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {
namespace {

using ring::Frame;
using ring::TimeBounds;

Error unreadable(const char* what, const Error& why) {
  return Error(ErrorCode::kCorrupt, std::string(what) + " does not read: " + why.what());
}

Result<TimeBounds> check_page(std::string_view payload) {
  const auto page = Page::open(payload);
  if (!page) return unreadable("a page", page.error());
  SampleColumns columns;
  for (std::uint32_t slot = (*page)->head().slots.first; slot < (*page)->head().slots.end; ++slot) {
    columns.clear();
    if (const auto read = (*page)->read(slot, columns); !read)
      return unreadable("a page", read.error());
  }
  return (*page)->head().times;
}

Result<TimeBounds> check_tier_page(std::string_view payload) {
  const auto page = TierPage::open(payload);
  if (!page) return unreadable("a page of a tier", page.error());
  const PageHead& head = (*page)->head().page;
  std::vector<TierWindow> windows;
  for (std::uint32_t slot = head.slots.first; slot < head.slots.end; ++slot) {
    if (const auto read = (*page)->read(slot, windows); !read)
      return unreadable("a page of a tier", read.error());
  }
  return head.times;
}

Result<TimeBounds> check_definition(const Frame& frame) {
  const std::string_view payload = chunk::as_text(frame.payload);
  if (frame.head.type == kLayoutFrame) {
    if (const auto layout = decode_layout(payload); !layout)
      return unreadable("a layout", layout.error());
  } else if (const auto group = decode_group(payload); !group) {
    return unreadable("a group's definition", group.error());
  }
  return TimeBounds{};
}

bool defines(const Frame& frame) {
  return frame.head.type == kLayoutFrame || frame.head.type == kGroupFrame;
}

// Rows are changes to the rows before them: each group's are followed as a start would.
class JournalCheck {
 public:
  Result<TimeBounds> operator()(const Frame& frame) {
    const std::string_view payload = chunk::as_text(frame.payload);
    if (defines(frame)) {
      if (frame.head.type == kGroupFrame) groups_[frame.head.tag] = RowsState();
      return check_definition(frame);
    }
    TimeBounds times;
    if (frame.head.type != kRowsFrame) return times;
    RowsState& state = groups_[frame.head.tag];
    const Result<RowsFrame> rows = decode_rows(state, payload);
    if (!rows) {
      // Behind a hole rows are not readable until the next key frame; the hole is named already.
      if (rows.error().code() == ErrorCode::kOutOfOrder) return times;
      return unreadable("a row", rows.error());
    }
    state.next_index = rows->index;
    advance(state, rows->time, rows->entries);
    for (const Entry& entry : rows->entries) times.include(entry.time);
    return times;
  }

 private:
  std::map<std::uint32_t, RowsState> groups_;  // by tag
};

}  // namespace

ring::FrameCheck make_metric_frame_check(ring::SegmentClass cls, std::uint64_t& pages) {
  if (cls == ring::SegmentClass::kJournal) {
    return
        [check = std::make_shared<JournalCheck>()](const Frame& frame) { return (*check)(frame); };
  }
  const bool tier = cls == ring::SegmentClass::kT5m || cls == ring::SegmentClass::kT1h;
  if (cls != ring::SegmentClass::kRaw && !tier) return [](const Frame&) { return TimeBounds{}; };
  return [&pages](const Frame& frame) -> Result<TimeBounds> {
    if (defines(frame)) return check_definition(frame);
    if (frame.head.type != kColsFrame && frame.head.type != kTierFrame) return TimeBounds{};
    ++pages;
    if (frame.head.type == kTierFrame) return check_tier_page(chunk::as_text(frame.payload));
    return check_page(chunk::as_text(frame.payload));
  };
}

}  // namespace nines::storage
