#pragma once
// The stores of a data folder, opened to be asked and nothing else: what they write while they
// recover stays in memory.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/fs/fs.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "storage/api/logs.h"
#include "storage/api/querier.h"
#include "storage/api/status.h"
#include "storage/ring/ring.h"

namespace nines::storage {

struct OpenedSurroundings {
  const Clock& clock;
  Scheduler& scheduler;  // never used for a timer
  Log& log;              // what recovery finds damaged
  Telemetry& telemetry;
};

struct ClassShare {
  std::string name;  // "journal", "raw", ...
  std::uint64_t segments = 0, segments_used = 0;
  std::uint64_t bytes = 0, bytes_used = 0;  // of the share
  Timestamp oldest{}, newest{};             // equal and zero: not known
};

// A snapshot of a stopped folder, or of a running one as it was when this was opened; segments that
// a running nines uses again later read as lost. Writes nothing to the folder and takes no lock.
class OpenedFolder {
 public:
  struct Options {
    std::size_t page_cache_bytes = 64u << 20;
    // What the classes get of the ring: a folder does not say.
    ring::Parts parts = ring::RingOptions{}.parts;
  };
  // kNotFound, kCorrupt: the folder holds no ring. kUnavailable: a running nines gives its journal
  // back faster than it can be read. kIo.
  static Result<std::unique_ptr<OpenedFolder>> open(Fs& fs, const std::string& path,
                                                    const OpenedSurroundings& around,
                                                    const Options& options);
  virtual ~OpenedFolder() = default;

  virtual const Querier& querier() const = 0;
  virtual const LogQuerier& log_querier() const = 0;
  virtual StoreStatus status(std::size_t top) const = 0;  // of the metric store
  virtual std::uint64_t log_lines_in_journal() const = 0;
  virtual std::vector<ClassShare> classes() const = 0;  // those that have a share
  virtual std::uint64_t bytes_in_memory() const = 0;    // of what was written over the files
};

}  // namespace nines::storage
