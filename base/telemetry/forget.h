#pragma once
// Takes metrics back whose subject is gone.

#include <string>

#include "base/telemetry/telemetry.h"

namespace nines {

// Removes every metric of which `label` has this value, and its handles with it: nobody may hold
// one any more. Asked for again, they begin anew. Thread-safe.
void forget_metrics(Telemetry& telemetry, const std::string& label, const std::string& value);

}  // namespace nines
