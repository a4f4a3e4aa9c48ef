#include "base/model/histogram_bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/model/internal/exponential_bounds.h"

namespace nines {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::int32_t kFinestSchema = 8;    // of the table
constexpr std::int64_t kExponentEnd = 1024;  // 2^1024 is the first power that is not finite

// Exponents far outside of what a double holds say no more than these.
int bearable(std::int64_t exponent) {
  return static_cast<int>(std::clamp<std::int64_t>(exponent, -5000, 5000));
}

}  // namespace

double bucket_upper_bound(const Histogram& h, std::int32_t index) {
  if (h.schema == kCustomBucketsSchema) {
    if (index < 0) return -kInfinity;
    const auto i = static_cast<std::size_t>(index);
    return i < h.custom_values.size() ? h.custom_values[i] : kInfinity;
  }
  if (h.schema <= 0) {
    const std::int64_t exponent =
        static_cast<std::int64_t>(index) * (std::int64_t{1} << -std::max(h.schema, -30));
    if (exponent == kExponentEnd) return std::numeric_limits<double>::max();
    return std::ldexp(1.0, bearable(exponent));
  }
  const std::int32_t schema = std::min(h.schema, 30);
  const std::int32_t part = index & ((std::int32_t{1} << schema) - 1);
  const std::int32_t exponent = index >> schema;
  if (part == 0 && exponent == kExponentEnd) return std::numeric_limits<double>::max();
  const double fraction =
      schema <= kFinestSchema
          ? kExponentialBounds[static_cast<std::size_t>(part) << (kFinestSchema - schema)]
          : std::exp2(std::ldexp(static_cast<double>(part), -schema) - 1);
  return std::ldexp(fraction, bearable(exponent + 1));
}

}  // namespace nines
