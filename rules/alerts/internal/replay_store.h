#pragma once
// What rules record while they are replayed, and behind it the history of a server.

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "rules/promql/engine.h"
#include "storage/api/querier.h"

namespace nines::alerts {

// Single samples of the series that match, in the closed interval.
using RawQuery = std::function<Result<promql::Matrix>(const std::string& selector, Timestamp from,
                                                      Timestamp to)>;

// A metric that was recorded here hides what the server has of it. One thread.
class ReplayStore final : public storage::Querier {
 public:
  ReplayStore(const RawQuery& history, std::size_t samples_max)
      : history_(history), samples_max_(samples_max) {}

  // The metric is recorded from now on, even if no series of it comes.
  void add_metric(const std::string& metric) { metrics_.insert(metric); }
  // Adds a part of a series, later than what it has. Where a step is missing the series ends with a
  // staleness marker. kLimit past `samples_max`.
  Result<void> record(const LabelSet& labels, const SampleColumns& samples, Duration step);
  // No sample comes after this: series that ended before are marked as ended.
  void end(const std::string& metric, Timestamp last, Duration step);

  // Whether a selector with these matchers may mean a recorded metric.
  bool concerns(const std::vector<Matcher>& matchers) const;

  Result<std::unique_ptr<storage::SeriesSelection>> select(
      std::span<const Matcher> matchers, storage::TimeRange range, std::size_t series_max,
      const storage::StopFlag* stop) const override;
  Result<std::vector<std::string>> label_names(std::span<const Matcher>, storage::TimeRange,
                                               std::size_t,
                                               const storage::StopFlag*) const override {
    return std::vector<std::string>{};
  }
  Result<std::vector<std::string>> label_values(const std::string&, std::span<const Matcher>,
                                                storage::TimeRange, std::size_t,
                                                const storage::StopFlag*) const override {
    return std::vector<std::string>{};
  }
  std::map<std::string, Metadata> metadata() const override { return {}; }

 private:
  const RawQuery& history_;
  const std::size_t samples_max_;
  std::size_t samples_ = 0;
  std::set<std::string> metrics_;
  std::map<LabelSet, SampleColumns> series_;
};

}  // namespace nines::alerts
