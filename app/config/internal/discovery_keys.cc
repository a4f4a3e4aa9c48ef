// Finding targets.
#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/config/internal/collector_keys.h"
#include "base/net/dns_message.h"
#include "base/text/text.h"

namespace nines::config {
namespace {

constexpr Duration kRefreshMin{100};

std::string listed(std::span<const std::string_view> names) {
  std::string all;
  for (const std::string_view name : names) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

void read_refresh(TableReader& t, Duration& out) {
  t.read("refresh_interval", out);
  if (out < kRefreshMin) {
    t.fail("refresh_interval", "`refresh_interval` must be at least 100ms");
  }
}

void read_file_sd(TableReader& t, collector::FileSdConfig& out, const Context& context) {
  t.read("files", out.files);
  if (out.files.empty()) t.fail("files", "`files` names no file in " + t.name());
  for (std::string& file : out.files) {
    const bool known = file.ends_with(".json") || file.ends_with(".yml") ||
                       file.ends_with(".yaml") || file.ends_with(".toml");
    if (!known) {
      t.fail("files", "`files`: " + quote_go(file) +
                          " must end in .json, .yml, .yaml or .toml, which says how to read it");
    }
    file = beside(context, std::move(file));
  }
  read_refresh(t, out.refresh_interval);
}

void read_dns_sd(TableReader& t, collector::DnsSdConfig& out) {
  t.read("names", out.names);
  if (out.names.empty()) t.fail("names", "`names` names nothing in " + t.name());
  for (const std::string& name : out.names) {
    if (const auto query = encode_dns_query(0, name, kDnsSrv, 1, true); !query) {
      t.fail("names", "`names`: " + query.error().what());
    }
  }
  std::string type = out.type;
  t.read("type", type);
  constexpr std::string_view kTypes[] = {"A", "AAAA", "SRV", "MX", "NS"};
  const auto known =
      std::find_if(std::begin(kTypes), std::end(kTypes),
                   [&](std::string_view name) { return to_lower(name) == to_lower(type); });
  if (known == std::end(kTypes)) {
    t.fail("type", "`type` " + quote_go(type) + " is none of A, AAAA, SRV, MX, NS");
  } else {
    out.type = *known;
  }
  std::int64_t port = 0;
  t.read_count("port", port);
  if (port > 65'535) t.fail("port", "`port` must be at most 65535");
  out.port = static_cast<std::uint16_t>(port);
  if (out.type != "SRV" && port == 0) {
    t.fail("port", "`port` is missing in " + t.name() + ": only SRV records name one");
  }
  t.read("servers", out.servers);
  read_refresh(t, out.refresh_interval);
}

void read_consul_sd(TableReader& t, collector::ConsulSdConfig& out, const Context& context) {
  t.read("server", out.server);
  // What is read together with a scheme and a path must not bring its own.
  if (out.server.empty() || out.server.find_first_of("/?#@ \t") != std::string::npos) {
    t.fail("server", "`server` " + quote_go(out.server) +
                         " must be host:port alone; the rest stands in `scheme` and `path_prefix`");
  }
  t.read_one_of("scheme", out.scheme, {"http", "https"});
  t.read("path_prefix", out.path_prefix);
  if (!out.path_prefix.empty() && !out.path_prefix.starts_with('/')) {
    t.fail("path_prefix", "`path_prefix` must begin with /");
  }
  while (out.path_prefix.ends_with('/')) out.path_prefix.pop_back();
  t.read_secret("token", out.token, context.read_secret, &out.token_file);
  out.token_file = beside(context, std::move(out.token_file));
  t.read("datacenter", out.datacenter);
  t.read("namespace", out.ns);
  t.read("partition", out.partition);
  t.read("services", out.services);
  t.read("tags", out.tags);
  t.read("node_meta", out.node_meta);
  t.read("filter", out.filter);
  t.read("tag_separator", out.tag_separator);
  t.read("allow_stale", out.allow_stale);
  for (const std::string& name : out.services) {
    if (name.empty()) t.fail("services", "`services` holds an empty name");
  }
  read_refresh(t, out.refresh_interval);
  read_http_access(t, out.access, context);
}

}  // namespace

std::string beside(const Context& context, std::string path) {
  const std::size_t slash = context.file.rfind('/');
  if (path.empty() || path.starts_with('/') || slash == std::string::npos) return path;
  return context.file.substr(0, slash + 1) + path;
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

void read_discovery(TableReader& t, collector::JobDiscovery& out, const Context& context) {
  t.tables("file_sd_configs", [&](TableReader& s) {
    read_file_sd(s, out.files.emplace_back(), context);
  });
  t.tables("http_sd_configs", [&](TableReader& s) {
    collector::HttpSdConfig& http = out.https.emplace_back();
    s.read("url", http.url);
    check_url(s, "url", http.url);
    read_refresh(s, http.refresh_interval);
    read_http_access(s, http.access, context);
  });
  t.tables("dns_sd_configs", [&](TableReader& s) { read_dns_sd(s, out.dns.emplace_back()); });
  t.tables("consul_sd_configs", [&](TableReader& s) {
    read_consul_sd(s, out.consuls.emplace_back(), context);
  });
}

void check_has_targets(TableReader& t, const std::string& job,
                       const std::vector<collector::StaticConfig>& targets,
                       const collector::JobDiscovery& discovery) {
  if (!targets.empty() || !discovery.empty()) return;
  t.fail("", "job " + quote_go(job) +
                 " has no targets: give it `static_configs`, `file_sd_configs`, `http_sd_configs`, "
                 "`dns_sd_configs` or `consul_sd_configs`");
}

}  // namespace nines::config
