#pragma once
// Escapes of the text formats.

#include <string>
#include <string_view>

namespace nines::collector {

// Undoes \\ \" and \n; any other backslash stands for itself, as in Prometheus.
std::string unescape(std::string_view text);

}  // namespace nines::collector
