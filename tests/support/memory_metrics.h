#pragma once
// A metric store in plain memory behind the doors of storage/api: for tests of whatever writes or
// queries samples and must not depend on the real ring.

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/mutex.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/model/sample.h"
#include "storage/api/appender.h"
#include "storage/api/querier.h"

namespace nines::testing {

// Keeps everything, in any order of arrival. A sample whose time is taken: the same value counts as
// a duplicate, another one as a conflict and is refused. Thread-safe. Selections are snapshots.
class MemoryMetrics final : public storage::Appender, public storage::Querier {
 public:
  // The newcomer past `series_max` is refused with kLimit; 0: no limit.
  explicit MemoryMetrics(std::size_t series_max = 0) : series_max_(series_max) {}

  Result<std::unique_ptr<storage::GroupWriter>> open_group(const storage::GroupSpec& spec) override;
  void set_metadata(const std::string& family, const Metadata& metadata) override;

  Result<std::unique_ptr<storage::SeriesSelection>> select(
      std::span<const Matcher> matchers, storage::TimeRange range, std::size_t series_max,
      const storage::StopFlag* stop = nullptr) const override;
  Result<std::vector<std::string>> label_names(std::span<const Matcher> matchers,
                                               storage::TimeRange range,
                                               std::size_t limit,
                                               const storage::StopFlag* stop) const override;
  Result<std::vector<std::string>> label_values(const std::string& name,
                                                std::span<const Matcher> matchers,
                                                storage::TimeRange range,
                                                std::size_t limit,
                                                const storage::StopFlag* stop) const override;
  std::map<std::string, Metadata> metadata() const override;
  std::vector<storage::SeriesExemplars> exemplars(std::span<const std::vector<Matcher>> sets,
                                                  storage::TimeRange range) const override;

  // Shorthands for tests: one sample of one series.
  void add(const LabelSet& labels, Timestamp at, double value);
  void add(const LabelSet& labels, Timestamp at, const Histogram& histogram);
  void add_exemplar(const LabelSet& labels, const Exemplar& exemplar);
  std::size_t series_count() const;
  // From now on retention() says this, and of the samples until kept.dropped_until selections give
  // every third one only. Windows of tiers are made of all samples; a tier has none that ends at or
  // before its beginning.
  void drop(const storage::Retention& kept);
  storage::Retention retention() const override;
  // All samples of a series, empty when there is none.
  SampleColumns samples(const LabelSet& labels) const;

 private:
  struct Series {
    LabelSet labels;
    std::map<std::int64_t, Sample> samples;            // by milliseconds
    std::map<std::int64_t, std::int64_t> start_times;  // those that are known
  };
  class Writer;

  Result<Series*> series_for(const LabelSet& labels) NINES_REQUIRES(mutex_);
  storage::AppendOutcome append(Timestamp at, std::span<const storage::Row> rows,
                                std::span<Series* const> slots);
  std::vector<const Series*> matching(std::span<const Matcher> matchers,
                                      storage::TimeRange range) const NINES_REQUIRES(mutex_);
  static SampleColumns columns_of(const Series& series, storage::TimeRange range);

  const std::size_t series_max_;
  mutable Mutex mutex_;
  // Nodes never move and are never erased: writers keep pointers to them.
  std::map<LabelSet, Series> series_ NINES_GUARDED_BY(mutex_);
  std::set<std::string> open_groups_ NINES_GUARDED_BY(mutex_);
  std::map<LabelSet, std::vector<Exemplar>> exemplars_ NINES_GUARDED_BY(mutex_);
  std::map<std::string, Metadata> metadata_ NINES_GUARDED_BY(mutex_);
  storage::Retention kept_ NINES_GUARDED_BY(mutex_);
};

}  // namespace nines::testing
