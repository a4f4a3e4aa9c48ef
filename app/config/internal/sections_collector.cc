// [host], [[scrape_configs]], [[probe_configs]], [[log_configs]]: what is collected.
#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "app/config/internal/sections.h"
#include "base/text/numbers.h"
#include "base/text/regex.h"
#include "base/text/text.h"

namespace nines::config {
namespace {

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

// Interval and timeout fall back to [global]; the timeout never exceeds the interval.
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

void read_protocols(TableReader& t, collector::ScrapeConfig& s) {
  const auto read = [&](const char* key, const std::string& name) {
    const auto protocol = collector::scrape_protocol(name);
    if (protocol) return protocol;
    std::string all;
    for (const std::string_view known : collector::scrape_protocol_names()) {
      all += (all.empty() ? "" : ", ") + std::string(known);
    }
    t.fail(key, "`" + std::string(key) + "`: " + quote_go(name) + " is none of " + all);
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
  });
}

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
    read_protocols(t, s);
    t.read_bytes("body_size_limit", s.body_size_limit);
    t.read_count("sample_limit", s.sample_limit);
    t.read_count("label_limit", s.label_limit);
    t.read_count("label_name_length_limit", s.label_name_length_limit);
    t.read_count("label_value_length_limit", s.label_value_length_limit);
    t.table("basic_auth", [&](TableReader& b) {
      b.read("username", s.basic_auth_username);
      b.read_secret("password", s.basic_auth_password, context.read_secret);
    });
    t.table("authorization", [&](TableReader& a) {
      std::string type = "Bearer";
      a.read_one_of("type", type, {"Bearer"});
      a.read_secret("credentials", s.bearer_token, context.read_secret);
    });
    read_static_configs(t, s.static_configs);
    if (s.static_configs.empty())
      t.fail("", "job " + quote_go(s.job_name) + " has no `static_configs`");
    if (!s.metrics_path.starts_with('/'))
      t.fail("metrics_path", "`metrics_path` must begin with /");
    config.scrapes.push_back(std::move(s));
  });
}

void read_probes(TableReader& root, Config& config) {
  std::set<std::string> jobs;
  root.tables("probe_configs", [&](TableReader& t) {
    collector::ProbeConfig p;
    p.line = t.line();
    read_job_name(t, p.job_name, jobs);
    read_times(t, config.global, p.scrape_interval, p.scrape_timeout);
    t.read_one_of("module", p.module, {"http_2xx", "http_post_2xx"});
    if (p.module == "http_post_2xx") p.http.method = "POST";
    t.table("http", [&](TableReader& h) {
      h.read("method", p.http.method);
      if (const toml::array* codes = h.array("valid_status_codes")) {
        for (const toml::node& code : *codes) {
          const auto value = code.value<std::int64_t>();
          if (!value || *value < 100 || *value > 599) {
            h.problems().add(code.source(),
                             "`valid_status_codes` holds HTTP status codes, 100 to 599");
          } else {
            p.http.valid_status_codes.push_back(static_cast<int>(*value));
          }
        }
      }
      h.read("headers", p.http.headers);
      h.read("body", p.http.body);
      h.read("follow_redirects", p.http.follow_redirects);
      h.read("insecure_skip_verify", p.http.insecure_skip_verify);
      h.read("fail_if_body_matches_regexp", p.http.fail_if_body_matches_regexp);
      h.read("fail_if_body_not_matches_regexp", p.http.fail_if_body_not_matches_regexp);
      for (const char* key : {"fail_if_body_matches_regexp", "fail_if_body_not_matches_regexp"}) {
        std::vector<std::string> patterns;
        h.read(key, patterns);
        for (const std::string& pattern : patterns) {
          if (const auto r = Regex::compile(pattern, RegexAnchor::kNone); !r) {
            h.fail(key, "`" + std::string(key) + "`: " + r.error().what());
          }
        }
      }
    });
    read_static_configs(t, p.static_configs);
    if (p.static_configs.empty())
      t.fail("", "job " + quote_go(p.job_name) + " has no `static_configs`");
    for (const auto& group : p.static_configs) {
      for (const std::string& target : group.targets) {
        if (!target.starts_with("http://") && !target.starts_with("https://")) {
          t.fail("static_configs",
                 "probe target " + quote_go(target) + " must be a URL: write http://" + target);
        }
      }
    }
    config.probes.push_back(std::move(p));
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
