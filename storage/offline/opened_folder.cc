#include "storage/offline/opened_folder.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "storage/api/key_values.h"
#include "storage/logs/log_store.h"
#include "storage/metrics/metric_store.h"
#include "storage/offline/internal/overlay_fs.h"
#include "storage/ring/check.h"
#include "storage/ring/ring.h"
#include "storage/state/sqlite_copy.h"

namespace nines::storage {
namespace {

using ring::SegmentClass;

constexpr int kTries = 5;  // to read while a running nines moves rows from the journal into pages
constexpr std::uint64_t kSegmentsMax = 16'384;

// What the state database keeps for the stores, read once; changes stay here.
class KeyValuesInMemory final : public KeyValueStore {
 public:
  explicit KeyValuesInMemory(std::map<std::string, std::string> values)
      : values_(std::move(values)) {}
  Result<std::optional<std::string>> get_value(const std::string& key) override {
    const auto it = values_.find(key);
    if (it == values_.end()) return std::optional<std::string>();
    return std::optional(it->second);
  }
  Result<void> set_value(const std::string& key, const std::string& value) override {
    values_[key] = value;
    return {};
  }

 private:
  std::map<std::string, std::string> values_;
};

bool keeps_nanos(SegmentClass cls) {
  return cls == SegmentClass::kLogs || cls == SegmentClass::kLogJournal;
}

class Opened final : public OpenedFolder {
 public:
  Opened(Fs& fs, std::map<std::string, std::string> values)
      : fs_(fs), values_(std::move(values)) {}

  Result<void> begin(const std::string& path, const OpenedSurroundings& around,
                     const Options& options) {
    NINES_TRY(const ring::RingSize size, ring::stored_ring_size(fs_, path));
    ring::RingOptions ring_options;
    ring_options.path = path;
    ring_options.bytes = size.bytes;
    ring_options.segment_bytes = size.segment_bytes;
    ring_options.parts = options.parts;
    if (auto noted = note_shares(ring_options, around); !noted) return noted;
    // More segments, in memory and empty: whatever recovery writes evicts nothing.
    const std::uint64_t segments = size.bytes / size.segment_bytes;
    ring_options.bytes = size.bytes % size.segment_bytes +
                         std::max(segments, std::min(segments * 4, kSegmentsMax)) *
                             size.segment_bytes;
    NINES_TRY(ring_, ring::Ring::open(ring_options, fs_, around.clock, around.log));
    MetricStoreOptions metrics;
    metrics.series_max = metrics.series_per_group_max = std::numeric_limits<std::uint32_t>::max();
    metrics.exemplars_max = 0;
    metrics.page_cache_bytes = options.page_cache_bytes;
    NINES_TRY(metrics_, MetricStore::open(
                            metrics, {*ring_, values_, around.clock, around.log,
                                      around.telemetry}));
    LogOptions logs;
    logs.streams_max = std::numeric_limits<std::uint32_t>::max();
    logs.sync_interval = Duration(0);
    NINES_TRY(logs_, LogStore::open(*ring_, logs, {around.clock, around.scheduler, around.log,
                                                   around.telemetry}));
    note_times();
    return {};
  }

  const Querier& querier() const override { return *metrics_; }
  const LogQuerier& log_querier() const override { return *logs_; }
  StoreStatus status(std::size_t top) const override {
    StoreStatus out;
    metrics_->add_status(out, top);
    const std::vector<std::string> damage = ring_->damage();
    out.damage.insert(out.damage.end(), damage.begin(), damage.end());
    return out;
  }
  std::uint64_t log_lines_in_journal() const override { return logs_->status().lines_recovered; }
  std::vector<ClassShare> classes() const override { return shares_; }
  std::uint64_t bytes_in_memory() const override { return fs_.bytes_held(); }

 private:
  // Of the ring at its own size, before anything is recovered.
  Result<void> note_shares(const ring::RingOptions& options, const OpenedSurroundings& around) {
    OverlayFs fs(static_cast<Fs&>(fs_));
    NINES_TRY(const auto ring, ring::Ring::open(options, fs, around.clock, around.log));
    for (std::size_t i = 0; i < ring::kSegmentClasses; ++i) {
      const auto cls = static_cast<SegmentClass>(i);
      const ring::Ring::ClassUse use = ring->use(cls);
      if (use.quota == 0 && use.used == 0) continue;
      ClassShare share;
      share.name = std::string(ring::to_string(cls));
      share.segments = use.quota;
      share.bytes = use.bytes;
      for (const ring::SegmentInfo& segment : ring->segments(cls)) {
        ++share.segments_used;
        std::uint64_t end = segment.data_end;
        if (!segment.sealed) {
          const auto scanned = ring->scan(segment.segment, segment.generation,
                                          [](const ring::Frame&) { return false; });
          if (!scanned && scanned.error().code() == ErrorCode::kIo) return scanned.error();
          if (scanned) end = scanned->data_end;
        }
        share.bytes_used += end;
        lives_.push_back({segment.segment, segment.generation, cls});
      }
      shares_.push_back(share);
      classes_.push_back(cls);
    }
    return {};
  }

  // Of the segments that were there before; unsealed ones were scanned by the stores meanwhile.
  void note_times() {
    for (std::size_t i = 0; i < shares_.size(); ++i) {
      ring::TimeBounds times;
      for (const ring::SegmentInfo& segment : ring_->segments(classes_[i])) {
        const ring::SegmentLife life{segment.segment, segment.generation, classes_[i]};
        if (std::find(lives_.begin(), lives_.end(), life) == lives_.end()) continue;
        times.include(segment.times);
      }
      if (times.empty()) continue;
      const std::int64_t unit = keeps_nanos(classes_[i]) ? 1'000'000 : 1;
      shares_[i].oldest = from_millis(times.min / unit);
      shares_[i].newest = from_millis(times.max / unit);
    }
  }

  mutable OverlayFs fs_;
  KeyValuesInMemory values_;
  std::vector<ClassShare> shares_;
  std::vector<SegmentClass> classes_;       // of shares_
  std::vector<ring::SegmentLife> lives_;
  std::unique_ptr<ring::Ring> ring_;
  std::unique_ptr<MetricStore> metrics_;
  std::unique_ptr<LogStore> logs_;
};

std::vector<ring::SegmentLife> journals_of(const std::vector<ring::SegmentLife>& lives) {
  std::vector<ring::SegmentLife> out;
  for (const ring::SegmentLife& life : lives) {
    if (life.cls == SegmentClass::kJournal || life.cls == SegmentClass::kLogJournal)
      out.push_back(life);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<OpenedFolder>> OpenedFolder::open(Fs& fs, const std::string& path,
                                                         const OpenedSurroundings& around,
                                                         const Options& options) {
  for (int n = 0; n < kTries; ++n) {
    NINES_TRY(const std::vector<ring::SegmentLife> before, ring::segment_lives(fs, path));
    std::map<std::string, std::string> values;
    if (auto read = read_key_values(path + "/state.db")) {
      values = *std::move(read);
    } else {
      around.log.warn("storage", "types and help of metrics are not known: {}",
                      read.error().what());
    }
    auto opened = std::make_unique<Opened>(fs, std::move(values));
    if (auto begun = opened->begin(path, around, options); !begun) return std::move(begun).error();
    // Pages are read before the journal. Rows that went from a journal segment into pages between
    // the two, and the segment given back, would be in neither: then all is read again.
    NINES_TRY(const std::vector<ring::SegmentLife> after, ring::segment_lives(fs, path));
    const std::vector<ring::SegmentLife> journals = journals_of(before);
    const bool all = std::all_of(journals.begin(), journals.end(), [&](const auto& life) {
      return std::find(after.begin(), after.end(), life) != after.end();
    });
    if (all) return std::unique_ptr<OpenedFolder>(std::move(opened));
  }
  return Error(ErrorCode::kUnavailable,
               path + ": the running nines gives its journal back faster than it can be read; try "
                      "again");
}

}  // namespace nines::storage
