#pragma once
// Keeps the incident of each alert: opens it, adds what happens to it, closes it.

#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/log/log.h"
#include "rules/alerts/internal/alert_book.h"
#include "storage/api/incidents.h"

namespace nines::alerts {

// Gathers what happens until flush() writes it. Never fails: what cannot be written is logged, an
// alert must not wait for its history. One thread at a time.
class IncidentWriter {
 public:
  IncidentWriter(storage::IncidentStore& store, Log& log) : store_(store), log_(log) {}

  // `why`: in place of the usual sentence, empty otherwise.
  void record(const AlertChange& change, Timestamp at, Duration hold, const std::string& why = "");

  // After a restart: notes it in the incident of an active alert, and repairs an incident the
  // crash left behind its alert.
  void reconcile(const Alert& alert, Timestamp now, Duration hold);

  // A few hundred incidents in each transaction: a storm of alerts does not wait for the disk once
  // for each of them, and what pages gets its turn in between.
  void flush();

 private:
  storage::IncidentStore& store_;
  Log& log_;
  std::vector<storage::IncidentRecord> records_;
  std::vector<storage::IncidentEvent> events_;  // that change nothing of their incident
};

}  // namespace nines::alerts
