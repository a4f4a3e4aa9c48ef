// [[scrape_configs]]: which HTTP targets are scraped, and how.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "app/config/internal/collector_keys.h"
#include "app/config/internal/exposition_keys.h"
#include "app/config/internal/sections.h"
#include "base/text/text.h"

namespace nines::config {

void read_scrapes(TableReader& root, Config& config, const Context& context) {
  std::set<std::string> jobs;
  root.tables("scrape_configs", [&](TableReader& t) {
    collector::ScrapeConfig s = config.global.exposition;
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
    read_exposition(t, s);
    read_fallback_protocol(t, s);
    if (s.scrape_protocols.empty()) {
      s.scrape_protocols = collector::default_scrape_protocols(s.scrape_native_histograms);
    }
    t.read_count("native_histogram_bucket_limit", s.native_histogram_bucket_limit);
    t.read("native_histogram_min_bucket_factor", s.native_histogram_min_bucket_factor);
    if (s.native_histogram_min_bucket_factor < 0) {
      t.fail("native_histogram_min_bucket_factor",
             "`native_histogram_min_bucket_factor` must not be negative");
    }
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
