#include "storage/state/internal/incidents.h"

#include <algorithm>
#include <utility>

#include "storage/state/internal/encode.h"

namespace nines::storage::state {
namespace {

constexpr std::size_t kSavesBetweenPrunes = 100;

Result<Incident> read_incident(const Statement& row) {
  Incident incident;
  incident.episode = row.text(0);
  NINES_TRY(incident.labels, decode_labels(row.text(1)));
  NINES_TRY(incident.annotations, decode_labels(row.text(2)));
  incident.started_at = row.time(3);
  incident.fired_at = row.time(4);
  incident.resolved_at = row.time(5);
  return incident;
}

}  // namespace

Result<void> IncidentTable::put(const Incident& incident) {
  Statement put = db_.statement("save an incident",
                                "INSERT OR REPLACE INTO incidents VALUES(?, ?, ?, ?, ?, ?)");
  put.bind(incident.episode).bind(encode_labels(incident.labels));
  put.bind(encode_labels(incident.annotations)).bind(incident.started_at);
  put.bind(incident.fired_at).bind(incident.resolved_at);
  return put.run();
}

Result<void> IncidentTable::put(const IncidentEvent& event) {
  Statement put = db_.statement("add to an incident",
                                "INSERT INTO incident_events VALUES(NULL, ?, ?, ?, ?, ?)");
  put.bind(event.episode).bind(event.at).bind(event.kind).bind(event.text).bind(event.detail_json);
  return put.run();
}

// The oldest tenth of what is over makes room once; then the newcomer is refused.
Result<void> IncidentTable::make_room() {
  if (db_.room_for_history()) return {};
  if (auto pruned = prune_tenth(); !pruned) return pruned;
  return db_.room_for_history();
}

Result<void> IncidentTable::prune_if_due(std::size_t saved) {
  if (saves_until_prune_ == 0) {
    if (auto r = prune(); !r) return r;
    saves_until_prune_ = kSavesBetweenPrunes;
  }
  saves_until_prune_ -= std::min(saves_until_prune_, saved);
  return {};
}

Result<void> IncidentTable::save(const Incident& incident) {
  const MutexLock lock(db_.mutex);
  Transaction change(db_, "save an incident");
  if (auto r = change.begin(); !r) return r;
  if (auto r = put(incident); !r) return r;
  if (auto r = prune_if_due(1); !r) return r;
  return change.commit();
}

Result<void> IncidentTable::record(std::span<const IncidentRecord> records) {
  if (records.empty()) return {};
  const MutexLock lock(db_.mutex);
  const Result<void> room = make_room();
  if (!room && room.error().code() != ErrorCode::kLimit) return room;
  Transaction change(db_, "save incidents");
  if (auto r = change.begin(); !r) return r;
  for (const IncidentRecord& one : records) {
    if (auto r = put(one.incident); !r) return r;
    if (!room) continue;
    if (auto r = put(one.event); !r) return r;
  }
  if (auto r = prune_if_due(records.size()); !r) return r;
  if (auto r = change.commit(); !r) return r;
  return room;
}

// An incident that is still on never goes, whatever the limit says.
Result<void> IncidentTable::prune() {
  constexpr const char* kPurpose = "prune incidents";
  const auto keep = static_cast<std::int64_t>(incidents_max_);
  Statement old = db_.statement(
      kPurpose,
      "DELETE FROM incidents WHERE resolved_at != 0 AND started_at < "
      "(SELECT started_at FROM incidents ORDER BY started_at DESC LIMIT 1 OFFSET ? - 1)");
  if (auto r = old.bind(keep).run(); !r) return r;
  if (db_.changes() == 0) return {};
  return db_
      .statement(kPurpose,
                 "DELETE FROM incident_events WHERE episode NOT IN (SELECT episode FROM incidents)")
      .run();
}

Result<void> IncidentTable::prune_tenth() {
  constexpr const char* kPurpose = "prune incidents";
  Statement old =
      db_.statement(kPurpose,
                    "DELETE FROM incidents WHERE episode IN (SELECT episode FROM incidents WHERE "
                    "resolved_at != 0 "
                    "ORDER BY started_at LIMIT (SELECT count(*) / 10 + 1 FROM incidents))");
  if (auto r = old.run(); !r) return r;
  if (db_.changes() == 0) return {};
  return db_
      .statement(kPurpose,
                 "DELETE FROM incident_events WHERE episode NOT IN (SELECT episode FROM incidents)")
      .run();
}

Result<void> IncidentTable::add_events(std::span<const IncidentEvent> events) {
  if (events.empty()) return {};
  const MutexLock lock(db_.mutex);
  if (auto room = make_room(); !room) return room;
  Transaction change(db_, "add to incidents");
  if (auto r = change.begin(); !r) return r;
  for (const IncidentEvent& event : events) {
    if (auto r = put(event); !r) return r;
  }
  return change.commit();
}

Result<std::vector<Incident>> IncidentTable::newest(std::size_t limit, Which which) {
  const MutexLock lock(db_.mutex);
  Statement rows = db_.statement("list incidents",
                                 "SELECT episode, labels, annotations, started_at, fired_at, "
                                 "resolved_at FROM incidents WHERE ? OR resolved_at = 0 "
                                 "ORDER BY started_at DESC, episode LIMIT ?");
  rows.bind(which == Which::kAll).bind(static_cast<std::int64_t>(limit));
  std::vector<Incident> out;
  for (;;) {
    NINES_TRY(const bool row, rows.step());
    if (!row) return out;
    NINES_TRY(auto incident, read_incident(rows));
    out.push_back(std::move(incident));
  }
}

Result<Incident> IncidentTable::get(const std::string& episode) {
  const MutexLock lock(db_.mutex);
  Statement row = db_.statement("read an incident",
                                "SELECT episode, labels, annotations, started_at, fired_at, "
                                "resolved_at FROM incidents WHERE episode = ?");
  row.bind(episode);
  NINES_TRY(const bool there, row.step());
  if (!there) return Error(ErrorCode::kNotFound, "no incident " + episode);
  return read_incident(row);
}

Result<std::vector<IncidentEvent>> IncidentTable::events(const std::string& episode) {
  const MutexLock lock(db_.mutex);
  Statement rows = db_.statement("list an incident's events",
                                 "SELECT id, at, kind, text, detail FROM incident_events "
                                 "WHERE episode = ? ORDER BY at, id");
  rows.bind(episode);
  std::vector<IncidentEvent> out;
  for (;;) {
    NINES_TRY(const bool row, rows.step());
    if (!row) return out;
    IncidentEvent event;
    event.id = rows.integer(0);
    event.episode = episode;
    event.at = rows.time(1);
    event.kind = rows.text(2);
    event.text = rows.text(3);
    event.detail_json = rows.text(4);
    out.push_back(std::move(event));
  }
}

}  // namespace nines::storage::state
