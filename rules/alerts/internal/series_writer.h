#pragma once
// Writes the results of one rule, and ends the series that vanish from them.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
#include "storage/api/appender.h"

namespace nines::alerts {

struct SeriesValue {
  LabelSet labels;
  double value = 0;
  HistogramPtr histogram;  // when set, `value` means nothing
};

// A rule is a group of its own in the store: all its series are sampled at the same instants. One
// thread at a time.
class SeriesWriter {
 public:
  SeriesWriter(storage::Appender& appender, std::string group)
      : appender_(appender), group_(std::move(group)) {}

  // Writes `series` at `at`; a series of the call before that is missing now gets a staleness
  // marker. Everything is visible to queries on return. Gives one text per kind of sample that was
  // refused (a series limit, out of order); the others are written all the same.
  Result<std::vector<std::string>> write(Timestamp at, std::span<const SeriesValue> series);

  // Would a write of nothing end any series?
  bool any_known() const { return !known_.empty(); }

  // Ends all series, at `now` or right after the last write, and gives the group's name free for
  // another writer.
  Result<void> finish(Timestamp now);

  // Takes over the series and the open group of a writer of the same name.
  void adopt(SeriesWriter& from);

 private:
  struct Known {
    storage::Slot slot{};
    std::uint64_t round = 0;  // of the last write() that had it
  };
  storage::Appender& appender_;
  std::string group_;
  std::unique_ptr<storage::GroupWriter> writer_;
  std::unordered_map<LabelSet, Known> known_;  // the series of the last write()
  std::uint64_t round_ = 0;
  Timestamp last_at_{};
};

}  // namespace nines::alerts
