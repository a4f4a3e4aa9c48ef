#pragma once
// The table of error-budget minutes.

#include <cstdint>
#include <string>
#include <vector>

#include "storage/api/slo_ledger.h"
#include "storage/state/internal/database.h"

namespace nines::storage::state {

class LedgerTable {
 public:
  explicit LedgerTable(Database& db) : db_(db) {}
  Result<void> write(const std::vector<LedgerRows>& all);
  Result<std::vector<LedgerMinute>> read(const std::string& slo, std::int64_t from,
                                         std::int64_t to);
  Result<std::int64_t> last(const std::string& slo);
  Result<std::vector<std::string>> names();
  Result<void> prune(const std::string& slo, std::int64_t before);

 private:
  Result<void> write_one(const LedgerRows& one) NINES_REQUIRES(db_.mutex);
  Database& db_;
};

}  // namespace nines::storage::state
