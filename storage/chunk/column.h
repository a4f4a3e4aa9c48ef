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
// and the sign of zero are kept. Format: docs/formats/metrics-ring.md, "value columns". The first
// byte of a column is below 0x80.
void encode_values(std::span<const double> values, std::string& out);
// Writes `count` values to `out`. kCorrupt when the bytes are no column of that many values; what
// `out` holds then means nothing.
Result<void> decode_values(ByteReader& in, std::size_t count, double* out);
// The same, appending.
Result<void> decode_values(ByteReader& in, std::size_t count, std::vector<double>& out);

// The same for integers of any kind; made for ascending times, which take a bit each when regular.
void encode_integers(std::span<const std::int64_t> values, std::string& out);
Result<void> decode_integers(ByteReader& in, std::size_t count, std::int64_t* out);
Result<void> decode_integers(ByteReader& in, std::size_t count, std::vector<std::int64_t>& out);

// One histogram, plainly: for the journal.
void encode_histogram(const Histogram& histogram, std::string& out);
Result<HistogramPtr> decode_histogram(ByteReader& in);

// Histograms of one series in order, column by column: what they share (schema, spans, bounds) is
// written once for as long as it stays the same. At most kColumnMax, none null.
void encode_histograms(std::span<const HistogramPtr> histograms, std::string& out);
// Appends `count` histograms. kCorrupt.
Result<void> decode_histograms(ByteReader& in, std::size_t count, std::vector<HistogramPtr>& out);

// How a double was most likely computed from a whole number. Exporters that write milliseconds as
// seconds by `x * 0.001` make doubles that `x / 1000` does not, and the other way round.
struct Scale {
  enum class Decoder : std::uint8_t { kDivide = 0, kMultiply = 1, kDivideTwice = 2 };
  Decoder decoder = Decoder::kDivide;
  std::uint8_t exponent = 0;  // 0..15; kDivideTwice: 3..15

  std::uint8_t packed() const {
    return static_cast<std::uint8_t>(static_cast<unsigned>(decoder) << 4 | exponent);
  }
  // False: no such scale.
  static bool unpack(std::uint8_t byte, Scale& out);
  double value(std::int64_t whole) const;
  void values(const std::int64_t* wholes, std::size_t count, double* out) const;
  // The whole number that this scale turns into exactly `v` (below 2^53). False: there is none.
  bool whole(double v, std::int64_t& out) const;
  bool operator==(const Scale&) const = default;
};
// The smallest scale under which all `values` are whole numbers. False: there is none.
bool find_scale(std::span<const double> values, Scale& out);

}  // namespace nines::storage::chunk
