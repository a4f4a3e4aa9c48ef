#pragma once
// The table of remediation runs, and the kill switch.

#include <cstddef>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "storage/api/remediation_journal.h"
#include "storage/state/internal/database.h"

namespace nines::storage::state {

class RemediationTable {
 public:
  RemediationTable(Database& db, const Clock& clock, std::size_t runs_max)
      : db_(db), clock_(clock), runs_max_(runs_max) {}
  Result<std::int64_t> add(const RemediationRun& run);
  Result<void> update(const RemediationRun& run);
  Result<std::vector<RemediationRun>> unfinished();
  Result<std::vector<RemediationRun>> since(const std::string& remediation, Timestamp since);
  Result<std::vector<RemediationRun>> newest(std::size_t limit);
  Result<bool> stopped();
  Result<void> set_stopped(bool stopped, const std::string& by);

 private:
  Database& db_;
  const Clock& clock_;
  std::size_t runs_max_;
};

}  // namespace nines::storage::state
