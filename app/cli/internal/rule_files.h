#pragma once
// Rule files named on the command line.

#include <string>

#include "app/config/config.h"
#include "base/core/result.h"
#include "base/fs/fs.h"

namespace nines::app {

// A TOML or Prometheus rule file alone: its groups and SLOs, without the built-in ones. Names of
// the configuration that it uses are in `warnings`.
Result<config::Config> load_rule_file(Fs& fs, const std::string& file,
                                      alerts::UnknownKeys unknown = alerts::UnknownKeys::kRefuse);

// The same of a file that uses names of the configuration in `main`: [[maintenance]],
// [[receivers]], SLOs of other files. Everything is checked, what is returned is the file's own.
Result<config::Config> load_rule_file_of(Fs& fs, const std::string& main, const std::string& file);

}  // namespace nines::app
