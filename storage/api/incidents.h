#pragma once
// Incidents: everything that happened around one episode of one alert, on one time axis.

#include <cstdint>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"

namespace nines::storage {

// One alert from pending to resolved. Its id is hex(fingerprint) "-" hex(active_at ms), so that
// everybody who holds the alert can name it.
struct Incident {
  std::string episode;
  LabelSet labels;
  LabelSet annotations;
  Timestamp started_at{};   // pending since
  Timestamp fired_at{};     // zero: never fired
  Timestamp resolved_at{};  // zero: still on
};

struct IncidentEvent {
  std::int64_t id = 0;  // given by the store, ascending
  std::string episode;
  Timestamp at{};
  // pending | firing | resolved | notified | notify_failed | remediation_intent |
  // remediation_started | remediation_outcome | verified | verify_failed | escalated | acknowledged
  // | unacknowledged | note | restarted
  std::string kind;
  std::string text;         // one sentence for a person
  std::string detail_json;  // an object: receiver, status, attempt, key, url, ...
};

// What happened to an incident: how it stands now, and the event that says so.
struct IncidentRecord {
  Incident incident;
  IncidentEvent event;
};

class IncidentStore {
 public:
  virtual ~IncidentStore() = default;
  virtual Result<void> save_incident(const Incident& incident) = 0;  // by episode
  virtual Result<void> add_event(const IncidentEvent& event) = 0;
  // As save_incident() and add_event() of each, in their order, in one transaction: on disk when it
  // returns, or none of it. kLimit: the incidents are saved, for the events there is no room.
  virtual Result<void> record(const std::vector<IncidentRecord>& records) = 0;
  virtual Result<void> add_events(const std::vector<IncidentEvent>& events) = 0;  // all or none
  virtual Result<std::vector<Incident>> incidents(std::size_t limit) = 0;       // newest first
  virtual Result<std::vector<Incident>> open_incidents(std::size_t limit) = 0;  // those not over
  virtual Result<Incident> incident(const std::string& episode) = 0;            // kNotFound
  virtual Result<std::vector<IncidentEvent>> events(const std::string& episode) = 0;  // by time, id
};

}  // namespace nines::storage
