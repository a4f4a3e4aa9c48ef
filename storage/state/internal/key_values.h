#pragma once
// The table of small facts.

#include <optional>
#include <string>

#include "storage/api/key_values.h"
#include "storage/state/internal/database.h"

namespace nines::storage::state {

class KeyValueTable {
 public:
  explicit KeyValueTable(Database& db) : db_(db) {}
  Result<std::optional<std::string>> get(const std::string& key);
  Result<void> set(const std::string& key, const std::string& value);

 private:
  Database& db_;
};

}  // namespace nines::storage::state
