#include "storage/ring/internal/quotas.h"

#include <algorithm>

namespace nines::storage::ring {

std::uint32_t least_segments(SegmentClass cls) noexcept {
  return cls == SegmentClass::kJournal ? 3 : 2;
}

std::uint32_t segments_min(const Parts& parts) noexcept {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    if (parts[i] > 0) sum += least_segments(static_cast<SegmentClass>(i));
  }
  return sum;
}

Quotas share_out(const Parts& parts, std::uint32_t segments) {
  Quotas quotas{};
  std::uint64_t sum = 0;
  for (const std::uint16_t part : parts) sum += part;
  if (sum == 0) return quotas;
  std::uint32_t given = 0;
  std::size_t largest = 0;
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    if (parts[i] == 0) continue;
    const auto share = static_cast<std::uint32_t>(std::uint64_t{segments} * parts[i] / sum);
    quotas[i] = std::max(share, least_segments(static_cast<SegmentClass>(i)));
    given += quotas[i];
    if (parts[i] > parts[largest]) largest = i;
  }
  while (given > segments) {  // the least quotas took too much: the richest class pays
    --*std::max_element(quotas.begin(), quotas.end());
    --given;
  }
  quotas[largest] += segments - given;
  return quotas;
}

}  // namespace nines::storage::ring
