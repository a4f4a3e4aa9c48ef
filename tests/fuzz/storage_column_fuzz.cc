// Any bytes as columns and histograms: values or kCorrupt, and what was decoded encodes to the same
// bits again.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "storage/chunk/column.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nines::storage::chunk;  // NOLINT: a program of one function
  if (size < 2) return 0;
  const std::size_t count = data[0] + 1U;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  ByteReader in(bytes);
  std::vector<double> values;
  if (decode_values(in, count, values)) {
    std::string again;
    encode_values(values, again);
    ByteReader back(again);
    std::vector<double> same;
    if (!decode_values(back, count, same) || back.left() != 0) __builtin_trap();
    for (std::size_t i = 0; i < count; ++i) {
      if (std::bit_cast<std::uint64_t>(values[i]) != std::bit_cast<std::uint64_t>(same[i]))
        __builtin_trap();
    }
  }
  ByteReader integers_in(bytes);
  std::vector<std::int64_t> integers;
  if (decode_integers(integers_in, count, integers)) {
    std::string again;
    encode_integers(integers, again);
    ByteReader back(again);
    std::vector<std::int64_t> same;
    if (!decode_integers(back, count, same) || same != integers) __builtin_trap();
  }
  ByteReader one(bytes);
  (void)decode_histogram(one);
  ByteReader many(bytes);
  std::vector<nines::HistogramPtr> histograms;
  (void)decode_histograms(many, count, histograms);
  return 0;
}
