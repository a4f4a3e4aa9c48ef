#pragma once
// The log ring: lines in memory and in a journal first, in compressed blocks after.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "storage/api/late_samples.h"
#include "storage/api/logs.h"
#include "storage/ring/ring.h"

namespace nines::storage {

struct LogOptions {
  std::size_t streams_max = 10'000;
  std::size_t block_bytes = 256u << 10;     // of text in a block, before compression
  std::size_t head_bytes = 4u << 20;        // of text in memory before it is cut into blocks
  std::size_t line_bytes_max = 1u << 20;    // longer lines are cut there
  std::size_t label_bytes_max = 16u << 10;  // of one stream
  Duration sync_interval{1'000};            // of the journal; zero: the owner calls maintain()
  bool sync_always = false;                 // append() returns when its lines are on disk
};

struct LogSurroundings {
  const Clock& clock;
  Scheduler& scheduler;
  Log& log;
  Telemetry& telemetry;
};

struct LogStoreStatus {
  std::uint64_t streams = 0;
  std::uint64_t lines_appended = 0;   // since open()
  std::uint64_t lines_recovered = 0;  // from the journal, at open()
  std::uint64_t blocks = 0;
  std::uint64_t head_bytes = 0;  // of text
  std::uint64_t damaged = 0;     // blocks, footers and journal frames that did not read
  std::int64_t oldest = 0;       // nanoseconds; both zero when there is no line
  std::int64_t newest = 0;
};

// Owns the classes kLogs and kLogJournal of the ring: nobody else appends to them. A line that was
// appended is in the journal, so that killing the process loses nothing; power loss loses at most
// sync_interval. The head is cut into blocks when it is full or its journal segments are needed.
// Lines of any time are accepted, in any order. Retention is the ring's: the oldest segment goes
// whole.
//
// Lines of equal time keep their order of arrival; kNewestFirst is the exact reverse of
// kOldestFirst. Thread-safe. `ring` and everything in LogSurroundings must outlive the store.
class LogStore : public LogAppender, public LogQuerier, public LateSamples {
 public:
  // Reads the index of blocks, then replays the journal. kInvalid: options that do not fit the
  // ring; kIo. Damage is skipped, counted and logged.
  static Result<std::unique_ptr<LogStore>> open(ring::Ring& ring, const LogOptions& options,
                                                const LogSurroundings& around);

  // Syncs the journal; also repairs what an earlier failure left undone. Every sync_interval.
  virtual Result<void> maintain() = 0;
  // Cuts the head into blocks now, on disk when it returns. kIo.
  virtual Result<void> cut() = 0;
  virtual LogStoreStatus status() const = 0;
};

}  // namespace nines::storage
