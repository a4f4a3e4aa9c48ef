#pragma once
// The tables of incidents and their events.

#include <cstddef>
#include <string>
#include <vector>

#include "storage/api/incidents.h"
#include "storage/state/internal/database.h"

namespace nines::storage::state {

class IncidentTable {
 public:
  IncidentTable(Database& db, std::size_t incidents_max) : db_(db), incidents_max_(incidents_max) {}
  Result<void> save(const Incident& incident);
  Result<void> add_event(const IncidentEvent& event);
  Result<std::vector<Incident>> newest(std::size_t limit);
  Result<Incident> get(const std::string& episode);
  Result<std::vector<IncidentEvent>> events(const std::string& episode);

 private:
  Result<void> prune_tenth() NINES_REQUIRES(db_.mutex);
  Result<void> prune() NINES_REQUIRES(db_.mutex);
  Database& db_;
  std::size_t incidents_max_;
  std::size_t saves_until_prune_ = 0;  // guarded by db_.mutex
};

}  // namespace nines::storage::state
