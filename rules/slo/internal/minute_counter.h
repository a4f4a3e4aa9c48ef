#pragma once
// Counts the events of each minute from raw samples.

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "rules/slo/internal/indicator.h"
#include "storage/api/querier.h"
#include "storage/api/slo_ledger.h"

namespace nines::slo {

inline constexpr std::int64_t kMinuteMs = 60'000;

// A minute is (start, end]: a sample on its very end belongs to it, as in a PromQL range.
constexpr std::int64_t minute_of(std::int64_t ms) {
  return ms > 0 ? (ms - 1) / kMinuteMs : -((-ms) / kMinuteMs) - 1;
}

struct CountedMinutes {
  std::vector<storage::LedgerMinute> minutes;  // those with samples, ascending
  std::int64_t earliest_ms = std::numeric_limits<std::int64_t>::max();  // of the samples looked at
  std::vector<std::string> warnings;                                    // damaged pages
};

// Counters: what counts is the difference of neighbouring samples of a series, a fall being a reset
// after which the counter stands for itself. The sample before may be up to a day old: what
// happened in a gap is counted in the minute in which it was first seen.
//
// The first sample of a series counts whole when its target (same job and instance) had been
// scraped before within that day: another series of the indicator, or `up` with value 1, has an
// older sample. Then the series was born meanwhile, at zero. Otherwise the counter may be older
// than our knowledge of it, and the sample is only where counting begins.
//
// Other series (counter = false): each sample is so many events.
class MinuteCounter {
 public:
  MinuteCounter(const storage::Querier& querier, const Indicator& indicator)
      : querier_(querier), indicator_(indicator) {}

  // The minutes [from, to).
  Result<CountedMinutes> count(std::int64_t from, std::int64_t to) const;
  // Where each sample is one event.
  Result<CountedMinutes> count_samples(std::int64_t from, std::int64_t to) const;

 private:
  using Target = std::pair<std::string, std::string>;  // job, instance
  struct FirstSample {
    LabelSet labels;
    std::int64_t at_ms = 0;
    double value = 0;
    std::int64_t start_ms = 0;
  };
  struct Tally {
    std::vector<double> events;  // by minute
    std::vector<bool> seen;
    std::vector<FirstSample> firsts;  // of series without a sample shortly before
  };
  struct Span {
    std::int64_t from = 0;  // minutes
    std::int64_t to = 0;
  };
  struct Evidence {
    std::map<Target, std::int64_t> seen_since;  // the oldest sample of the indicator's series
    std::map<Target, std::int64_t> up_since;    // looked up once per target
  };

  Result<Tally> tally(const std::vector<Matcher>& matchers, Span span, Evidence& evidence,
                      CountedMinutes& out) const;
  void add_series(const LabelSet& labels, const SampleColumns& samples, Span span,
                  Evidence& evidence, Tally& tally) const;
  // Finds out how much the first samples count.
  Result<void> settle(const std::vector<Matcher>& matchers, Span span, Evidence& evidence,
                      Tally& tally, CountedMinutes& out) const;
  Result<bool> scraped_before(const FirstSample& first, Evidence& evidence) const;
  static Target target_of(const LabelSet& labels);

  const storage::Querier& querier_;
  const Indicator& indicator_;
};

}  // namespace nines::slo
