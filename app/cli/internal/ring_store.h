#pragma once
// Stores for test scripts: the real ring, in a folder that goes away.

#include <memory>
#include <string>

#include "rules/promql/script.h"

namespace nines::app {

// Makes a store each time it is asked. Stores must go before it does.
class RingStores {
 public:
  RingStores();
  ~RingStores();
  RingStores(const RingStores&) = delete;
  RingStores& operator=(const RingStores&) = delete;
  Result<std::unique_ptr<promql::ScriptStore>> make();
  const Clock& clock() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::app
