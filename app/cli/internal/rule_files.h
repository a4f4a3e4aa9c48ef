#pragma once
// Rule files named on the command line.

#include <string>

#include "app/config/config.h"
#include "base/core/result.h"
#include "base/fs/fs.h"

namespace nines::app {

// A TOML or Prometheus rule file alone: its groups and SLOs, without the built-in ones.
Result<config::Config> load_rule_file(Fs& fs, const std::string& file);

}  // namespace nines::app
