#include "storage/engine/engine.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/core/mutex.h"
#include "base/core/real_clock.h"
#include "base/text/numbers.h"
#include "storage/engine/internal/state_room.h"
#include "storage/logs/log_store.h"
#include "storage/metrics/metric_store.h"
#include "storage/ring/check.h"
#include "storage/ring/ring.h"
#include "storage/state/sqlite_state.h"

namespace nines::storage {
namespace {

constexpr Duration kFillEvery{50};
constexpr Duration kTendEvery{5'000};
constexpr std::uint64_t kDiskFull = 1ULL << 20;

class EngineImpl final : public Engine {
 public:
  EngineImpl(const Options& options, const Surroundings& around)
      : options_(options), around_(around) {}

  Result<void> begin() {
    const Instant started = around_.clock.elapsed();
    if (options_.path.empty()) return Error(ErrorCode::kInvalid, "no data folder is named");
    if (options_.keep_size) {  // where nothing is, nothing is made
      if (auto stored = ring::stored_ring_size(around_.fs, options_.path); !stored)
        return std::move(stored).error();
    }
    if (Result<void> made = around_.fs.make_dirs(options_.path); !made) return made;
    NINES_TRY(lock_, around_.fs.lock(options_.path + "/lock"));
    if (options_.keep_size) {
      NINES_TRY(const ring::RingSize stored, ring::stored_ring_size(around_.fs, options_.path));
      options_.budget_bytes = budget_for_ring(stored.bytes);
      options_.segment_bytes = stored.segment_bytes;
    } else if (options_.budget_percent > 0) {
      NINES_TRY(const DiskSpace space, around_.fs.space(options_.path));
      options_.budget_bytes = static_cast<std::uint64_t>(static_cast<double>(space.total) *
                                                         options_.budget_percent / 100);
    }
    if (options_.budget_bytes < kBudgetMin) {
      return Error(ErrorCode::kInvalid, "a budget of " + format_bytes(options_.budget_bytes) +
                                            " is too small for a ring: it needs at least " +
                                            format_bytes(kBudgetMin));
    }
    ring::RingOptions ring_options;
    ring_options.path = options_.path;
    RingShape shape = ring_shape(options_.budget_bytes, options_.segment_bytes);
    if (options_.keep_size) {
      NINES_TRY(const ring::RingSize stored, ring::stored_ring_size(around_.fs, options_.path));
      shape.bytes = stored.bytes;
    }
    ring_options.bytes = shape.bytes;
    ring_options.segment_bytes = shape.segment_bytes;
    ring_options.bytes_beside = state_reserve(options_.budget_bytes);
    if (Result<void> fits = fits_stored_segments(ring_options, shape); !fits) return fits;
    if (const auto mistake = share_quotas(options_.quota, shape, ring_options.parts))
      return Error(ErrorCode::kInvalid, "[storage] quota: " + mistake->text);
    NINES_TRY(ring_, ring::Ring::open(ring_options, around_.fs, around_.clock, around_.log));
    room_.emplace(around_.fs, around_.log, options_.path, state_reserve(options_.budget_bytes));
    room_->before_open();
    NINES_TRY(state_, open_sqlite_state(options_.path + "/state.db", around_.clock, around_.log,
                                        room_->limits()));
    room_->after_open();
    MetricStoreOptions metrics;
    metrics.sync_always = options_.sync == SyncMode::kAlways;
    metrics.out_of_order_window = options_.out_of_order_window;
    metrics.future_max = options_.future_max;
    metrics.series_max = options_.series_max;
    metrics.series_per_group_max = options_.series_per_group_max;
    metrics.series_per_metric_max = options_.series_per_metric_max;
    metrics.labels_per_series_max = options_.labels_per_series_max;
    metrics.label_name_bytes_max = options_.label_name_bytes_max;
    metrics.label_value_bytes_max = options_.label_value_bytes_max;
    metrics.exemplars_max = options_.exemplars_max;
    metrics.selection_cache_bytes = options_.selection_cache_bytes;
    metrics.rows_per_page = options_.rows_per_page;
    metrics.page_age_max = options_.page_age_max;
    NINES_TRY(metrics_, MetricStore::open(metrics, {*ring_, *state_, around_.clock, around_.log,
                                                    around_.telemetry}));
    LogOptions logs;
    logs.streams_max = options_.streams_max;
    logs.sync_interval = Duration::zero();  // by our own thread
    logs.sync_always = options_.sync == SyncMode::kAlways;
    // Two heads must fit the log journal's smallest share. A folder keeps the segments it was made
    // with, whatever the budget is now.
    const std::uint32_t segment_bytes = ring_->segment_bytes();
    logs.head_bytes = std::min<std::size_t>(logs.head_bytes, segment_bytes / 2);
    logs.block_bytes = std::min<std::size_t>(logs.block_bytes, segment_bytes / 4);
    logs.line_bytes_max = std::min<std::size_t>(logs.line_bytes_max, segment_bytes / 8);
    NINES_TRY(logs_,
              LogStore::open(*ring_, logs,
                             {around_.clock, around_.scheduler, around_.log, around_.telemetry}));
    opened_at_ = around_.clock.elapsed();
    recovery_ = std::chrono::duration_cast<Duration>(opened_at_ - started);
    around_.log.info("storage", "opened {} in {} ms: {} samples and {} log lines from the journal",
                     options_.path, recovery_.count(), status(0).recovered_samples,
                     logs_->status().lines_recovered);
    worker_ = make_thread_pool("storage", 1, 1024);
    {
      const MutexLock lock(shared_->mutex);
      shared_->engine = this;
    }
    every(options_.sync_interval, [](EngineImpl& e) {
      e.sync();
      return true;
    });
    every(kTendEvery, [](EngineImpl& e) {
      e.tend();
      return true;
    });
    every(kFillEvery, [](EngineImpl& e) { return e.ring_->fill_step(); });
    return {};
  }

  ~EngineImpl() override {
    {
      const MutexLock lock(shared_->mutex);
      shared_->engine = nullptr;
    }
    worker_.reset();
    if (metrics_) {
      if (Result<void> synced = metrics_->sync(); !synced)
        around_.log.error("storage", "last sync: {}", synced.error().what());
    }
    if (logs_) {
      if (Result<void> synced = logs_->flush(); !synced)
        around_.log.error("storage", "last log sync: {}", synced.error().what());
    }
    logs_.reset();
    metrics_.reset();
    state_.reset();
    if (room_) room_->after_close();
  }

  Appender& appender() override { return *metrics_; }
  Querier& querier() override { return *metrics_; }
  SeriesDeleter& deleter() override { return *metrics_; }
  LateSamples& late_samples() override { return *metrics_; }
  LateSamples& late_lines() override { return *logs_; }
  LogAppender& log_appender() override { return *logs_; }
  LogQuerier& log_querier() override { return *logs_; }
  StateStore& state() override { return *state_; }

  Result<void> flush() override {
    if (Result<void> flushed = metrics_->flush(); !flushed) return flushed;
    return logs_->flush();
  }

  StoreStatus status(std::size_t top) const override {
    StoreStatus status;
    status.path = options_.path;
    status.budget_bytes = options_.budget_bytes;
    status.zero_filled_bytes = ring_->bytes_filled();
    status.damage = ring_->damage();
    status.damaged_segments = status.damage.size();
    status.recovery_time = recovery_;
    metrics_->add_status(status, top);
    const std::vector<ClassStatus> samples = std::exchange(status.classes, {});
    if (logs_) status.log_lines_appended = logs_->status().lines_appended;
    const double seconds =
        std::max(1.0, static_cast<double>((around_.clock.elapsed() - opened_at_).count()) / 1e9);
    for (const auto cls :
         {ring::SegmentClass::kJournal, ring::SegmentClass::kRaw, ring::SegmentClass::kT5m,
          ring::SegmentClass::kT1h, ring::SegmentClass::kLogs, ring::SegmentClass::kLogJournal}) {
      status.classes.push_back(class_status(cls, seconds));
    }
    // The ring knows the times of full segments only, the store those of all its samples.
    for (const ClassStatus& known : samples) {
      for (ClassStatus& one : status.classes) {
        if (one.name != known.name) continue;
        const bool none = one.newest == Timestamp{};
        one.oldest = none ? known.oldest : std::min(one.oldest, known.oldest);
        one.newest = none ? known.newest : std::max(one.newest, known.newest);
      }
    }
    return status;
  }

 private:
  struct Shared {
    Mutex mutex;
    EngineImpl* engine NINES_GUARDED_BY(mutex) = nullptr;
  };

  // kInvalid when the folder's segments are too large for the budget. `shape` takes on their size.
  Result<void> fits_stored_segments(const ring::RingOptions& wanted, RingShape& shape) {
    const auto stored = ring::stored_ring_size(around_.fs, options_.path);
    if (!stored) return {};  // a new folder, or damage that opening the ring tells
    const std::uint64_t least =
        stored->bytes % stored->segment_bytes +
        std::uint64_t{ring::segments_min(wanted.parts)} * stored->segment_bytes;
    shape.segment_bytes = stored->segment_bytes;
    if (wanted.bytes >= least) return {};
    return Error(ErrorCode::kInvalid,
                 "a budget of " + format_bytes(options_.budget_bytes) + " is too small for " +
                     options_.path + ": it was made with segments of " +
                     format_bytes(stored->segment_bytes) + ", which need a budget of at least " +
                     format_bytes(budget_for_ring(least)) + "; or start with another folder");
  }

  ClassStatus class_status(ring::SegmentClass cls, double seconds) const {
    const ring::Ring::ClassUse use = ring_->use(cls);
    ClassStatus out;
    out.name = std::string(ring::to_string(cls));
    out.segments = use.quota;
    out.segments_used = use.used;
    out.bytes = use.bytes;
    out.bytes_used = use.bytes_used;
    ring::TimeBounds bounds;
    for (const ring::SegmentInfo& segment : ring_->segments(cls)) bounds.include(segment.times);
    if (!bounds.empty()) {
      const bool nanos = cls == ring::SegmentClass::kLogs || cls == ring::SegmentClass::kLogJournal;
      const std::int64_t unit = nanos ? 1'000'000 : 1;
      out.oldest = from_millis(bounds.min / unit);
      out.newest = from_millis(bounds.max / unit);
    }
    out.bytes_per_second = static_cast<double>(use.bytes_appended) / seconds;
    const bool keeps =
        cls != ring::SegmentClass::kJournal && cls != ring::SegmentClass::kLogJournal;
    if (keeps)
      out.projected_retention =
          projected_retention(out.bytes, out.bytes_used, out.oldest, out.newest);
    return out;
  }

  // `work` runs on the store's own thread, again after `interval` as long as it returns true. The
  // mutex is not held meanwhile, or the timers' thread, which is everybody's, would wait for a disk
  // with it. The destructor waits for what runs before anything goes that it may use.
  void every(Duration interval, std::function<bool(EngineImpl&)> work) {
    around_.scheduler.after(interval, [shared = shared_, interval, work = std::move(work)] {
      const MutexLock lock(shared->mutex);
      if (!shared->engine) return;
      EngineImpl& engine = *shared->engine;
      const bool taken = engine.worker_->post([&engine, interval, work] {
        if (work(engine)) engine.every(interval, work);
      });
      if (!taken) engine.every(interval, work);
    });
  }

  void sync() {
    if (Result<void> synced = metrics_->sync(); !synced)
      around_.log.error("storage", "journal: {}", synced.error().what());
    if (Result<void> synced = logs_->maintain(); !synced)
      around_.log.error("storage", "log journal: {}", synced.error().what());
  }
  // Nothing of ours needs more than it has; the operator's other programs will.
  void watch_disk() {
    const auto space = around_.fs.space(options_.path);
    if (!space) return;
    around_.telemetry.gauge("nines_storage_disk_free_bytes", "Free on the disk of the data folder.")
        .set(static_cast<double>(space->free));
    const bool full = space->free < kDiskFull;
    if (full && !disk_was_full_) {
      around_.log.warn("storage",
                       "the disk of {} is full ({} free); nines goes on in the files it has, other "
                       "programs there will not",
                       options_.path, format_bytes(space->free));
    } else if (!full && disk_was_full_) {
      around_.log.info("storage", "the disk of {} has room again", options_.path);
    }
    disk_was_full_ = full;
  }
  void tend() {
    metrics_->tend();
    watch_disk();
    const StoreStatus now = status(0);
    Telemetry& t = around_.telemetry;
    t.gauge("nines_storage_head_series", "Series in the index.")
        .set(static_cast<double>(now.head_series));
    t.gauge("nines_storage_budget_bytes", "Bytes all files together may take.")
        .set(static_cast<double>(now.budget_bytes));
    t.gauge("nines_storage_samples_appended", "Samples appended since the start.")
        .set(static_cast<double>(now.samples_appended));
    t.gauge("nines_storage_damaged_segments", "Segments with damage found at the start.")
        .set(static_cast<double>(now.damaged_segments));
    for (const ClassStatus& c : now.classes) {
      const MetricLabels labels = {{"class", c.name}};
      t.gauge("nines_storage_class_bytes", "Bytes of the class's share.", labels)
          .set(static_cast<double>(c.bytes));
      t.gauge("nines_storage_class_bytes_used", "Bytes of it that hold data.", labels)
          .set(static_cast<double>(c.bytes_used));
      t.gauge("nines_storage_class_projected_retention_seconds",
              "How long the share lasts at the measured rate; 0: not known.", labels)
          .set(to_seconds(c.projected_retention));
    }
  }

  Options options_;
  const Surroundings around_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::unique_ptr<File> lock_;
  std::unique_ptr<ring::Ring> ring_;
  std::optional<StateRoom> room_;
  std::unique_ptr<StateStore> state_;
  std::unique_ptr<MetricStore> metrics_;
  std::unique_ptr<LogStore> logs_;
  std::unique_ptr<Executor> worker_;
  bool disk_was_full_ = false;  // of the store's thread
  Instant opened_at_{};
  Duration recovery_{};
};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(const Options& options, const Surroundings& around) {
  auto engine = std::make_unique<EngineImpl>(options, around);
  if (Result<void> begun = engine->begin(); !begun) return std::move(begun).error();
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace nines::storage
