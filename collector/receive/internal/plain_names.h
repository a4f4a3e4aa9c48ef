#pragma once
// Names as every Prometheus takes them: letters, digits and underscores.

#include <string>
#include <string_view>

namespace nines::collector {

// What is none becomes an underscore, a digit at the beginning gets one before it.
std::string plain_label_name(std::string_view name);
std::string plain_metric_name(std::string_view name);  // colons stay

}  // namespace nines::collector
