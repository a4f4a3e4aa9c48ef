#include "rules/slo/internal/composite.h"

#include <algorithm>

namespace nines::slo {
namespace {

struct Share {
  double weighted = 0;
  double weight = 0;  // of the members with events; 0: there is a row, without events
  double worst = 1;
  bool is_excluded = false;  // of some member
};

}  // namespace

Result<CountedMinutes> composite_minutes(storage::SloLedger& ledger,
                                         const IndicatorConfig& indicator,
                                         const MembersOf& members_of, Span span) {
  std::map<std::int64_t, Share> shares;
  for (const CompositeMember& member : indicator.members) {
    for (const std::string& name : members_of(member.slo)) {
      NINES_TRY(const auto rows, ledger.read_minutes(name, span.from, span.to));
      for (const storage::LedgerMinute& row : rows) {
        Share& share = shares[row.minute];
        share.is_excluded = share.is_excluded || row.is_excluded;
        if (!(row.valid > 0)) continue;
        const double good = std::clamp(row.good / row.valid, 0.0, 1.0);
        share.weighted += member.weight * good;
        share.weight += member.weight;
        share.worst = std::min(share.worst, good);
      }
    }
  }
  CountedMinutes out;
  if (shares.empty()) return out;
  out.earliest_ms = shares.begin()->first * kMinuteMs;  // that minute is whole
  std::vector<storage::LedgerMinute>& minutes = out.groups[LabelSet()];
  for (const auto& [minute, share] : shares) {
    storage::LedgerMinute row{minute, 0, 0, 0};
    if (share.weight > 0) {
      row.valid = 1;
      row.good =
          indicator.method == CompositeMethod::kWorst ? share.worst : share.weighted / share.weight;
    } else {
      row.is_excluded = share.is_excluded;
    }
    minutes.push_back(row);
  }
  return out;
}

}  // namespace nines::slo
