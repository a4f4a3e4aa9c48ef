#pragma once
// How a budget is divided: SQLite's reserve, the ring's segments, and what each class gets of them.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "storage/ring/ring.h"

namespace nines::storage {

// Class name ("raw", "logs", ...) to per cent of the ring. Classes not named share what is left as
// they would share all of it.
using QuotaPercents = std::map<std::string, double>;

struct RingShape {
  std::uint64_t bytes = 0;  // of the ring; the rest of the budget is SQLite's
  std::uint32_t segment_bytes = 0;
  std::uint32_t segments() const {
    return segment_bytes == 0 ? 0 : static_cast<std::uint32_t>(bytes / segment_bytes);
  }
};

// Of a new folder. `segment_bytes` 0: a 64th of the ring; clamped to 512 KiB .. 128 MiB either way.
RingShape ring_shape(std::uint64_t budget_bytes, std::uint64_t segment_bytes);

// SQLite's part of a budget.
std::uint64_t state_reserve(std::uint64_t budget_bytes);

// The least budget that leaves `ring_bytes` to the ring; whole MiB.
std::uint64_t budget_for_ring(std::uint64_t ring_bytes);

struct QuotaMistake {
  std::string name;  // the class it is about; empty: all of them together
  std::string text;  // what is wrong and what would do: "`raw = 0.5` is less than ..."
};

// Writes the classes' parts to `parts`. A mistake: an unknown class, a percentage that is not
// between 0 and 100, a sum above 100, or a class that would get fewer segments than it works with.
// A shape without segments (the budget is not known yet) is not checked for the last.
std::optional<QuotaMistake> share_quotas(const QuotaPercents& percents, const RingShape& shape,
                                         ring::Parts& parts);

}  // namespace nines::storage
