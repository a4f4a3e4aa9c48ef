#pragma once
// The door through which metric samples come in.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/exemplar.h"
#include "base/model/labels.h"
#include "base/model/sample.h"

namespace nines::storage {

// A series' place in its group; valid for the life of the GroupWriter that gave it.
enum class Slot : std::uint32_t {};

// One sample of one instant.
struct Row {
  Slot slot{};
  double value = 0;
  const Histogram* histogram = nullptr;  // when set, `value` means nothing; copied by append()
  // The sample's own time (explicit exposition timestamps, remote write). Unset: the batch's.
  std::int64_t own_time_ms = kBatchTime;
  static constexpr std::int64_t kBatchTime = INT64_MIN;
  // When the counter behind this sample began to count; 0: unknown.
  std::int64_t start_time_ms = 0;
};

// What became of a batch; the refused rows are counted, the others are kept.
struct AppendOutcome {
  std::uint32_t appended = 0;
  std::uint32_t duplicates = 0;     // same time, same value: silent
  std::uint32_t conflicts = 0;      // same time, another value: refused
  std::uint32_t out_of_order = 0;   // older than the out-of-order window: refused
  std::uint32_t too_far_ahead = 0;  // more than 10 minutes in the future: refused
  // Most of the group's slots had no sample for long. They cost memory and count towards the
  // limits until whoever can opens the group anew (GroupSpec::anew).
  bool worn = false;
};

// An exemplar of one series.
struct ExemplarRow {
  Slot slot{};
  Exemplar exemplar;
};

// What became of exemplars; the refused ones are counted, the others are kept.
struct ExemplarOutcome {
  std::uint32_t appended = 0;
  std::uint32_t duplicates = 0;    // the series' newest once more: silent
  std::uint32_t out_of_order = 0;  // older than the series' newest: refused
  std::uint32_t too_long = 0;      // past kExemplarCharactersMax: refused
};

// A set of series sampled at the same instants: one target's scrape, one rule group's evaluation,
// one remote-write sender and job. One thread at a time.
class GroupWriter {
 public:
  virtual ~GroupWriter() = default;

  // The place of the series with exactly these labels; makes it when new. Ask once per series and
  // keep the answer. kLimit when a series limit is reached: the newcomer is refused, counted and
  // named, the others go on.
  virtual Result<Slot> slot(const LabelSet& labels) = 0;

  // Appends one instant. All rows are visible to queries when it returns; durable after the sync
  // interval (or on return with sync = "always"). A staleness marker is a row whose value is
  // stale_nan(). kIo when the journal can take no more (memory still has the rows).
  virtual Result<AppendOutcome> append(Timestamp at, std::span<const Row> rows) = 0;

  // Keeps exemplars of this group's series, which are in the order of their times. They are as
  // durable as the store's sync interval makes them. A store that keeps none takes none. kIo when
  // the journal can take no more (memory still has them).
  virtual Result<ExemplarOutcome> append_exemplars(std::span<const ExemplarRow> /*rows*/) {
    return ExemplarOutcome{};
  }
};

// What a group is, before its first series.
struct GroupSpec {
  GroupSpec(std::string group_name) : name(std::move(group_name)) {}  // NOLINT: a name is enough
  GroupSpec(const char* group_name) : name(group_name) {}             // NOLINT
  GroupSpec(std::string group_name, LabelSet group_labels, std::string group_family)
      : name(std::move(group_name)),
        labels(std::move(group_labels)),
        family(std::move(group_family)) {}

  // Identifies the group across restarts, e.g. "scrape/node/http://10.0.0.1:9100/metrics".
  std::string name;
  // Labels that most of its series have (a target's): they are kept once. A series may have another
  // value of them, or lack them.
  LabelSet labels;
  // Groups that expose much the same beside their labels (a job's targets) have one family, and
  // share what a store keeps about their series. Empty: a family of its own.
  std::string family;
  // Begin with new slots, and leave those of an earlier writer behind: their samples stay readable.
  bool anew = false;
};

class Appender {
 public:
  virtual ~Appender() = default;

  // Thread-safe. Opening a name again continues the group. At most one writer per name at a time
  // (kInvalid).
  virtual Result<std::unique_ptr<GroupWriter>> open_group(const GroupSpec& spec) = 0;

  // Keeps type, help and unit of a metric family. Thread-safe; cheap when nothing changed.
  virtual void set_metadata(const std::string& family, const Metadata& metadata) = 0;
};

}  // namespace nines::storage
