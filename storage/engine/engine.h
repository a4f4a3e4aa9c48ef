#pragma once
// Opens every store of one data folder and hands out the doors of storage/api.

#include <cstdint>
#include <memory>
#include <string>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/fs/fs.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "storage/api/appender.h"
#include "storage/api/deletions.h"
#include "storage/api/late_samples.h"
#include "storage/api/logs.h"
#include "storage/api/querier.h"
#include "storage/api/state_store.h"
#include "storage/api/status.h"
#include "storage/engine/ring_shape.h"

namespace nines::storage {

// The least a budget may be: SQLite's reserve, and segments for every class.
inline constexpr std::uint64_t kBudgetMin = 16ULL << 20;

enum class SyncMode : std::uint8_t { kInterval, kAlways };

struct Options {
  std::string path;                         // the data folder; made when missing
  std::uint64_t budget_bytes = 1ULL << 30;  // all files together, SQLite's reserve included
  bool keep_size = false;           // whatever the budget: as the folder is; kNotFound: none
  double budget_percent = 0;        // > 0: that part of the disk instead
  std::uint64_t segment_bytes = 0;  // 0: budget / 64, between 1 MiB and 128 MiB
  QuotaPercents quota;              // of the ring, by class; see ring_shape.h
  SyncMode sync = SyncMode::kInterval;
  Duration sync_interval{1'000};
  Duration out_of_order_window{3'600'000};
  Duration future_max{600'000};
  std::uint64_t series_max = 2'000'000;  // in the head, all groups together
  std::uint64_t series_per_group_max = 500'000;
  std::uint64_t series_per_metric_max = 500'000;
  std::uint64_t labels_per_series_max = 64;  // __name__ is one
  std::uint64_t label_name_bytes_max = 1'024;
  std::uint64_t label_value_bytes_max = 4'096;
  std::uint64_t exemplars_max = 100'000;  // the newest are kept; 0: none
  std::uint64_t selection_cache_bytes = 32u << 20;  // kept of what selectors mean; 0: nothing
  std::uint64_t streams_max = 10'000;     // of logs
  std::uint32_t rows_per_page = 64;       // a group's columns are encoded after so many rows
  Duration page_age_max{900'000};         // or after this long
};

struct Surroundings {
  Fs& fs;
  const Clock& clock;
  Scheduler& scheduler;
  Log& log;
  Telemetry& telemetry;
};

// The destructor flushes and syncs; killing the process instead loses nothing either.
class Engine : public StatusSource {
 public:
  // kInvalid: no path, or a budget below kBudgetMin, kLimit: the disk cannot hold the budget (text:
  // what is free, what to write instead), kUnavailable: another nines holds the folder, kCorrupt:
  // both superblocks damaged, kIo.
  static Result<std::unique_ptr<Engine>> open(const Options& options, const Surroundings& around);

  virtual Appender& appender() = 0;
  virtual Querier& querier() = 0;
  virtual SeriesDeleter& deleter() = 0;
  virtual LateSamples& late_samples() = 0;
  virtual LateSamples& late_lines() = 0;  // of logs
  virtual LogAppender& log_appender() = 0;
  virtual LogQuerier& log_querier() = 0;
  virtual StateStore& state() = 0;

  // Writes the rows that wait for their page into the ring now, and syncs the log lines; what pages
  // cost can be measured then. Nothing needs it: the journals have them. kIo.
  virtual Result<void> flush() = 0;
};

}  // namespace nines::storage
