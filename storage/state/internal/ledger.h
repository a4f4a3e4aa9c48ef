#pragma once
// The table of error-budget minutes.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/api/slo_ledger.h"
#include "storage/state/internal/database.h"

namespace nines::storage::state {

// New minutes are rows of `ledger`; old ones stand in blocks of up to 128
// (storage/api/minute_block.h), of which no two overlap. A row has the word over a block.
class LedgerTable {
 public:
  explicit LedgerTable(Database& db) : db_(db) {}
  Result<void> write(const std::vector<LedgerRows>& all);
  Result<std::vector<LedgerMinute>> read(const std::string& slo, std::int64_t from,
                                         std::int64_t to);
  Result<std::int64_t> last(const std::string& slo);
  Result<std::vector<std::string>> names();
  // Packs, too, what is older than a day before the newest. Of packed minutes some may stay.
  Result<void> prune(const std::string& slo, std::int64_t before);

 private:
  Result<void> pack(const std::string& slo) NINES_REQUIRES(db_.mutex);
  Result<std::optional<std::int64_t>> newest_minute(const std::string& slo)
      NINES_REQUIRES(db_.mutex);
  Result<void> write_one(const LedgerRows& one) NINES_REQUIRES(db_.mutex);
  Result<std::vector<LedgerMinute>> loose(const std::string& slo, std::int64_t from,
                                          std::int64_t to) NINES_REQUIRES(db_.mutex);
  Result<std::vector<LedgerMinute>> packed(const std::string& slo, std::int64_t from,
                                           std::int64_t to) NINES_REQUIRES(db_.mutex);
  Database& db_;
};

}  // namespace nines::storage::state
