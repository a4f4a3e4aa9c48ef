#pragma once
// Which minutes of an SLO are left out of its budget.

#include <cstdint>
#include <vector>

#include "base/core/result.h"
#include "rules/slo/config.h"
#include "storage/api/querier.h"
#include "storage/api/slo_ledger.h"

namespace nines::slo {

struct MinuteSpan {  // [from, to)
  std::int64_t from = 0;
  std::int64_t to = 0;
  bool operator==(const MinuteSpan&) const = default;
};

// Minutes of which any part lies in a maintenance (they begin and end with whole minutes), or in
// the time an alert fired. Thread-safe.
//
// An alert fires from one sample of ALERTS{alertstate="firing"} to the next, at most five minutes
// (Prometheus's lookback), and no longer than to its staleness marker: what the store has of it,
// whoever asks and when.
class Exclusions {
 public:
  Exclusions(const SloConfig& slo, const storage::Querier& querier)
      : maintenance_(slo.exclude), alerts_(slo.exclude_alerts), querier_(querier) {}

  bool none() const { return maintenance_.empty() && alerts_.empty(); }
  // Of the minutes [from, to), ascending, those that touch made one.
  Result<std::vector<MinuteSpan>> between(std::int64_t from, std::int64_t to) const;

 private:
  Result<void> add_firing(const std::string& alert, MinuteSpan range,
                          std::vector<maintenance::Span>& out) const;

  const std::vector<maintenance::Maintenance> maintenance_;
  const std::vector<std::string> alerts_;
  const storage::Querier& querier_;
};

// In the rows of left-out minutes all events are excluded ones; left-out minutes without a row get
// one. Rows ascending, and so they stay.
void leave_out(const std::vector<MinuteSpan>& spans, std::vector<storage::LedgerMinute>& rows);

}  // namespace nines::slo
