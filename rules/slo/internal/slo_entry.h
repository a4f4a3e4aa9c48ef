#pragma once
// One SLO at work: its ledger, its minutes in memory, its series.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/mutex.h"
#include "base/core/result.h"
#include "rules/slo/internal/exporter.h"
#include "rules/slo/internal/indicator.h"
#include "rules/slo/internal/minute_counter.h"
#include "rules/slo/internal/minute_table.h"
#include "rules/slo/service.h"

namespace nines::slo {

// open_ledger(), update(), rebuild() and retire(): one thread at a time. The others: any thread.
class SloEntry {
 public:
  static Result<std::shared_ptr<SloEntry>> make(const ServiceParts& parts, const SloConfig& config);

  // Reads what the ledger has, so that status() can tell before the first update.
  Result<void> open_ledger(std::int64_t to_minute) { return read_ledger(to_minute); }
  // Counts what is new up to `to_minute` (exclusive), the last two minutes again for late samples,
  // and writes the series.
  Result<void> update(std::int64_t to_minute);
  Result<void> rebuild(std::int64_t from_minute, std::int64_t to_minute);
  // The SLO has gone: ends its series, keeps its ledger.
  void retire(std::int64_t to_minute);

  const SloConfig& config() const { return config_; }
  SloStatus status(std::int64_t to_minute) const;
  // The other entry is the same SLO before a reload.
  bool counts_as(const SloEntry& other) const;

 private:
  SloEntry(const ServiceParts& parts, const SloConfig& config, Indicator indicator);
  Result<void> read_ledger(std::int64_t to_minute);
  Result<std::int64_t> first_to_count(std::int64_t to_minute) const;
  Result<void> keep(const std::vector<storage::LedgerMinute>& rows);
  Result<void> prune(std::int64_t to_minute);
  void warn(const CountedMinutes& counted) const;
  bool has_slices() const { return config_.budgeting != Budgeting::kOccurrences; }
  // Makes the slices anew that end after `from_minute`.
  void slice(std::int64_t from_minute, std::int64_t to_minute) NINES_REQUIRES(mutex_);
  // What the budget is reckoned from: minutes, or slices.
  const MinuteTable& judged() const NINES_REQUIRES(mutex_) {
    return has_slices() ? slices_ : table_;
  }

  const ServiceParts& parts_;
  const SloConfig config_;
  const Indicator indicator_;
  const MinuteCounter counter_;
  Exporter exporter_;
  bool ledger_read_ = false;
  std::optional<std::int64_t> counted_to_;  // in this life
  std::int64_t pruned_at_ = 0;

  mutable Mutex mutex_;
  MinuteTable table_ NINES_GUARDED_BY(mutex_);
  MinuteTable slices_ NINES_GUARDED_BY(mutex_);
  std::int64_t sliced_to_ NINES_GUARDED_BY(mutex_) = INT64_MIN;
};

}  // namespace nines::slo
