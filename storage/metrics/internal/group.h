#pragma once
// What the metric store knows of its groups: layouts, which any number of groups share, and for
// each group its labels, its open samples and its pages. One mutex guards all of it (see
// store_impl.h), but for Layout::mutex.

#include <array>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/model/labels.h"
#include "storage/api/tier_window.h"
#include "storage/metrics/internal/group_head.h"
#include "storage/metrics/internal/page_directory.h"
#include "storage/metrics/internal/rows_codec.h"
#include "storage/ring/ring.h"
#include "storage/series/series_index.h"

namespace nines::storage {

// Own labels by slot; it only grows. Groups of one family (the targets of a job) begin with the
// same layout and go on sharing it while they expose much the same.
struct Layout {
  std::uint64_t id = 0;
  std::string family;
  series::SeriesIndex index;  // of slots
  std::uint32_t users = 0;    // versions that have it
  // Taken to add to the index, and by readers that do not hold the store's mutex.
  mutable std::shared_mutex mutex;
};

// The classes of the ring that hold pages: raw and the tiers.
inline constexpr std::size_t kPagedClasses = 3;
constexpr std::size_t paged_class(ring::SegmentClass cls) {
  return static_cast<std::size_t>(cls) - static_cast<std::size_t>(ring::SegmentClass::kRaw);
}

// What a version with open samples, or with a writer, has in memory.
struct LiveSamples {
  GroupHead head;                    // what is in no page yet
  std::vector<std::int64_t> newest;  // by slot: time of the newest sample ever accepted
  std::vector<std::uint64_t> newest_bits;
  std::vector<bool> newest_histogram;    // by slot; empty: none is one
  std::int64_t vague_until = INT64_MIN;  // `newest` is not to be relied on where it is before this
  std::int64_t paged_until = INT64_MIN;  // pages hold nothing newer
  std::uint32_t open_rows = 0;
  std::uint32_t row_parts = 0;      // appends that made the newest row
  std::uint32_t parts_before = 0;   // and the row before it
  std::int64_t open_since_ms = 0;   // clock at the first open row
  std::int64_t wear_looked_ms = 0;  // clock when its slots were last looked through; 0: never
  RowsState rows;
  std::uint64_t oldest_generation = 0;  // of the journal segment with its first open row; 0: none
  std::uint64_t last_sequence = 0;      // of its last journal frame
  // Rows before head's, on their way into pages. Making pages of so many would hold up appends, so
  // the thread that tends does it, without the store's mutex: they do not change. Null: none.
  std::shared_ptr<const GroupHead> closing;
  std::uint64_t closing_generation = 0;  // of closing: as the two above
  std::uint64_t closing_sequence = 0;

  bool holds_rows() const { return open_rows > 0 || closing; }
  // Is what comes at `at` another part of the newest row?
  bool joins_row(std::int64_t at) const {
    return open_rows > 0 && !head.row_times().empty() && head.row_times().back() == at;
  }
  void count_row(bool joins, std::int64_t now_ms) {
    if (joins) {
      ++row_parts;
      return;
    }
    if (open_rows++ == 0) open_since_ms = now_ms;
    parts_before = row_parts;
    row_parts = 1;
  }
  // Has the newest row as many parts as the one before? A page that ended amid a row would leave
  // some slots a sample behind the others.
  bool row_is_whole() const { return row_parts >= parts_before; }
  ring::TimeBounds bounds() const {
    ring::TimeBounds all = head.bounds();
    if (closing) all.include(closing->bounds());
    return all;
  }
  // Appends what is in no page; in the order of writing.
  void read(std::uint32_t slot, SampleColumns& out) const {
    if (closing && slot < closing->slots()) closing->read(slot, out);
    if (slot < head.slots()) head.read(slot, out);
  }
  bool find(std::uint32_t slot, std::int64_t time, Point& out) const {
    return head.find(slot, time, out) ||
           (closing && slot < closing->slots() && closing->find(slot, time, out));
  }
  // The oldest journal segment that is still needed for it; 0: none.
  std::uint64_t needed_generation() const {
    return closing_generation != 0 ? closing_generation : oldest_generation;
  }
  std::size_t open_samples() const {  // at most
    return head.slots() * open_rows + head.odd_points();
  }
  // Open rows become closing ones; there are none yet.
  void close() {
    auto closed = std::make_shared<GroupHead>();
    closed->grow(head.slots());
    std::swap(*closed, head);  // nothing fails from here on
    closing = std::move(closed);
    closing_generation = std::exchange(oldest_generation, 0);
    closing_sequence = last_sequence;
    open_rows = 0;
  }
  void grow(std::size_t slots) {
    if (slots <= newest.size()) return;
    head.grow(slots);
    newest.resize(slots, INT64_MIN);
    newest_bits.resize(slots);
    if (!newest_histogram.empty()) newest_histogram.resize(slots);
  }
  void see_newest(std::uint32_t slot, std::int64_t time, std::uint64_t bits, bool histogram) {
    newest[slot] = time;
    newest_bits[slot] = bits;
    if (histogram && newest_histogram.empty()) newest_histogram.resize(newest.size());
    if (!newest_histogram.empty()) newest_histogram[slot] = histogram;
  }
};

// A group with these labels and this layout. When either changes the group goes on with another
// version; this one stays as long as the ring holds samples of it.
struct Version {
  std::string group;
  LabelSet labels;
  std::shared_ptr<Layout> layout;
  std::uint32_t tag = 0;              // in frames
  std::uint64_t journal_epoch = 0;    // of its last definition there; another one: define anew
  std::vector<bool> known;            // slots that it has or had samples of
  std::uint32_t series = 0;           // how many those are
  std::unique_ptr<LiveSamples> live;  // null: nothing is open
  std::array<PageDirectory, kPagedClasses> pages;
  std::array<std::int64_t, kTiers> tier_until{INT64_MIN, INT64_MIN};  // tiers hold all up to here

  LabelSet labels_of(std::uint32_t slot) const { return layout->index.labels(slot, labels); }
  bool knows(std::uint32_t slot) const { return slot < known.size() && known[slot]; }
  void learn(std::uint32_t slot) {
    if (slot >= known.size()) known.resize(slot + 1);
    if (known[slot]) return;
    known[slot] = true;
    ++series;
  }
  // Of a slot whose samples only pages hold nobody remembers the newest.
  void begin_live() {
    live = std::make_unique<LiveSamples>();
    const ring::TimeBounds paged = pages[paged_class(ring::SegmentClass::kRaw)].times();
    if (!paged.empty()) live->vague_until = paged.max;
  }
  bool has_pages() const {
    for (const PageDirectory& directory : pages) {
      if (!directory.empty()) return true;
    }
    return false;
  }
};

struct Group {
  std::string name;
  bool has_writer = false;
  std::int64_t newest = INT64_MIN;                 // time of the newest sample of all
  std::vector<std::shared_ptr<Version>> versions;  // in the order they came
  std::shared_ptr<Version> current;                // the one that is gone on with; may be null
};

}  // namespace nines::storage
