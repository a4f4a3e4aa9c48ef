// [[scrape_configs]]: which HTTP targets are scraped, and how.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/config/internal/collector_keys.h"
#include "app/config/internal/sections.h"
#include "base/text/text.h"

namespace nines::config {
namespace {

std::string listed(std::span<const std::string_view> names) {
  std::string all;
  for (const std::string_view name : names) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

void read_protocols(TableReader& t, collector::ScrapeConfig& s) {
  const auto read = [&](const char* key, const std::string& name) {
    const auto protocol = collector::scrape_protocol(name);
    if (protocol) return protocol;
    t.fail(key, "`" + std::string(key) + "`: " + quote_go(name) + " is none of " +
                    listed(collector::scrape_protocol_names()));
    return protocol;
  };
  if (t.has("scrape_protocols")) {
    std::vector<std::string> names;
    t.read("scrape_protocols", names);
    s.scrape_protocols.clear();
    for (const std::string& name : names) {
      const auto protocol = read("scrape_protocols", name);
      if (!protocol) continue;
      if (std::count(s.scrape_protocols.begin(), s.scrape_protocols.end(), *protocol) != 0) {
        t.fail("scrape_protocols", "`scrape_protocols` names " + name + " twice");
      }
      s.scrape_protocols.push_back(*protocol);
    }
    if (names.empty()) t.fail("scrape_protocols", "`scrape_protocols` names no protocol");
  }
  std::string fallback;
  t.read("fallback_scrape_protocol", fallback);
  if (!fallback.empty()) {
    s.fallback_scrape_protocol = read("fallback_scrape_protocol", fallback);
  }
}

}  // namespace

void read_scrapes(TableReader& root, Config& config, const Context& context) {
  std::set<std::string> jobs;
  root.tables("scrape_configs", [&](TableReader& t) {
    collector::ScrapeConfig s;
    s.line = t.line();
    read_job_name(t, s.job_name, jobs);
    read_times(t, config.global, s.scrape_interval, s.scrape_timeout);
    t.read("metrics_path", s.metrics_path);
    t.read_one_of("scheme", s.scheme, {"http", "https"});
    t.table("params", [&](TableReader& p) {
      std::map<std::string, std::vector<std::string>> params;
      for (auto&& [key, value] : p.raw()) {
        (void)value;
        std::vector<std::string> values;
        p.read(key.str(), values);
        params[std::string(key.str())] = std::move(values);
      }
      s.params = std::move(params);
    });
    t.read("honor_labels", s.honor_labels);
    t.read("honor_timestamps", s.honor_timestamps);
    t.read("track_timestamps_staleness", s.track_timestamps_staleness);
    read_protocols(t, s);
    t.read_bytes("body_size_limit", s.body_size_limit);
    t.read_count("sample_limit", s.sample_limit);
    t.read_count("target_limit", s.target_limit);
    t.read_count("keep_dropped_targets", s.keep_dropped_targets);
    t.read_count("label_limit", s.label_limit);
    t.read_count("label_name_length_limit", s.label_name_length_limit);
    t.read_count("label_value_length_limit", s.label_value_length_limit);
    if (t.has("enable_compression")) {
      bool wanted = true;
      t.read("enable_compression", wanted);
      s.enable_compression = wanted;
    }
    read_http_access(t, s, context);
    read_relabelling(t, "relabel_configs", s.relabel_configs);
    read_relabelling(t, "metric_relabel_configs", s.metric_relabel_configs);
    read_static_configs(t, s.static_configs);
    read_discovery(t, s.discovery, context);
    check_has_targets(t, s.job_name, s.static_configs, s.discovery);
    if (!s.metrics_path.starts_with('/'))
      t.fail("metrics_path", "`metrics_path` must begin with /");
    config.scrapes.push_back(std::move(s));
  });
}

}  // namespace nines::config
