#pragma once
// Keeps the incident of each alert: opens it, adds what happens to it, closes it.

#include <string>

#include "base/core/clock.h"
#include "base/log/log.h"
#include "rules/alerts/internal/alert_book.h"
#include "storage/api/incidents.h"

namespace nines::alerts {

// Never fails: what cannot be written is logged, an alert must not wait for its history.
class IncidentWriter {
 public:
  IncidentWriter(storage::IncidentStore& store, Log& log) : store_(store), log_(log) {}

  // `why`: in place of the usual sentence, empty otherwise.
  void record(const AlertChange& change, Timestamp at, Duration hold, const std::string& why = "");

  // After a restart: notes it in the incident of an active alert, and repairs an incident the
  // crash left behind its alert.
  void reconcile(const Alert& alert, Timestamp now, Duration hold);

 private:
  void save(const Alert& alert);
  void add(const Alert& alert, Timestamp at, const std::string& kind, const std::string& text);
  storage::IncidentStore& store_;
  Log& log_;
};

}  // namespace nines::alerts
