// [host], [[log_configs]]: what is collected.
#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "app/config/internal/collector_keys.h"
#include "app/config/internal/sections.h"
#include "base/text/numbers.h"
#include "base/text/regex.h"
#include "base/text/text.h"

namespace nines::config {
void read_host(TableReader& root, Config& config) {
  config.host.interval = config.global.scrape_interval;
  root.table("host", [&](TableReader& t) {
    t.read("enabled", config.host.enabled);
    t.read("interval", config.host.interval);
    t.read("job_name", config.host.job_name);
    t.read("instance", config.host.instance);
    t.read("proc_path", config.host.proc_path);
    t.read("sys_path", config.host.sys_path);
    t.read("root_path", config.host.root_path);
    t.read("textfile_directory", config.host.textfile_directory);
    t.read_bytes("textfile_size_limit", config.host.textfile_size_limit);
    t.read("systemctl", config.host.systemctl);
    t.read("systemctl_timeout", config.host.systemctl_timeout);
    t.read("systemd_unit_exclude", config.host.systemd_unit_exclude);
    if (const auto regex = Regex::compile(config.host.systemd_unit_exclude, RegexAnchor::kBoth);
        !regex)
      t.fail("systemd_unit_exclude", regex.error().what());
    t.read("disabled_collectors", config.host.disabled_collectors);
    const auto known = collector::host_collector_names();
    for (const std::string& name : config.host.disabled_collectors) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const std::string_view nearest = nearest_word(name, known);
      t.fail("disabled_collectors",
             "the host has no collector `" + name + "`" +
                 (nearest.empty() ? "" : "; did you mean `" + std::string(nearest) + "`?"));
    }
  });
}

void read_logs(TableReader& root, Config& config) {
  std::set<std::string> jobs;
  root.tables("log_configs", [&](TableReader& t) {
    collector::LogConfig l;
    l.line = t.line();
    read_job_name(t, l.job_name, jobs);
    t.read("files", l.files);
    if (l.files.empty()) t.fail("files", "`files` names no file in [[log_configs]]");
    read_labels(t, "labels", l.labels);
    std::string from = l.read_from_beginning ? "beginning" : "end";
    t.read_one_of("read_from", from, {"beginning", "end"});
    l.read_from_beginning = from == "beginning";
    t.read_bytes("max_line_size", l.line_bytes_max);
    t.read("poll_interval", l.poll_interval);
    t.read("metrics_interval", l.metrics_interval);
    t.tables("metrics", [&](TableReader& m) {
      collector::LogMetric metric;
      m.read("name", metric.name);
      if (!is_legacy_metric_name(metric.name)) {
        m.fail("name", "`name` " + quote_go(metric.name) + " is no metric name");
      }
      m.read_one_of("type", metric.type, {"counter"});
      m.read("help", metric.help);
      m.read("regex", metric.regex);
      m.read("by", metric.by);
      m.read("value", metric.value);
      if (metric.regex.empty()) {
        m.fail("regex", "`regex` is missing in [[log_configs]] metrics");
      } else if (const auto regex = Regex::compile(metric.regex, RegexAnchor::kNone); !regex) {
        m.fail("regex", "`regex`: " + regex.error().what());
      } else {
        const auto& names = (*regex)->group_names();
        for (const std::string& by : metric.by) {
          if (std::find(names.begin(), names.end(), by) == names.end()) {
            m.fail("by", "`by` names " + quote_go(by) +
                             ", which is no group of `regex`: write (?P<" + by + ">...)");
          }
        }
      }
      l.metrics.push_back(std::move(metric));
    });
    config.logs.push_back(std::move(l));
  });
}

}  // namespace nines::config
