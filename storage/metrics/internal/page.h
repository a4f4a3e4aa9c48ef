#pragma once
// COLS pages: the rows of some slots of one group, column by column. Layout:
// docs/formats/metrics-ring.md, "COLS".

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/group_head.h"
#include "storage/metrics/internal/page_times.h"

namespace nines::storage {

// A page holds the slots [first, end) of its group.
struct SlotRange {
  std::uint32_t first = 0;
  std::uint32_t end = 0;
};
// Pages begin at multiples of it and are at most so long, so that the pages of a slot are found
// without looking at others, and a read brings little that nobody asked for.
inline constexpr std::uint32_t kPageSlots = 64;

// A group's open samples become several pages at once.
struct PageHead {
  std::uint64_t flushed = 0;  // sequence of the last journal frame whose rows they hold
  std::uint32_t parts = 1;    // how many pages they are
  SlotRange slots;
  std::uint64_t present = 0;  // bit i: slot slots.first + i has samples
  ring::TimeBounds times;     // of this page; empty: it has no samples
};

// All slots of a range, as PageHead::present has them.
constexpr std::uint64_t all_present(SlotRange slots) {
  const std::uint32_t n = slots.end - slots.first;
  return n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
}

// The columns of `page.slots`, appended to `out`; sets the page's times and what is present.
void encode_columns(const GroupHead& head, PageHead& page, std::string& out);
// What stands before the columns.
void encode_page_head(const PageHead& head, std::string& out);

// Reads no further than the head.
Result<PageHead> decode_page_head(std::string_view payload);
Result<PageHead> decode_page_head(chunk::ByteReader& in);

// A page unpacked, with the places of its columns. Immutable.
class Page {
 public:
  static Result<std::shared_ptr<const Page>> open(std::string_view payload);
  const PageHead& head() const { return head_; }
  std::size_t bytes() const { return bytes_.size() + times_.bytes() + places_.size() * 4; }
  // Appends the samples of `slot`; nothing when the page has none of it. kCorrupt.
  Result<void> read(std::uint32_t slot, SampleColumns& out) const;
  // The times that most columns share.
  const PageTimes& times() const { return times_; }
  // Are the samples of `slot` a float at each of times() and nothing else? read_floats() then gives
  // these floats; false: they are damaged.
  bool only_floats(std::uint32_t slot) const;
  bool read_floats(std::uint32_t slot, double* out) const;

 private:
  Result<void> read_special(chunk::ByteReader& in, SampleColumns& out) const;

  PageHead head_;
  std::string bytes_;
  PageTimes times_;                    // shared by most columns
  std::vector<std::uint32_t> places_;  // of the columns in bytes_, one more than there are
};

}  // namespace nines::storage
