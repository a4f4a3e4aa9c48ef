#pragma once
// Readers that tell when one series was sampled at the same times as the one before it.

#include <cstddef>

#include "storage/api/querier.h"

namespace nines::storage {

// A store's SeriesReader may be one; who reads many series looks whether it is.
class ReadingOn : public SeriesReader {
 public:
  // As read(), for one who reads on: `out` is what the last call filled, of which the caller may
  // have changed anything but the times, or it is empty. True when the times are those of that
  // call: they are left as they are, and what was made of them holds for these samples too.
  virtual Result<bool> read_on(std::size_t index, TimeRange range, SampleColumns& out) = 0;
};

}  // namespace nines::storage
