#pragma once
// What is answered from the tiers of a store, where it has dropped the single samples.
//
// The contract (Retention in storage/api/querier.h is the store's side of it):
//   - Steps that see only samples which are all kept are answered from these, as if there were no
//     tiers.
//   - The others are answered from one tier, by the functions of reads_tiers() and by instant
//     selectors, when the range is whole windows (a multiple of the tier's step) and the steps of
//     the query are not finer than windows. Of two tiers that could, the finer is taken, unless it
//     does not reach back to the first step and the coarser reaches further.
//   - An edge of such a range, or such an instant, lies in the tier when it is not after the seam
//     (the first end of a window at or after what was dropped). It is moved back to the end of a
//     window. An edge after the seam stays where it is: windows up to the seam, single samples from
//     there on. So steps at multiples of the tier's step get what single samples would have given,
//     and other steps what they would have given a little earlier.
//   - Everything else there is answered from the samples still kept, with a warning.
// Answers from a tier carry an info that names it. Native histograms are in no tier: a span that
// held one has no answer, and the info says so.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "rules/promql/internal/range_functions.h"
#include "storage/api/querier.h"
#include "storage/api/tier_window.h"

namespace nines::promql {

// Functions of ranges whose answer windows know. On counters with resets and on values that are no
// whole numbers rate(), increase(), sum and avg agree with single samples within 1e-12 of the sums
// involved; all else is the same to the bit.
bool reads_tiers(Fn id);

struct TierPlan {
  storage::Tier tier = storage::Tier::k5m;
  std::int64_t step = 0;     // of the tier
  std::int64_t dropped = 0;  // samples up to here are not to be read one by one
  std::int64_t seam = 0;

  // An instant as the plan sees it.
  std::int64_t moved(std::int64_t at) const {
    const std::int64_t end = storage::window_end(at, step);
    return at > seam || end == at ? at : end - step;
  }
};

// What a query wants of a selector.
struct TierNeed {
  std::int64_t first = 0;   // begin of the first step's range, or its instant less the lookback
  std::int64_t length = 0;  // of the range; 0: an instant
  std::int64_t step = 0;    // between steps; 0: there is one
  bool summary = true;      // windows know the answer
};
// None: no tier has a part in it, or none can; `refused` says which.
std::optional<TierPlan> plan_tiers(const storage::Retention& kept, const TierNeed& need,
                                   bool& refused);

// A step's range, its edges moved, and all that was in it.
struct TierCell {
  Window window;
  storage::TierWindow total;
};

// The cells of the steps at `windows`, whose ranges begin at or before what was dropped. `ended`:
// windows of the tier up to the seam; `samples`: after what was dropped.
std::vector<TierCell> tier_cells(const TierPlan& plan, std::span<const Window> windows,
                                 std::span<const storage::TierWindow> tier,
                                 const SampleColumns& samples);

// Sets the answer at a step. False: there is none, because of a native histogram.
bool set_from_tier(const RangeTask& task, std::size_t step, const TierCell& cell);

// Walks the windows of one series along ascending instants.
class TierCursor {
 public:
  TierCursor(const TierPlan& plan, std::span<const storage::TierWindow> windows)
      : plan_(plan), windows_(windows) {}
  // The window whose last sample is what an instant selector sees at `at`; null when it sees none.
  const storage::TierWindow* find(std::int64_t at, std::int64_t lookback);
  bool saw_histogram() const { return saw_histogram_; }

 private:
  const TierPlan& plan_;
  std::span<const storage::TierWindow> windows_;
  std::size_t next_ = 0;
  bool saw_histogram_ = false;
};

}  // namespace nines::promql
