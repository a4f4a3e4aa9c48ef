#pragma once
// Puts samples that have their own times into the store: a file another system wrote, a history.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/result.h"
#include "collector/exposition/parser.h"
#include "storage/api/appender.h"

namespace nines::collector {

struct BackfillOptions {
  // Groups of the store begin with it. A name of its own for each import: samples of a group may
  // not go back behind its newest one by more than the out-of-order window.
  std::string name;
  std::size_t samples_per_block = 2'000'000;  // sorted and written at a time, 24 bytes each
  std::size_t series_per_group = 500;
};

struct BackfillReport {
  std::uint64_t series = 0;     // distinct ones in the text
  std::uint64_t samples = 0;    // in the text
  std::uint64_t appended = 0;   // of them; the others are counted below
  std::uint64_t exemplars = 0;  // appended
  std::int64_t oldest_ms = INT64_MAX, newest_ms = INT64_MIN;  // of the text; oldest > newest: none
  std::uint64_t duplicates = 0;                               // same time, same value
  std::uint64_t conflicts = 0;      // same time, another value: the first is kept
  std::uint64_t out_of_order = 0;   // behind what an earlier import of this name brought
  std::uint64_t too_far_ahead = 0;  // of the clock
  std::uint64_t series_refused = 0, samples_refused = 0;  // by a limit of series or labels
  std::uint64_t exemplars_refused = 0;
  std::string refusal;  // the first one's text; empty: none

  std::uint64_t refused() const {
    return conflicts + out_of_order + too_far_ahead + samples_refused;
  }
};

// Reads the text only: the counts of what it has. kInvalid, `line 3, column 1: ...`, for anything
// that is not of the format, a sample without a time, or (OpenMetrics) no # EOF at the end.
Result<BackfillReport> check_backfill(std::string_view text, ExpositionFormat format);

// Samples may be in any order and of any age. The whole text is read before the first sample is
// stored: kInvalid, as check_backfill(), leaves nothing behind. What the store refuses is counted,
// the rest is kept. kIo: the store broke; the text says how many samples were stored until then.
// Types, help texts and units are kept.
Result<BackfillReport> backfill(std::string_view text, ExpositionFormat format,
                                storage::Appender& appender, const BackfillOptions& options);

}  // namespace nines::collector
