#pragma once
// Runs a program and reads what it prints.

#include <cstddef>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"

namespace nines::collector {

// What the program wrote to its standard output. It is found in PATH, reads nothing and may write
// errors nowhere. kNotFound: there is no such program. kUnavailable: it did not end within
// `timeout` (it is killed) or ended with anything but 0. kLimit: it wrote more than `bytes_max`.
Result<std::string> run_command(const std::vector<std::string>& argv, Duration timeout,
                                std::size_t bytes_max);

}  // namespace nines::collector
