#pragma once
// One budget at work: its ledger, its minutes in memory, its series. An SLO has one, a grouped SLO
// one for each group.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/core/mutex.h"
#include "base/core/result.h"
#include "rules/slo/internal/exporter.h"
#include "rules/slo/internal/minute_table.h"
#include "rules/slo/internal/policy_watch.h"
#include "rules/slo/service.h"

namespace nines::slo {

// open(), status(), sum(): any thread. The others: one thread at a time.
class Budget {
 public:
  Budget(const ServiceParts& parts, const SloConfig& config);

  // Reads what the ledger has, once: at the first update, or when somebody asks before that, so
  // that a start does not wait for it.
  Result<void> open(std::int64_t to_minute);
  // kNotFound: the ledger has nothing.
  Result<std::int64_t> last_minute() const { return parts_.ledger.last_minute(config_.name); }
  // Those of `rows` that the ledger does not have just so.
  std::vector<storage::LedgerMinute> news(const std::vector<storage::LedgerMinute>& rows) const;
  // Takes rows that the ledger has taken.
  void take(const std::vector<storage::LedgerMinute>& rows);
  // Makes the figures of the minutes up to `to_minute`, and writes the series.
  Result<void> show(std::int64_t to_minute);
  void forget_before(std::int64_t minute);
  // Everything that the ledger should have from `from_minute` on, when `counted` is what samples
  // from `earliest_ms` on say. Minutes that the samples do not reach stay as they are.
  Result<std::vector<storage::LedgerMinute>> rebuilt(
      std::int64_t from_minute, std::int64_t to_minute, std::int64_t earliest_ms,
      std::vector<storage::LedgerMinute> counted) const;
  // Ends the series; the ledger stays.
  // Stands for the other from now on: the series that both have go on.
  void adopt(Budget& old) { exporter_.adopt(old.exporter_); }
  void retire(std::int64_t to_minute);

  const SloConfig& config() const { return config_; }
  bool has_minutes_since(std::int64_t minute) const;
  SloStatus status(std::int64_t to_minute) const;
  WindowSum sum(std::int64_t from_minute, std::int64_t to_minute) const;

 private:
  bool has_slices() const { return config_.budgeting != Budgeting::kOccurrences; }
  // Makes the slices anew that end after `from_minute`.
  void slice(std::int64_t from_minute, std::int64_t to_minute) NINES_REQUIRES(mutex_);
  // What the budget is reckoned from: minutes, or slices.
  const MinuteTable& judged() const NINES_REQUIRES(mutex_) {
    return has_slices() ? slices_ : table_;
  }

  const ServiceParts& parts_;
  const SloConfig config_;
  Exporter exporter_;
  PolicyWatch policy_;
  bool read_ = false;

  mutable Mutex mutex_;
  MinuteTable table_ NINES_GUARDED_BY(mutex_);
  MinuteTable slices_ NINES_GUARDED_BY(mutex_);
  std::int64_t sliced_to_ NINES_GUARDED_BY(mutex_) = INT64_MIN / 2;  // floor_to() must not overflow
};

}  // namespace nines::slo
