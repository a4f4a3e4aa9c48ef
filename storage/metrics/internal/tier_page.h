#pragma once
// TIER pages: windows of some slots of one group, column by column. Layout:
// docs/formats/metrics-ring.md, "TIER".

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "storage/api/tier_window.h"
#include "storage/metrics/internal/page.h"

namespace nines::storage {

// More windows than this of one slot are several pages.
inline constexpr std::size_t kTierWindowsMax = 1024;

// A page of a tier begins with the tier and the head of a page of samples. In it
//   times    what the page covers: of its slots it has all samples since times.min (all there were,
//            when it is the group's first) up to times.max;
//   flushed  times.max once more: pages that cover the same time were made together;
//   parts    how many those are;
//   present  the slots with windows.
struct TierPageHead {
  Tier tier = Tier::k5m;
  PageHead page;
};

// What stands before the columns.
void encode_tier_head(const TierPageHead& head, std::string& out);
// Appends the columns, and sets head.page.present. `windows`: of slots.first, slots.first + 1, ...;
// each ascending by end, ends multiples of the tier's step and less than kTierWindowsMax steps
// apart; at least one not empty.
void encode_tier_columns(TierPageHead& head, std::span<const std::vector<TierWindow>> windows,
                         std::string& out);

Result<TierPageHead> decode_tier_head(std::string_view payload);  // reads no further than the head

// A page unpacked, with the places of its columns. Immutable.
class TierPage {
 public:
  static Result<std::shared_ptr<const TierPage>> open(std::string_view payload);
  const TierPageHead& head() const { return head_; }
  std::size_t bytes() const { return bytes_.size() + counts_.size() * 24 + places_.size() * 4; }
  // Appends the windows of `slot`, ascending. kCorrupt; `out` is then as it was.
  Result<void> read(std::uint32_t slot, std::vector<TierWindow>& out) const;

 private:
  TierPageHead head_;
  std::string bytes_;
  std::int64_t first_end_ = 0;
  std::vector<std::int64_t> counts_, firsts_, lasts_;  // shared by most slots, by window
  std::vector<std::uint32_t> places_;  // of the columns in bytes_, one more than there are
};

}  // namespace nines::storage
