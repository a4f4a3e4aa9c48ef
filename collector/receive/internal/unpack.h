#pragma once
// Bodies as they came over HTTP, unpacked within bounds.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/core/result.h"

namespace nines::collector {

// `body` as it is for no coding or "identity", inflated for "gzip". `room` holds what was inflated
// and must outlive the view. kNotFound: another coding. kLimit: more than bytes_max, or more than a
// hundred times the body. kInvalid: no gzip.
Result<std::string_view> unpack(std::string_view content_encoding, std::string_view body,
                                std::size_t bytes_max, std::string& room);

}  // namespace nines::collector
