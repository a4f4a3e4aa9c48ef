#pragma once
// Which options a reload cannot change.

#include <string>
#include <vector>

#include "app/config/config.h"

namespace nines::config {

// The keys, as "[storage] budget" (of receivers the section, as "[otlp]"), whose values in `now` are not those the program was `started`
// with although it goes on with these until its next start. In the order of the sections below.
std::vector<std::string> changes_that_wait(const Config& started, const Config& now);

}  // namespace nines::config
