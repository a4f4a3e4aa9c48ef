#pragma once
// The store of metric samples: a journal for what is new, columns in memory, pages on the ring.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "storage/api/appender.h"
#include "storage/api/deletions.h"
#include "storage/api/key_values.h"
#include "storage/api/late_samples.h"
#include "storage/api/querier.h"
#include "storage/api/status.h"
#include "storage/ring/ring.h"

namespace nines::storage {

struct MetricStoreOptions {
  bool sync_always = false;                 // append() returns when its rows are on disk
  Duration out_of_order_window{3'600'000};  // behind the group's newest sample
  Duration future_max{600'000};             // ahead of the clock
  std::uint64_t series_max = 2'000'000;     // active ones, all groups together
  std::uint64_t series_per_group_max = 500'000;
  std::uint64_t series_per_metric_max = 500'000;  // of one name, all groups together
  std::uint64_t labels_per_series_max = 64;       // __name__ is one
  std::uint64_t label_name_bytes_max = 1'024;
  std::uint64_t label_value_bytes_max = 4'096;
  std::size_t deletions_max = 1'000;    // whose data is still there
  std::size_t exemplars_max = 100'000;  // kept, the newest; 0: none
  std::uint32_t rows_per_page = 64;     // 1..64
  Duration page_age_max{900'000};
  // Open samples of a group that append() makes pages of itself, some 20 ms; more are left to
  // tend(), so that nobody waits for them.
  std::size_t flush_at_once_samples = 262'144;
  std::size_t page_cache_bytes = 64u << 20;  // unpacked pages kept for queries
  // What selectors of late queries mean, kept for when they are asked again; 0: not kept.
  std::size_t selection_cache_bytes = 32u << 20;
};

struct MetricStoreParts {
  ring::Ring& ring;
  KeyValueStore& key_values;  // keeps the metadata
  const Clock& clock;
  Log& log;
  Telemetry& telemetry;
};

// Thread-safe, but for tend() and the writers (one thread at a time each).
class MetricStore : public Appender,
                    public Querier,
                    public SeriesDeleter,
                    public LateSamples {
 public:
  // Recovers everything from the ring: the same way after a crash and after a clean stop. kIo.
  static Result<std::unique_ptr<MetricStore>> open(const MetricStoreOptions& options,
                                                   const MetricStoreParts& parts);

  // Everything appended before the call is on disk when it returns. After kIo what was not durable
  // is written again elsewhere by the next tend().
  virtual Result<void> sync() = 0;
  // Regular work: encodes groups whose page is old, gives journal segments back, keeps metadata.
  virtual void tend() = 0;
  // Encodes all open rows into pages, synced.
  virtual Result<void> flush() = 0;
  // Fills head_*, series_*, samples_appended, damage, recovered_samples, top_*, times in classes.
  virtual void add_status(StoreStatus& status, std::size_t top) const = 0;
};

}  // namespace nines::storage
