#include "storage/api/status.h"

namespace nines::storage {

Duration projected_retention(std::uint64_t bytes, std::uint64_t used, Timestamp oldest,
                             Timestamp newest) {
  constexpr Duration kLeast{60'000};
  const Duration span = newest - oldest;
  if (used == 0 || span < kLeast) return Duration::zero();
  const double times = static_cast<double>(bytes) / static_cast<double>(used);
  return Duration(static_cast<std::int64_t>(static_cast<double>(span.count()) * times));
}

}  // namespace nines::storage
