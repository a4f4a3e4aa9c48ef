#include "storage/metrics/internal/page_log.h"

#include <algorithm>
#include <utility>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/compress.h"
#include "storage/metrics/internal/definitions.h"

namespace nines::storage {
namespace {

constexpr std::size_t kIndexedPageBytes = 48;  // at most, of one in a segment's index
constexpr std::size_t kLooseBytes = 16;
constexpr std::size_t kFrameHeadRoom = 4096;
constexpr int kTries = 3;  // a full segment, then a failing one

}  // namespace

std::string encode_segment_index(const SegmentIndex& index) {
  std::string body;
  for (const auto* texts : {&index.layouts, &index.groups}) {
    chunk::put_varint(body, texts->size());
    for (const std::string& text : *texts) chunk::put_text(body, text);
  }
  chunk::put_varint(body, index.pages.size());
  for (const IndexedPage& page : index.pages) {
    const SlotRange slots = page.page.slots;
    chunk::put_varint(body, page.group);
    chunk::put_varint(body, page.page.location.offset);
    chunk::put_varint(body, page.page.location.length);
    chunk::put_signed(body, page.page.times.min);
    chunk::put_varint(body, static_cast<std::uint64_t>(page.page.times.max) -
                                static_cast<std::uint64_t>(page.page.times.min));
    chunk::put_varint(body, slots.first);
    chunk::put_varint(body, slots.end - slots.first);
    chunk::put_varint(body, ~page.page.present & all_present(slots));
    chunk::put_varint(body, page.flushed);
    chunk::put_varint(body, page.parts);
  }
  chunk::put_varint(body, index.loose.size());
  for (const LooseFrame& frame : index.loose) {
    chunk::put_varint(body, frame.location.offset);
    chunk::put_varint(body, frame.location.length);
    chunk::put_varint(body, frame.count);
  }
  std::string out;
  put_packed(out, body);
  return out;
}

Result<SegmentIndex> decode_segment_index(std::string_view payload,
                                          const ring::SegmentInfo& segment) {
  NINES_TRY(const std::string body, unpack(payload));
  chunk::ByteReader in(body);
  SegmentIndex index;
  for (auto* texts : {&index.layouts, &index.groups}) {
    texts->resize(in.count());
    for (std::string& text : *texts) text = in.text();
  }
  const auto location = [&] {
    ring::Location at;
    at.segment = segment.segment;
    at.generation = segment.generation;
    at.offset = static_cast<std::uint32_t>(in.varint());
    at.length = static_cast<std::uint32_t>(in.varint());
    return at;
  };
  index.pages.resize(in.count(8));
  for (IndexedPage& page : index.pages) {
    page.group = static_cast<std::uint32_t>(in.varint());
    page.page.location = location();
    page.page.times.min = in.signed_varint();
    page.page.times.max =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(page.page.times.min) + in.varint());
    page.page.slots.first = static_cast<std::uint32_t>(in.varint());
    const std::uint64_t slots = in.varint();
    if (in.failed() || slots == 0 || slots > kPageSlots || page.group >= index.groups.size())
      return Error(ErrorCode::kCorrupt, "segment index: its bytes make no sense");
    page.page.slots.end = page.page.slots.first + static_cast<std::uint32_t>(slots);
    page.page.present = ~in.varint() & all_present(page.page.slots);
    page.flushed = in.varint();
    page.parts = static_cast<std::uint32_t>(in.varint());
  }
  index.loose.resize(in.count(3));
  for (LooseFrame& frame : index.loose) {
    frame.location = location();
    frame.count = static_cast<std::uint32_t>(in.varint());
  }
  if (in.failed() || in.left() != 0)
    return Error(ErrorCode::kCorrupt, "segment index: its bytes make no sense");
  return index;
}

Result<ring::Location> PageLog::append(std::uint8_t type, std::uint32_t tag,
                                       std::string_view payload, ring::TimeBounds times) {
  NINES_TRY(const ring::Location at,
            ring_.append(cls_, {type, 0, tag}, chunk::as_bytes(payload), times));
  if (at.generation != generation_) begin(at.generation);
  return at;
}

void PageLog::begin(std::uint64_t generation) {
  generation_ = generation;
  index_ = {};
  index_bytes_ = 0;
  defined_.clear();
  places_.clear();
  defined_groups_.clear();
}

std::size_t PageLog::bytes_to_define(const Version& version, std::uint32_t slots) const {
  std::size_t bytes = 0;
  const auto defined = defined_.find(version.layout->id);
  const std::uint32_t first = defined == defined_.end() ? 0 : defined->second;
  if (first < slots)
    bytes += layout_bytes(version.layout->index, first, version.layout->index.size());
  if (!places_.contains(&version)) {
    bytes += version.group.size() + 64;
    for (const Label& label : version.labels) bytes += label.name.size() + label.value.size() + 8;
  }
  return bytes;
}

// The segment says what the version's slots mean, if it does not yet.
Result<void> PageLog::define(const std::shared_ptr<Version>& version, std::uint32_t slots) {
  const std::shared_ptr<Layout>& layout = version->layout;
  const auto defined = defined_.find(layout->id);
  const std::uint32_t first = defined == defined_.end() ? 0 : defined->second;
  if (first < slots) {
    // All of it at once: the next group that shares it may need more.
    const std::uint32_t end = layout->index.size();
    std::string payload = encode_layout(layout->id, layout->family, layout->index, first, end);
    const std::uint64_t before = generation_;
    NINES_TRY(const ring::Location at, append(kLayoutFrame, 0, payload, {}));
    if (at.generation != before && first != 0)
      return Error(ErrorCode::kLimit, "the segment ended");  // a piece without those before it
    continue_layout(layout, end, std::move(payload));
  }
  if (!places_.contains(version.get())) {
    std::string payload = encode_group({version->group, version->labels, layout->id});
    const std::uint64_t before = generation_;
    NINES_TRY(const ring::Location at, append(kGroupFrame, version->tag, payload, {}));
    if (at.generation != before && before != 0)
      return Error(ErrorCode::kLimit, "the segment ended");
    places_[version.get()] = continue_group(std::move(payload));
    defined_groups_.push_back(version);
  }
  return {};
}

// Writes a frame with all that stands before it, into the next segment when this one is full. The
// segment's index must still fit behind it.
Result<void> PageLog::put(Kept& frame) {
  for (int attempt = 1;; ++attempt) {
    if (generation_ != 0) {
      const std::size_t define =
          frame.version ? bytes_to_define(*frame.version, frame.head.slots.end) : 0;
      // What is defined stands in the index once more.
      const std::size_t needed = frame.payload.size() + index_bytes_ + 2 * define + kFrameHeadRoom;
      if (ring_.room(cls_) < needed) seal();
    }
    Result<void> defined;
    if (frame.version) defined = define(frame.version, frame.head.slots.end);
    const std::uint64_t before = generation_;
    Result<ring::Location> at = defined ? append(frame.type, frame.version ? frame.version->tag : 0,
                                                 frame.payload, frame.head.times)
                                        : Result<ring::Location>(defined.error());
    // A segment that the page itself opened says nothing of its slots.
    if (at && (!frame.version || at->generation == before)) {
      frame.at = *at;
      return {};
    }
    if (attempt == kTries)
      return at ? Error(ErrorCode::kIo, "no page could be written") : std::move(at).error();
    if (!at && at.error().code() != ErrorCode::kLimit) {
      at_risk_ = at_risk_ || unsynced();
      begin(0);
    } else {
      seal();
    }
  }
}

void PageLog::list(const Kept& frame) {
  if (!frame.version) {
    continue_loose({frame.at, frame.count});
    return;
  }
  const PageRef page{frame.at, frame.head.times, frame.head.slots, frame.head.present};
  frame.version->pages[paged_class(cls_)].add(page);
  continue_page({places_.at(frame.version.get()), page, frame.head.flushed, frame.head.parts});
}

Result<void> PageLog::write(const std::shared_ptr<Version>& version, std::uint8_t type,
                            std::string payload, const PageHead& head) {
  return keep({version, type, head, {}, std::move(payload), 0});
}

Result<void> PageLog::write_loose(std::uint8_t type, std::string payload, std::uint32_t count) {
  return keep({nullptr, type, {}, {}, std::move(payload), count});
}

Result<void> PageLog::keep(Kept frame) {
  if (Result<void> written = put(frame); !written) return written;
  list(frame);
  unsynced_bytes_ += frame.payload.size();
  unsynced_.push_back(std::move(frame));
  return {};
}

void PageLog::seal() {
  if (Result<void> sealed = ring_.seal(cls_, chunk::as_bytes(encode_segment_index(index_)));
      !sealed) {
    log_.error("storage", "{} segment left without an index: {}", ring::to_string(cls_),
               sealed.error().what());
    if (sealed.error().code() == ErrorCode::kIo && unsynced()) at_risk_ = true;
  }
  begin(0);
}

// A failed sync abandons its segment, and what was not on disk is written once more, into the next.
Result<void> PageLog::sync() {
  for (int attempt = 1;; ++attempt) {
    if (at_risk_) rewrite();
    Result<void> synced = ring_.sync(cls_);
    if (synced && !at_risk_) {
      unsynced_.clear();
      unsynced_bytes_ = 0;
      return {};
    }
    at_risk_ = true;
    begin(0);
    if (attempt == kTries)
      return synced ? Error(ErrorCode::kIo, "pages could not be written again") : synced;
  }
}

bool PageLog::unsynced(const Version& version) const {
  return std::any_of(unsynced_.begin(), unsynced_.end(),
                     [&](const Kept& kept) { return kept.version.get() == &version; });
}

Result<void> PageLog::sync_if_due() {
  return at_risk_ || unsynced_bytes_ > kUnsyncedBytesMax ? sync() : Result<void>();
}

// In their order once more. Exemplars that are found twice at a start are one.
void PageLog::rewrite() {
  at_risk_ = false;
  for (Kept& lost : unsynced_) {
    const ring::Location was = lost.at;
    if (!put(lost)) {
      at_risk_ = true;
      return;
    }
    if (lost.version) lost.version->pages[paged_class(cls_)].remove(was);
    list(lost);
  }
}

void PageLog::continue_segment(std::uint64_t generation) {
  begin(generation);
}

void PageLog::continue_layout(const std::shared_ptr<Layout>& layout, std::uint32_t slots,
                              std::string payload) {
  defined_[layout->id] = slots;
  index_bytes_ += payload.size() + 16;
  index_.layouts.push_back(std::move(payload));
}

std::uint32_t PageLog::continue_group(std::string payload) {
  const auto place = static_cast<std::uint32_t>(index_.groups.size());
  index_bytes_ += payload.size() + 16;
  index_.groups.push_back(std::move(payload));
  return place;
}

void PageLog::continue_page(const IndexedPage& page) {
  index_bytes_ += kIndexedPageBytes;
  index_.pages.push_back(page);
}

void PageLog::continue_loose(const LooseFrame& frame) {
  index_bytes_ += kLooseBytes;
  index_.loose.push_back(frame);
}

}  // namespace nines::storage
