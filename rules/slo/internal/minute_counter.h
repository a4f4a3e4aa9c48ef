#pragma once
// Counts the events of each minute from raw samples, or from log lines.

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
#include "rules/slo/internal/indicator.h"
#include "rules/slo/internal/tally.h"
#include "storage/api/logs.h"
#include "storage/api/querier.h"
#include "storage/api/slo_ledger.h"

namespace nines::slo {

inline constexpr std::int64_t kMinuteMs = 60'000;

// A minute is (start, end]: a sample on its very end belongs to it, as in a PromQL range.
constexpr std::int64_t minute_of(std::int64_t ms) {
  return ms > 0 ? (ms - 1) / kMinuteMs : -((-ms) / kMinuteMs) - 1;
}

struct CountedMinutes {
  GroupMinutes groups;                                                  // those with samples
  std::int64_t earliest_ms = std::numeric_limits<std::int64_t>::max();  // of the samples looked at
  std::vector<std::string> warnings;                                    // damaged pages
  bool interpolated = false;  // a threshold cut a bucket of a histogram
};

// Counters: what counts is the difference of neighbouring samples of a series, a fall being a reset
// after which the counter stands for itself. The sample before may be up to a day old: what
// happened in a gap is counted in the minute in which it was first seen. A native histogram is a
// counter of its observations.
//
// The first sample of a series counts whole when its target (same job and instance) had been
// scraped before within that day: another series of the indicator, or `up` with value 1, has an
// older sample. Then the series was born meanwhile, at zero. Otherwise the counter may be older
// than our knowledge of it, and the sample is only where counting begins.
//
// A threshold of a classic histogram that is none of its bounds lies between two of them: of the
// events there, those below are taken to be as many as lie below on a straight line. Above the last
// finite bound nothing is known to be good.
//
// Other series (counter = false): each sample is so many events, or is one that is judged.
class MinuteCounter {
 public:
  // `logs` may be null where the indicator counts no lines.
  MinuteCounter(const storage::Querier& querier, const storage::LogQuerier* logs,
                const Indicator& indicator, Grouping grouping = {})
      : querier_(querier), logs_(logs), indicator_(indicator), grouping_(std::move(grouping)) {}

  // The minutes [from, to). An empty `admit` admits every group.
  Result<CountedMinutes> count(std::int64_t from, std::int64_t to, const Admit& admit = {}) const;

 private:
  using Target = std::pair<std::string, std::string>;  // job, instance
  struct Reading {
    std::int64_t at_ms = 0;
    double value = 0;
    HistogramPtr histogram;  // of a native latency, instead of the value
    std::int64_t start_ms = 0;
  };
  struct FirstSample {
    LabelSet labels;
    LabelSet group;
    Reading reading;
  };
  struct Evidence {
    std::map<Target, std::int64_t> seen_since;  // the oldest sample of the indicator's series
    std::map<Target, std::int64_t> up_since;    // looked up once per target
  };
  // What one selector adds up to, and the first samples of series without one shortly before.
  struct Work {
    Tally tally;
    std::vector<FirstSample> firsts;
  };

  Result<void> read_all(const std::vector<Matcher>& matchers, Evidence& evidence, Work& work,
                        CountedMinutes& out) const;
  void add_series(const LabelSet& labels, const SampleColumns& samples, Evidence& evidence,
                  Work& work, CountedMinutes& out) const;
  // Finds out how much the first samples count.
  Result<void> settle(const std::vector<Matcher>& matchers, Evidence& evidence, Work& work,
                      CountedMinutes& out) const;
  Result<void> find_older(const std::vector<Matcher>& matchers, Evidence& evidence,
                          const Work& work, std::map<LabelSet, Reading>& older,
                          CountedMinutes& out) const;
  Result<bool> scraped_before(const FirstSample& first, Evidence& evidence) const;
  Result<CountedMinutes> count_samples(Span span, const Admit& admit) const;
  Result<CountedMinutes> count_counters(Span span, const Admit& admit) const;
  // The events below a threshold that no bucket has.
  Result<void> read_cut(Evidence& evidence, Tally& good, CountedMinutes& out) const;
  Result<CountedMinutes> count_lines(Span span, const Admit& admit) const;
  Result<void> read_lines(const logql::LogQuery& lines, Tally& tally, CountedMinutes& out) const;

  bool is_native() const { return indicator_.kind == IndicatorKind::kLatencyNative; }
  bool read_at(const SampleColumns& samples, std::size_t i, Reading& out) const;
  // From one sample of a counter to the next; null: from zero.
  void add(const Reading* before, const Reading& after, Tally::Column& column, Span span,
           CountedMinutes& out) const;
  static Target target_of(const LabelSet& labels);

  const storage::Querier& querier_;
  const storage::LogQuerier* logs_;
  const Indicator& indicator_;
  const Grouping grouping_;
};

}  // namespace nines::slo
