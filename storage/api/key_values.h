#pragma once
// Small durable facts that have no table of their own: tail checkpoints, install id, last good
// config.

#include <optional>
#include <string>

#include "base/core/result.h"

namespace nines::storage {

class KeyValueStore {
 public:
  virtual ~KeyValueStore() = default;
  virtual Result<std::optional<std::string>> get_value(const std::string& key) = 0;
  virtual Result<void> set_value(const std::string& key,
                                 const std::string& value) = 0;  // on disk when it returns
};

}  // namespace nines::storage
