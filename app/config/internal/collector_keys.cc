#include "app/config/internal/collector_keys.h"

#include <algorithm>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::config {

void read_labels(TableReader& t, std::string_view key, std::map<std::string, std::string>& out) {
  t.each_string(key, [&](const std::string& name, const std::string& value,
                         const toml::source_region& place) {
    if (!is_legacy_label_name(name)) t.problems().add(place, quote_go(name) + " is no label name");
    out[name] = value;
  });
}

void read_static_configs(TableReader& t, std::vector<collector::StaticConfig>& out) {
  t.tables("static_configs", [&](TableReader& s) {
    collector::StaticConfig config;
    s.read("targets", config.targets);
    read_labels(s, "labels", config.labels);
    if (config.targets.empty()) s.fail("targets", "`targets` names no target");
    for (const std::string& target : config.targets) {
      if (target.empty()) s.fail("targets", "a target must not be empty");
    }
    out.push_back(std::move(config));
  });
}

void read_times(TableReader& t, const Global& global, Duration& interval, Duration& timeout) {
  interval = global.scrape_interval;
  t.read("scrape_interval", interval);
  timeout = std::min(global.scrape_timeout, interval);
  t.read("scrape_timeout", timeout);
  if (interval < Duration(100))
    t.fail("scrape_interval", "`scrape_interval` must be at least 100ms");
  if (timeout > interval || timeout <= Duration(0)) {
    t.fail("scrape_timeout",
           "`scrape_timeout` must be above 0s and not longer than `scrape_interval` (" +
               format_duration(interval) + ")");
  }
}

void read_job_name(TableReader& t, std::string& job, std::set<std::string>& seen) {
  t.read("job_name", job);
  if (job.empty()) {
    t.fail("job_name", "`job_name` is missing in " + t.name());
  } else if (!seen.insert(job).second) {
    t.fail("job_name", "`job_name` " + quote_go(job) + " is used twice in " + t.name());
  }
}

}  // namespace nines::config
