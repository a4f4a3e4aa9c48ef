#pragma once
// One accepted sample on its way through journal and head.

#include <cstdint>
#include <string>
#include <vector>

#include "base/model/histogram.h"

namespace nines::storage {

struct Entry {
  std::uint32_t slot = 0;
  std::int64_t time = 0;  // milliseconds
  double value = 0;
  HistogramPtr histogram;  // when set, `value` is 0
  std::int64_t start = 0;  // when its counter began, milliseconds; 0: unknown
};

// A run of samples of one series.
struct Point {
  std::int64_t time = 0;
  double value = 0;
  HistogramPtr histogram;
  std::int64_t start = 0;
};

}  // namespace nines::storage
