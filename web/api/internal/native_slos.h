#pragma once
// What other endpoints show of SLOs.

#include <cstddef>
#include <string>

#include "web/api/internal/encode.h"
#include "web/api/routes.h"

namespace nines::web {

// "slos" into an open object: at most `most`, the least budget first; of one grouped SLO, if named.
void write_slos(JsonWriter& json, const ApiParts& parts, std::size_t most,
                const std::string& grouped = "");
// "costs" into an open object: what each SLO that the incident is about spent meanwhile.
void write_incident_costs(JsonWriter& json, const ApiParts& parts,
                          const storage::Incident& incident);

}  // namespace nines::web
