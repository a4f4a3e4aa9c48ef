#pragma once
// The LogStore: head, journal, cutting, recovery.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/core/mutex.h"
#include "storage/logs/internal/block_index.h"
#include "storage/logs/internal/block_writer.h"
#include "storage/logs/internal/head.h"
#include "storage/logs/internal/merge.h"
#include "storage/logs/log_store.h"

namespace nines::storage::logs {

// Two locks. append_mutex_ is held for a whole append, sync or cut: the ring wants one writing
// thread per class. mutex_ is held only to look at or change what readers see; taken after
// append_mutex_.
class StoreImpl final : public LogStore {
 public:
  StoreImpl(ring::Ring& ring, const LogOptions& options, const LogSurroundings& around);
  ~StoreImpl() override;

  Result<void> recover();  // before anything else
  void start_timer();

  Result<void> append(const LabelSet& stream, std::span<const LogLine> lines) override;
  Result<void> flush() override;
  Result<void> maintain() override;
  Result<void> cut() override;
  LogStoreStatus status() const override;
  std::optional<Timestamp> take_late() override;

  Result<LogScanStats> scan(
      std::span<const Matcher> matchers, LogRange range, LogOrder order,
      const std::function<bool(const LabelSet& stream, const LogLine& line)>& visit,
      const StopFlag* stop) const override;
  std::vector<LabelSet> streams(std::span<const Matcher> matchers, LogRange range) const override;

 private:
  struct Metrics {
    explicit Metrics(Telemetry& telemetry);
    Counter& lines;
    Counter& bytes;
    Counter& lines_cut;
    Counter& streams_refused;
    Counter& blocks;
    Counter& damaged;
    Gauge& streams;
  };
  // Lets a task that the scheduler runs late find out that the store is gone.
  struct Timer {
    Mutex mutex;
    StoreImpl* store NINES_GUARDED_BY(mutex) = nullptr;
  };

  Result<std::vector<Block>> find_blocks();
  Result<void> read_segment(const ring::SegmentInfo& info, std::vector<Block>& found);
  Result<std::uint64_t> journal_first();
  Result<void> replay_journal(std::uint64_t covered);
  void adopt_batch(const ring::Frame& frame);

  Result<void> journal_batch(std::shared_ptr<Batch> batch) NINES_REQUIRES(append_mutex_);
  Result<ring::Location> append_to_journal(std::span<const std::byte> payload,
                                           ring::TimeBounds times) NINES_REQUIRES(append_mutex_);
  Result<void> flush_locked() NINES_REQUIRES(append_mutex_);
  Result<void> cut_locked() NINES_REQUIRES(append_mutex_);
  Result<std::vector<BlockPtr>> write_cut(const std::vector<BatchPtr>& batches)
      NINES_REQUIRES(append_mutex_);
  void release_journal() NINES_REQUIRES(append_mutex_);
  Snapshot snapshot(std::span<const Matcher> matchers, LogRange range, LogScanStats& stats) const;
  void note_damage(const std::string& what) const;
  void on_evict(const ring::SegmentInfo& info);
  static void arm(const std::shared_ptr<Timer>& timer, Scheduler& scheduler, Duration interval);

  ring::Ring& ring_;
  LogOptions options_;
  const Clock& clock_;
  Scheduler& scheduler_;
  Log& log_;
  mutable Metrics metrics_;
  std::shared_ptr<Timer> timer_ = std::make_shared<Timer>();

  mutable Mutex append_mutex_;
  BlockWriter writer_ NINES_GUARDED_BY(append_mutex_);
  std::uint64_t next_cut_ NINES_GUARDED_BY(append_mutex_) = 1;
  // The journal failed, and lines that were acknowledged may be in memory alone until the next cut.
  bool journal_broken_ NINES_GUARDED_BY(append_mutex_) = false;

  mutable Mutex mutex_;
  std::vector<std::uint64_t> evicted_ NINES_GUARDED_BY(mutex_);  // generations, since the cut began
  StreamTable streams_ NINES_GUARDED_BY(mutex_);
  BlockIndex index_ NINES_GUARDED_BY(mutex_);
  Head head_ NINES_GUARDED_BY(mutex_);
  std::uint64_t lines_appended_ NINES_GUARDED_BY(mutex_) = 0;
  std::int64_t late_ns_ NINES_GUARDED_BY(mutex_) = INT64_MAX;  // the earliest; see take_late()
  std::uint64_t lines_recovered_ NINES_GUARDED_BY(mutex_) = 0;
  mutable std::uint64_t damaged_ NINES_GUARDED_BY(mutex_) = 0;
};

}  // namespace nines::storage::logs
