#pragma once
// Columns of numbers as few bytes: what a page is made of. Every encoder checks that its bytes give
// back the same bits, and falls back to plainer ones when they do not.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/core/result.h"
#include "base/model/histogram.h"
#include "storage/chunk/bytes.h"

namespace nines::storage::chunk {

inline constexpr std::size_t kColumnMax = 4096;  // entries of one column

// Appends the column of `values` (at most kColumnMax, at least 1) to `out`, bit-exact: NaN payloads
// and the sign of zero are kept. Format: docs/formats/metrics-ring.md, "value columns".
void encode_values(std::span<const double> values, std::string& out);
// Appends `count` values to `out`. kCorrupt when the bytes are no column of that many values.
Result<void> decode_values(ByteReader& in, std::size_t count, std::vector<double>& out);

// The same for integers of any kind; made for ascending times, which take a bit each when regular.
void encode_integers(std::span<const std::int64_t> values, std::string& out);
Result<void> decode_integers(ByteReader& in, std::size_t count, std::vector<std::int64_t>& out);

// One histogram, plainly.
void encode_histogram(const Histogram& histogram, std::string& out);
Result<HistogramPtr> decode_histogram(ByteReader& in);

}  // namespace nines::storage::chunk
