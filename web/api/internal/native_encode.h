#pragma once
// The objects of nines's own API, as docs/api.md names their fields.

#include "web/api/internal/encode.h"
#include "web/api/routes.h"

namespace nines::web {

void write_slo(JsonWriter& json, const slo::SloStatus& status, std::uint64_t alerts_firing);
// An object, or null.
void write_acknowledgement(JsonWriter& json, const std::optional<notify::Acknowledgement>& ack);
void write_incident(JsonWriter& json, const storage::Incident& incident,
                    const std::optional<notify::Acknowledgement>& ack);
void write_event(JsonWriter& json, const storage::IncidentEvent& event);
void write_delivery(JsonWriter& json, const storage::Delivery& delivery);
void write_run(JsonWriter& json, const storage::RemediationRun& run);
void write_target(JsonWriter& json, const collector::TargetStatus& target);
void write_storage(JsonWriter& json, const storage::StoreStatus& store);
void write_reload(JsonWriter& json, const RuntimeInfo& info);

}  // namespace nines::web
