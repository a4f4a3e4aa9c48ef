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

void read_relabelling(TableReader& t, std::string_view key,
                      std::vector<collector::RelabelRule>& out) {
  t.tables(key, [&](TableReader& r) {
    collector::RelabelSpec spec;
    r.read("source_labels", spec.source_labels);
    const auto text = [&](const char* name, std::optional<std::string>& into) {
      if (!r.has(name)) return;
      std::string value;
      r.read(name, value);
      into = std::move(value);
    };
    text("separator", spec.separator);
    text("regex", spec.regex);
    text("replacement", spec.replacement);
    r.read_count("modulus", spec.modulus);
    r.read("target_label", spec.target_label);
    std::string action(to_string(spec.action));
    r.read("action", action);
    if (const auto known = collector::relabel_action(action)) {
      spec.action = *known;
    } else {
      r.fail("action", "`action` " + quote_go(action) + " is none of " +
                           listed(collector::relabel_action_names()));
      return;
    }
    Result<collector::RelabelRule> rule = collector::make_relabel_rule(spec);
    if (rule) {
      out.push_back(*std::move(rule));
    } else {
      r.fail(r.has("regex") ? "regex" : "action", rule.error().what());
    }
  });
}

// Headers that belong to the connection or to other options.
bool is_reserved_header(std::string_view name) {
  constexpr std::string_view kReserved[] = {
      "accept-encoding", "authorization",       "connection",        "content-length", "host",
      "keep-alive",      "proxy-authorization", "transfer-encoding", "upgrade"};
  const std::string plain = to_lower(name);
  return std::find(std::begin(kReserved), std::end(kReserved), plain) != std::end(kReserved);
}

// Relative to the folder of the configuration.
std::string beside(const Context& context, std::string path) {
  const std::size_t slash = context.file.rfind('/');
  if (path.empty() || path.starts_with('/') || slash == std::string::npos) return path;
  return context.file.substr(0, slash + 1) + path;
}

void read_http_options(TableReader& t, collector::ScrapeConfig& s, const Context& context) {
  t.read("follow_redirects", s.follow_redirects);
  t.read("enable_http2", s.enable_http2);
  if (t.has("enable_compression")) {
    bool wanted = true;
    t.read("enable_compression", wanted);
    s.enable_compression = wanted;
  }
  t.read("proxy_url", s.proxy_url);
  if (!s.proxy_url.empty()) check_url(t, "proxy_url", s.proxy_url);
  std::map<std::string, std::string> headers;
  t.read("http_headers", headers);
  for (const auto& [name, value] : headers) {
    if (is_reserved_header(name)) {
      t.fail("http_headers", "`http_headers` may not set " + quote_go(name) +
                                 ": it has its own option, or belongs to the connection");
    }
    s.http_headers.emplace_back(name, value);
  }
  t.table("tls_config", [&](TableReader& tls) {
    tls.read("ca_file", s.tls_files.ca);
    tls.read("cert_file", s.tls_files.cert);
    tls.read("key_file", s.tls_files.key);
    tls.read("insecure_skip_verify", s.insecure_skip_verify);
    if (s.tls_files.cert.empty() != s.tls_files.key.empty()) {
      tls.fail("cert_file", "`cert_file` and `key_file` need each other");
    }
  });
  for (std::string* path : {&s.tls_files.ca, &s.tls_files.cert, &s.tls_files.key}) {
    *path = beside(context, std::move(*path));
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
    t.table("basic_auth", [&](TableReader& b) {
      b.read("username", s.basic_auth_username);
      b.read_secret("password", s.basic_auth_password, context.read_secret);
    });
    t.table("authorization", [&](TableReader& a) {
      a.read("type", s.authorization_type);
      if (s.authorization_type.empty() || to_lower(s.authorization_type) == "basic") {
        a.fail("type", "`type` must name a scheme, and Basic has its own `basic_auth`");
      }
      a.read_secret("credentials", s.bearer_token, context.read_secret);
    });
    if (!s.basic_auth_username.empty() && !s.bearer_token.empty()) {
      t.fail("authorization", "`basic_auth` and `authorization` exclude each other");
    }
    read_http_options(t, s, context);
    read_relabelling(t, "relabel_configs", s.relabel_configs);
    read_relabelling(t, "metric_relabel_configs", s.metric_relabel_configs);
    read_static_configs(t, s.static_configs);
    if (s.static_configs.empty())
      t.fail("", "job " + quote_go(s.job_name) + " has no `static_configs`");
    if (!s.metrics_path.starts_with('/'))
      t.fail("metrics_path", "`metrics_path` must begin with /");
    config.scrapes.push_back(std::move(s));
  });
}

}  // namespace nines::config
