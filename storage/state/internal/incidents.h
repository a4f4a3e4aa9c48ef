#pragma once
// The tables of incidents and their events.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "storage/api/incidents.h"
#include "storage/state/internal/database.h"

namespace nines::storage::state {

class IncidentTable {
 public:
  IncidentTable(Database& db, std::size_t incidents_max) : db_(db), incidents_max_(incidents_max) {}
  Result<void> save(const Incident& incident);
  Result<void> add_events(std::span<const IncidentEvent> events);
  Result<void> record(std::span<const IncidentRecord> records);
  enum class Which { kAll, kOpen };  // open: not over
  Result<std::vector<Incident>> newest(std::size_t limit, Which which);
  Result<Incident> get(const std::string& episode);
  Result<std::vector<IncidentEvent>> events(const std::string& episode);

 private:
  Result<void> put(const Incident& incident) NINES_REQUIRES(db_.mutex);
  Result<void> put(const IncidentEvent& event) NINES_REQUIRES(db_.mutex);
  Result<void> make_room() NINES_REQUIRES(db_.mutex);
  Result<void> prune_if_due(std::size_t saved) NINES_REQUIRES(db_.mutex);
  Result<void> prune_tenth() NINES_REQUIRES(db_.mutex);
  Result<void> prune() NINES_REQUIRES(db_.mutex);
  Database& db_;
  std::size_t incidents_max_;
  std::size_t saves_until_prune_ = 0;  // guarded by db_.mutex
};

}  // namespace nines::storage::state
