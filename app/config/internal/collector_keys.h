#pragma once
// Keys that scrapes, probes and log files share.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/config.h"
#include "app/config/internal/toml_reader.h"

namespace nines::config {

void read_labels(TableReader& t, std::string_view key, std::map<std::string, std::string>& out);
void read_static_configs(TableReader& t, std::vector<collector::StaticConfig>& out);
// Interval and timeout fall back to [global]; the timeout never exceeds the interval.
void read_times(TableReader& t, const Global& global, Duration& interval, Duration& timeout);
// Reports a job without a name, and one whose name is in `seen`.
void read_job_name(TableReader& t, std::string& job, std::set<std::string>& seen);

}  // namespace nines::config
