#pragma once
// Which label values had the bad events.

#include "base/core/result.h"
#include "rules/slo/service.h"

namespace nines::slo {

// As Service::contributors(), over the hours that had bad events. `slo`: one budget's; of a group
// only its own series count.
Result<Contributors> find_contributors(const ServiceParts& parts, const SloConfig& slo,
                                       const ContributorsQuery& query);

}  // namespace nines::slo
