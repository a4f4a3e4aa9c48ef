#pragma once
// Bodies as they came over HTTP, unpacked within bounds.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/core/result.h"

namespace nines::collector {

// `body` as it is for no coding or "identity", unpacked for "gzip" and "zstd". `room` holds what was
// unpacked and must outlive the view. kNotFound: another coding. kLimit: more than bytes_max, or
// past 1 MiB more than a hundred times the body, or a zstd window of more than 8 MiB, which RFC 8878
// lets a reader refuse. kInvalid: not of its coding, or broken off.
Result<std::string_view> unpack(std::string_view content_encoding, std::string_view body,
                                std::size_t bytes_max, std::string& room);

}  // namespace nines::collector
