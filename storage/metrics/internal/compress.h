#pragma once
// zstd, level 1, where it pays.

#include <string>
#include <string_view>

#include "base/core/result.h"

namespace nines::storage {

// `bytes` with a leading length and, when that is smaller, compressed: see
// docs/formats/metrics-ring.md, "packed bytes".
void put_packed(std::string& out, std::string_view bytes);
// What put_packed() was given; `packed` must be exactly what it wrote. kCorrupt.
Result<std::string> unpack(std::string_view packed);

}  // namespace nines::storage
