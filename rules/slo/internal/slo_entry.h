#pragma once
// One [[slos]] at work: counts its minutes and keeps its budgets, one or one for each group.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/mutex.h"
#include "base/core/result.h"
#include "rules/slo/internal/budget.h"
#include "rules/slo/internal/composite.h"
#include "rules/slo/internal/exclusions.h"
#include "rules/slo/internal/indicator.h"
#include "rules/slo/internal/minute_counter.h"
#include "rules/slo/service.h"

namespace nines::slo {

// open(), count(), commit(), rebuild() and retire(): one thread at a time. The others: any thread.
class SloEntry {
 public:
  static Result<std::shared_ptr<SloEntry>> make(const ServiceParts& parts, const SloConfig& config,
                                                std::size_t depth, MembersOf members_of);

  // Learns from the ledger which groups there are, so that status() can tell before the first update.
  Result<void> open(std::int64_t to_minute);
  // Counts what is new up to `to_minute` (exclusive), the last two minutes again for late samples.
  // What is left to write is pending() then; a long way is written on the way.
  Result<void> count(std::int64_t to_minute);
  const std::vector<storage::LedgerRows>& pending() const { return pending_; }
  // The ledger has what was pending: shows it, and writes the series.
  Result<void> commit(std::int64_t to_minute);
  Result<void> rebuild(std::int64_t from_minute, std::int64_t to_minute);
  // Stands for the other, the same SLO before a reload that changed it: the series of both go on.
  void adopt(SloEntry& old);
  // The SLO has gone: ends its series, keeps its ledger.
  void retire(std::int64_t to_minute);

  const SloConfig& config() const { return config_; }
  // How many composites deep it stands: 0 counts by itself.
  std::size_t depth() const { return depth_; }
  std::vector<SloStatus> status(std::int64_t to_minute) const;
  std::shared_ptr<Budget> budget(const std::string& name) const;  // null when it has none such
  std::vector<std::string> ledgers() const;
  GroupedStatus grouped() const;
  std::string interpolation() const;
  // The other entry is the same SLO before a reload.
  bool counts_as(const SloEntry& other) const;

 private:
  using Budgets = std::map<LabelSet, std::shared_ptr<Budget>>;

  SloEntry(const ServiceParts& parts, const SloConfig& config, std::size_t depth,
           Indicator indicator, MembersOf members_of);
  bool is_grouped() const { return !config_.group_by.empty(); }
  Budgets budgets() const;
  Result<void> open_groups(std::int64_t to_minute);
  Result<std::int64_t> first_to_count(std::int64_t to_minute) const;
  Result<CountedMinutes> counted(std::int64_t from, std::int64_t to);
  bool admits(const LabelSet& group);
  Result<std::shared_ptr<Budget>> budget_for(const LabelSet& group, std::int64_t to_minute);
  Result<std::vector<storage::LedgerRows>> news(const CountedMinutes& counted,
                                                std::int64_t to_minute);
  Result<void> write(const std::vector<storage::LedgerRows>& rows);
  void take(const std::vector<storage::LedgerRows>& rows);
  bool is_tidying_due(std::int64_t to_minute);
  Result<void> prune(std::int64_t to_minute);
  void note(const CountedMinutes& counted);
  Result<void> exclude(std::int64_t from, std::int64_t to, CountedMinutes& counted) const;

  const ServiceParts& parts_;
  const SloConfig config_;
  const Indicator indicator_;
  const MinuteCounter counter_;
  const Exclusions exclusions_;
  const std::size_t depth_;
  const MembersOf members_of_;
  Counter& refusals_;
  bool opened_ = false;
  std::optional<std::int64_t> counted_to_;  // in this life
  std::int64_t counted_from_ = 0;           // by the last update
  std::optional<std::int64_t> tidied_day_;
  std::vector<storage::LedgerRows> pending_;

  mutable Mutex mutex_;
  Budgets budgets_ NINES_GUARDED_BY(mutex_);
  std::set<LabelSet> refused_ NINES_GUARDED_BY(mutex_);  // at most kRefusedMax
  std::uint64_t refused_count_ NINES_GUARDED_BY(mutex_) = 0;
  bool interpolated_ NINES_GUARDED_BY(mutex_) = false;
};

}  // namespace nines::slo
