#pragma once
// What was pushed, on its way into the store: series checked, sorted into groups, samples of one
// time into one batch. Every receiver writes through it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/mutex.h"
#include "base/core/result.h"
#include "base/model/exemplar.h"
#include "base/model/histogram.h"
#include "base/model/labels.h"
#include "storage/api/appender.h"

namespace nines::collector {

struct PushedSample {
  std::int64_t time_ms = 0;
  double value = 0;
  std::int64_t start_ms = 0;  // 0: unknown
  HistogramPtr histogram;     // shared because Row takes a pointer and samples are sorted by copy
};

struct PushedSeries {
  LabelSet labels;
  std::vector<PushedSample> samples;  // floats and histograms
  std::vector<Exemplar> exemplars;
};

struct GroupLimits {
  std::size_t labels_max = 64;         // of one series
  std::size_t label_bytes_max = 4096;  // of one name or value
  std::size_t groups_max = 10'000;     // job and instance pairs with an open group
  Duration idle_max{3'600'000};        // a pair that sent nothing for so long is closed
};

// What one request leaves behind.
struct PushOutcome {
  static constexpr std::size_t kReasonsMax = 3;

  std::uint64_t samples = 0, histograms = 0, exemplars = 0;  // kept
  std::uint64_t refused = 0;
  std::vector<std::string> reasons;  // the first ones
  bool again = false;                // refused for a reason that may pass

  void refuse(std::uint64_t count, std::string why) {
    refused += count;
    if (reasons.size() < kReasonsMax) reasons.push_back(std::move(why));
  }
};

using WrittenLabels = std::vector<std::pair<std::string_view, std::string_view>>;

// The set, when it keeps the limits, is valid UTF-8 and no name is empty or stands twice; kInvalid
// otherwise. `what` begins the message: "a series".
Result<LabelSet> checked_labels(const WrittenLabels& written, std::string_view what,
                                const GroupLimits& limits);

// Thread-safe. Each job and instance has a group of its own, "receive/<protocol>/<job>/<instance>".
class GroupTable {
 public:
  GroupTable(storage::Appender& appender, const Clock& clock, std::string protocol,
             GroupLimits limits)
      : appender_(appender), clock_(clock), prefix_("receive/" + protocol + "/"), limits_(limits) {}

  // Keeps what can be kept and counts the rest in `outcome`.
  void write(std::vector<PushedSeries> series, PushOutcome& outcome);
  const GroupLimits& limits() const { return limits_; }

 private:
  // Series of one job and instance. Used by one request at a time.
  struct Group {
    Mutex mutex;
    std::unique_ptr<storage::GroupWriter> writer NINES_GUARDED_BY(mutex);
    std::unordered_map<LabelSet, storage::Slot> slots NINES_GUARDED_BY(mutex);
    Instant used NINES_GUARDED_BY(mutex){};
  };
  using SeriesList = std::vector<const PushedSeries*>;

  Result<std::shared_ptr<Group>> group_of(const LabelSet& labels);
  void close_idle() NINES_REQUIRES(mutex_);
  void write_group(Group& group, const SeriesList& series, PushOutcome& outcome);

  storage::Appender& appender_;
  const Clock& clock_;
  const std::string prefix_;
  const GroupLimits limits_;
  Mutex mutex_;
  // Kept by the request that asked, so that closing an idle group does not take it away from it.
  std::unordered_map<std::string, std::shared_ptr<Group>> groups_ NINES_GUARDED_BY(mutex_);
};

}  // namespace nines::collector
