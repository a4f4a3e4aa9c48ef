#pragma once
// Stores for test scripts: the real ring, in a folder that goes away.

#include <cstdint>
#include <memory>
#include <string>

#include "base/core/clock.h"
#include "rules/promql/script.h"

namespace nines::app {

// How a store cuts what scripts load into pages; small pages put many seams into little data.
struct RingCut {
  std::uint32_t rows_per_page = 64;  // 1 to 64
  Duration page_span{0};             // > 0: no page reaches over a multiple of it
};

// Makes a store each time it is asked. Stores must go before it does.
class RingStores {
 public:
  explicit RingStores(RingCut cut = {});
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
