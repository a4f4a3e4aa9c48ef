#pragma once
// What a scrape checks and changes about native histograms.

#include <cstdint>
#include <span>

#include "base/core/result.h"
#include "base/model/histogram.h"

namespace nines::collector {

inline constexpr std::int32_t kSchemaMin = -4;
inline constexpr std::int32_t kSchemaMax = 8;          // finest that is stored
inline constexpr std::int32_t kSchemaMaxExposed = 52;  // finest there may be; reduced to kSchemaMax

// kInvalid: spans and buckets that do not agree, a negative count, a schema there is none of,
// custom bounds that do not ascend; with `exact_counts` also a count that is not the buckets' sum
// (above it when the sum of the observations is NaN: those that were NaN are in no bucket).
Result<void> check_histogram(const Histogram& h, bool exact_counts);

// Merges buckets until the schema is `schema`. Nothing to do for custom buckets, or when it is that
// or coarser already. Each step down joins two neighbours.
void reduce_resolution(Histogram& h, std::int32_t schema);

// The finest schema whose buckets grow by at least this factor; kSchemaMax for 1 and less.
std::int32_t schema_of_factor(double bucket_factor);

// Reduces until there are at most `buckets_max` buckets; false when that cannot be reached.
bool fit_buckets(Histogram& h, std::uint64_t buckets_max);

// A histogram of custom buckets from a classic one: ascending finite bounds with cumulative counts,
// and the count of all. kInvalid when bounds do not ascend or counts shrink.
struct ClassicBucket {
  double upper_bound = 0;
  double cumulative_count = 0;
};
Result<Histogram> to_custom_buckets(std::span<const ClassicBucket> buckets, double count,
                                    double sum);

}  // namespace nines::collector
