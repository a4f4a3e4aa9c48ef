#pragma once
// The door through which metric samples go out.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/exemplar.h"
#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/model/sample.h"

namespace nines::storage {

// A closed interval [from, to].
struct TimeRange {
  Timestamp from{};
  Timestamp to{};
};

// Set by whoever wants a read to stop (timeout, cancelled query); looked at at least every 10 ms.
struct StopFlag {
  std::atomic<bool> stop{false};
};

// The answer to one select(): label sets and a reader for each. Lives on its own: what it shows is
// the store as it was at select() plus, possibly, newer samples. One thread at a time per object,
// except read(), which any number of threads may call for different indexes.
class SeriesSelection {
 public:
  virtual ~SeriesSelection() = default;
  virtual std::size_t size() const = 0;
  virtual const LabelSet& labels(std::size_t index) const = 0;  // sorted by LabelSet order
  // Appends nothing but replaces `out`: the samples in the closed `range`, ascending, one per time.
  // Staleness markers are included. kCorrupt when pages of the series are damaged (others were
  // read, the text names how many were lost), kUnavailable when stopped.
  virtual Result<void> read(std::size_t index, TimeRange range, SampleColumns& out) const = 0;
};

struct SeriesExemplars {
  LabelSet series;
  std::vector<Exemplar> exemplars;  // ascending by time; never empty
};

class Querier {
 public:
  virtual ~Querier() = default;

  // Series that may have samples in `range` and match all `matchers`. At least one matcher must not
  // match the empty string (kInvalid). Thread-safe. kLimit past `series_max`.
  virtual Result<std::unique_ptr<SeriesSelection>> select(std::span<const Matcher> matchers,
                                                          TimeRange range, std::size_t series_max,
                                                          const StopFlag* stop = nullptr) const = 0;

  // Sorted, unique. Empty `matchers`: everything in the range. `limit` 0: no limit; when it cut the
  // answer, the result has exactly `limit` entries.
  virtual Result<std::vector<std::string>> label_names(std::span<const Matcher> matchers,
                                                       TimeRange range,
                                                       std::size_t limit) const = 0;
  virtual Result<std::vector<std::string>> label_values(const std::string& name,
                                                        std::span<const Matcher> matchers,
                                                        TimeRange range,
                                                        std::size_t limit) const = 0;
  // Exemplars in `range` of the series that match all of at least one set of matchers; sorted by
  // series. Thread-safe. Without a store of them: none.
  virtual std::vector<SeriesExemplars> exemplars(std::span<const std::vector<Matcher>> /*sets*/,
                                                 TimeRange /*range*/) const {
    return {};
  }
  // Metadata by metric family.
  virtual std::map<std::string, Metadata> metadata() const = 0;
};

}  // namespace nines::storage
