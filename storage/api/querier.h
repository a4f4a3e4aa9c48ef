#pragma once
// The door through which metric samples go out.

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/exemplar.h"
#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/model/sample.h"
#include "storage/api/tier_window.h"

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

// Reads series of one selection, best one after the other: what neighbours share is looked up once.
// One thread at a time; lives no longer than its selection.
class SeriesReader {
 public:
  virtual ~SeriesReader() = default;
  // As SeriesSelection::read().
  virtual Result<void> read(std::size_t index, TimeRange range, SampleColumns& out) = 0;
};

// The answer to one select(): label sets and a reader for each. Lives on its own: what it shows is
// the store as it was at select() plus, possibly, newer samples. One thread at a time per object,
// except labels(), keep(), read() and reader(), which any number of threads may call, the first three
// for different indexes.
class SeriesSelection {
 public:
  virtual ~SeriesSelection() = default;
  virtual std::size_t size() const = 0;
  virtual const LabelSet& labels(std::size_t index) const = 0;  // sorted by LabelSet order
  // Memory of its own besides the label sets, about: what the store and others share is not in it.
  virtual std::uint64_t bytes_held() const { return 0; }
  // labels(index).keep(names), without making the whole set. `names` are sorted and unique.
  virtual LabelSet keep(std::size_t index, std::span<const std::string> names) const {
    return labels(index).keep(names);
  }
  // Appends nothing but replaces `out`: the samples in the closed `range`, ascending, one per time.
  // Staleness markers are included. kCorrupt when pages of the series are damaged (others were
  // read, the text names how many were lost), kUnavailable when stopped.
  virtual Result<void> read(std::size_t index, TimeRange range, SampleColumns& out) const = 0;
  virtual std::unique_ptr<SeriesReader> reader() const;
  // Replaces `out`: the windows of the tier whose ends are in [from, to], ascending, one per end,
  // none empty. They know every sample the store ever took that it still knows of, wherever it is
  // kept: what no window was made of yet is folded from single samples here. So a window says the
  // same before and after its samples are gone. Errors as read().
  virtual Result<void> read_tier(std::size_t /*index*/, Tier /*tier*/, TimeRange /*range*/,
                                 std::vector<TierWindow>& out) const {
    out.clear();
    return {};
  }
};

// For those that know nothing better than one series after the other.
class PlainReader final : public SeriesReader {
 public:
  explicit PlainReader(const SeriesSelection& selection) : selection_(selection) {}
  Result<void> read(std::size_t index, TimeRange range, SampleColumns& out) override {
    return selection_.read(index, range, out);
  }

 private:
  const SeriesSelection& selection_;
};
inline std::unique_ptr<SeriesReader> SeriesSelection::reader() const {
  return std::make_unique<PlainReader>(*this);
}

// What a store still has. Single samples are dropped, the oldest first, when the room for them is
// used up; the windows of the tiers outlive them, in room of their own. The law for those who read:
//
// - Single samples after `dropped_until` are all there: an answer made of them alone is exact, and
//   tiers have no part in it.
// - Of what is at or before it some may be gone, and nothing says which: it is not to be read as
//   single samples. It is answered from a tier by what asks for no more than windows know
//   (count, sum, least, most, first, last, increase, resets, "was there any"), over spans that are
//   whole windows, and the answer names the tier; or it is not answered, and the answer says so.
struct Retention {
  std::optional<Timestamp> dropped_until;                  // none: nothing was ever dropped
  std::array<std::optional<Timestamp>, kTiers> tier_from;  // the oldest sample a tier knows of
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
  // answer, the result has exactly `limit` entries. kUnavailable when stopped.
  virtual Result<std::vector<std::string>> label_names(std::span<const Matcher> matchers,
                                                       TimeRange range, std::size_t limit,
                                                       const StopFlag* stop = nullptr) const = 0;
  virtual Result<std::vector<std::string>> label_values(const std::string& name,
                                                        std::span<const Matcher> matchers,
                                                        TimeRange range, std::size_t limit,
                                                        const StopFlag* stop = nullptr) const = 0;
  // Exemplars in `range` of the series that match all of at least one set of matchers; sorted by
  // series. Thread-safe. Without a store of them: none.
  virtual std::vector<SeriesExemplars> exemplars(std::span<const std::vector<Matcher>> /*sets*/,
                                                 TimeRange /*range*/) const {
    return {};
  }
  // Thread-safe; cheap.
  virtual Retention retention() const { return {}; }
  // Metadata by metric family.
  virtual std::map<std::string, Metadata> metadata() const = 0;
};

}  // namespace nines::storage
