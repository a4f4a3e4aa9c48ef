#pragma once
// Pages on their way to one class of the ring: each segment says once what the slots of its pages
// mean, and ends with an index of them. What a failed sync left doubtful is written again
// elsewhere.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/core/result.h"
#include "base/log/log.h"
#include "storage/metrics/internal/group.h"
#include "storage/ring/ring.h"

namespace nines::storage {

// Frame types of journal and pages.
inline constexpr std::uint8_t kRowsFrame = 2;
inline constexpr std::uint8_t kColsFrame = 6;
inline constexpr std::uint8_t kExemplarsFrame = 7;
inline constexpr std::uint8_t kLayoutFrame = 8;
inline constexpr std::uint8_t kGroupFrame = 9;
inline constexpr std::uint8_t kTierFrame = 10;

// Pages are synced at the latest when so much of them is not.
inline constexpr std::size_t kUnsyncedBytesMax = 8u << 20;

// A frame that belongs to no group: exemplars.
struct LooseFrame {
  ring::Location location{};
  std::uint32_t count = 0;  // of what is in it
};

// What a segment's index says of a page.
struct IndexedPage {
  std::uint32_t group = 0;  // place of its GROUP frame among the segment's
  PageRef page;
  std::uint64_t flushed = 0;  // see PageHead
  std::uint32_t parts = 0;
};

struct SegmentIndex {
  std::vector<std::string> layouts;  // payloads of LAYOUT frames, in order
  std::vector<std::string> groups;   // payloads of GROUP frames, in order
  std::vector<IndexedPage> pages;
  std::vector<LooseFrame> loose;
};
std::string encode_segment_index(const SegmentIndex& index);
// `segment`: the one whose footer `payload` is. kCorrupt.
Result<SegmentIndex> decode_segment_index(std::string_view payload,
                                          const ring::SegmentInfo& segment);

// One thread at a time (the store's mutex).
class PageLog {
 public:
  PageLog(ring::Ring& ring, ring::SegmentClass cls, Log& log) : ring_(ring), cls_(cls), log_(log) {}

  ring::SegmentClass segment_class() const { return cls_; }
  // Writes one page of `type`, `payload` with `head` in it, and lists it in the version's directory
  // of this class.
  Result<void> write(const std::shared_ptr<Version>& version, std::uint8_t type,
                     std::string payload, const PageHead& head);
  Result<void> write_loose(std::uint8_t type, std::string payload, std::uint32_t count);

  bool unsynced() const { return !unsynced_.empty(); }
  bool unsynced(const Version& version) const;  // are pages of it?
  // A page is on disk when this has returned well; otherwise it is kept and tried again next time.
  Result<void> sync();
  Result<void> sync_if_due();  // when much is unsynced, or something went wrong

  // --- the open segment of an earlier life, which is gone on with ---
  void continue_segment(std::uint64_t generation);
  void continue_layout(const std::shared_ptr<Layout>& layout, std::uint32_t slots,
                       std::string payload);
  // Its place. The group is defined anew for pages of this life, which have other tags.
  std::uint32_t continue_group(std::string payload);
  void continue_page(const IndexedPage& page);
  void continue_loose(const LooseFrame& frame);

 private:
  struct Kept {                        // until it is synced
    std::shared_ptr<Version> version;  // null: a loose frame
    std::uint8_t type = 0;
    PageHead head;
    ring::Location at{};
    std::string payload;
    std::uint32_t count = 0;
  };
  Result<void> put(Kept& frame);
  Result<void> define(const std::shared_ptr<Version>& version, std::uint32_t slots);
  std::size_t bytes_to_define(const Version& version, std::uint32_t slots) const;
  Result<ring::Location> append(std::uint8_t type, std::uint32_t tag, std::string_view payload,
                                ring::TimeBounds times);
  void list(const Kept& frame);
  Result<void> keep(Kept frame);
  void begin(std::uint64_t generation);  // 0: no segment is open
  void seal();
  void rewrite();

  ring::Ring& ring_;
  const ring::SegmentClass cls_;
  Log& log_;
  // The open segment.
  std::uint64_t generation_ = 0;  // 0: none known
  SegmentIndex index_;
  std::size_t index_bytes_ = 0;
  std::unordered_map<std::uint64_t, std::uint32_t> defined_;  // layouts: slots written, by id
  std::unordered_map<const Version*, std::uint32_t> places_;  // in index_.groups
  std::vector<std::shared_ptr<const Version>>
      defined_groups_;  // keeps the pointers in places_ true
  std::vector<Kept> unsynced_;
  std::size_t unsynced_bytes_ = 0;
  bool at_risk_ = false;  // a segment failed with unsynced frames in it
};

}  // namespace nines::storage
