#pragma once
// The minutes of a composite, out of the minutes of its members.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/core/result.h"
#include "rules/slo/internal/minute_counter.h"

namespace nines::slo {

// The ledgers that a composite's member stands for: one, or those of its groups.
using MembersOf = std::function<std::vector<std::string>(const std::string& member)>;

// Each minute in which a member has events is one event, whatever their number; its share of good
// is made of the members' shares in that minute. Members without events in it have no part in it.
Result<CountedMinutes> composite_minutes(storage::SloLedger& ledger,
                                         const IndicatorConfig& indicator,
                                         const MembersOf& members_of, Span span);

}  // namespace nines::slo
