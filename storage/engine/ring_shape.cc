#include "storage/engine/ring_shape.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/text/numbers.h"

namespace nines::storage {
namespace {

using ring::kSegmentClasses;
using ring::SegmentClass;

constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr double kPartsPerPercent = 100;

std::string name_of(std::size_t cls) {
  return std::string(ring::to_string(static_cast<SegmentClass>(cls)));
}

// Rounded up to a tenth, so that writing it is enough.
double least_percent(std::size_t cls, std::uint32_t segments) {
  const double exact = 100.0 * ring::least_segments(static_cast<SegmentClass>(cls)) / segments;
  return std::ceil(exact * 10) / 10;
}

std::string names_of(const ring::Parts& parts) {
  std::string out;
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    if (parts[i] > 0) out += (out.empty() ? "" : ", ") + name_of(i);
  }
  return out;
}

}  // namespace

// An error-budget ledger costs about a megabyte per SLO and month.
std::uint64_t state_reserve(std::uint64_t budget_bytes) {
  return std::clamp(budget_bytes / 16, 4 * kMiB, 256 * kMiB);
}

std::uint64_t budget_for_ring(std::uint64_t ring_bytes) {
  std::uint64_t budget = ring_bytes + ring_bytes / 15;
  while (budget - state_reserve(budget) < ring_bytes) budget += kMiB / 4;
  return (budget + kMiB - 1) / kMiB * kMiB;
}

RingShape ring_shape(std::uint64_t budget_bytes, std::uint64_t segment_bytes) {
  RingShape shape;
  shape.bytes = budget_bytes - std::min(budget_bytes, state_reserve(budget_bytes));
  std::uint64_t size = segment_bytes != 0 ? segment_bytes : shape.bytes / 64;
  size = std::clamp(size, kMiB / 2, 128 * kMiB);
  shape.segment_bytes = static_cast<std::uint32_t>(size / 4096 * 4096);
  return shape;
}

std::optional<QuotaMistake> share_quotas(const QuotaPercents& percents, const RingShape& shape,
                                         ring::Parts& parts) {
  const ring::Parts defaults = ring::RingOptions{}.parts;
  parts = defaults;
  if (percents.empty()) return std::nullopt;
  std::array<double, kSegmentClasses> shares{};  // per cent
  double named = 0;
  double others = 0;
  for (const auto& [name, percent] : percents) {
    std::size_t cls = 0;
    while (cls < kSegmentClasses && (name_of(cls) != name || defaults[cls] == 0)) ++cls;
    if (cls == kSegmentClasses) {
      return QuotaMistake{name, fmt::format("`{}` is no class of the ring; there are {}", name,
                                            names_of(defaults))};
    }
    if (!(percent > 0) || percent > 100) {
      return QuotaMistake{
          name,
          fmt::format("`{} = {}` is no part of the ring: write per cent, above 0 and up to 100",
                      name, percent)};
    }
    shares[cls] = percent;
    named += percent;
  }
  if (named > 100 + 1e-9) {
    return QuotaMistake{"",
                        fmt::format("`quota` gives away {:.6g} per cent of the ring; the sum must "
                                    "be at most 100",
                                    named)};
  }
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    if (shares[i] == 0) others += defaults[i];
  }
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    if (shares[i] == 0 && others > 0) shares[i] = std::max(0.0, 100 - named) * defaults[i] / others;
  }
  // All are named and give away less than everything: the rest is shared as they are.
  const double sum = others > 0 ? 100 : named;
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    if (defaults[i] == 0) continue;
    const double share = shares[i] * 100 / sum;
    parts[i] = static_cast<std::uint16_t>(std::lround(share * kPartsPerPercent));
    if (shape.segments() == 0) continue;
    const double least = least_percent(i, shape.segments());
    if (share * shape.segments() / 100 >= ring::least_segments(static_cast<SegmentClass>(i)) - 1e-6)
      continue;
    const std::string needs =
        fmt::format("the {} segments of {} it works with are {:.6g} per cent of the ring",
                    ring::least_segments(static_cast<SegmentClass>(i)),
                    format_bytes(shape.segment_bytes), least);
    if (percents.contains(name_of(i))) {
      return QuotaMistake{
          name_of(i), fmt::format("`{} = {:.6g}` is too little: {}", name_of(i), shares[i], needs)};
    }
    return QuotaMistake{
        "", fmt::format("`quota` leaves {:.3g} per cent to {}: {}; name it, or give the "
                        "others less",
                        share, name_of(i), needs)};
  }
  return std::nullopt;
}

}  // namespace nines::storage
