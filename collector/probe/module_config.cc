#include "collector/probe/module_config.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/net/dns_message.h"
#include "base/net/oauth2.h"
#include "base/net/url.h"
#include "base/text/text.h"
#include "collector/probe/internal/node_reader.h"

namespace nines::collector {
namespace {

constexpr std::array<std::string_view, 6> kProbers = {"http", "tcp",  "dns",
                                                      "icmp", "grpc", "scenario"};

void read_ip(NodeReader& t, IpChoice& ip) {
  std::string preferred = ip.preferred == IpFamily::kV4 ? "ip4" : "ip6";
  t.read_one_of("preferred_ip_protocol", preferred, {"ip4", "ip6"});
  ip.preferred = preferred == "ip4" ? IpFamily::kV4 : IpFamily::kV6;
  t.read("ip_protocol_fallback", ip.fallback);
}

void read_tls(NodeReader& t, const ModuleContext& context, TlsOptions& tls) {
  t.table("tls_config", [&](NodeReader& c) {
    const auto file = [&](std::string_view key, std::string& out) {
      c.read(key, out);
      if (!out.empty() && !out.starts_with('/')) out = context.folder + "/" + out;
    };
    file("ca_file", tls.files.ca);
    file("cert_file", tls.files.cert);
    file("key_file", tls.files.key);
    c.read("server_name", tls.server_name);
    bool skip = !tls.verify;
    c.read("insecure_skip_verify", skip);
    tls.verify = !skip;
    c.read_one_of("min_version", tls.min_version, {"TLS10", "TLS11", "TLS12", "TLS13"});
    c.read_one_of("max_version", tls.max_version, {"TLS10", "TLS11", "TLS12", "TLS13"});
    if (tls.files.cert.empty() != tls.files.key.empty()) {
      c.fail("cert_file", "`cert_file` and `key_file` belong together");
    }
  });
}

// `key`, or the path that `key`_file gives to what is read for every request.
void read_secret(NodeReader& t, const std::string& key, const ModuleContext& context,
                 std::string& out, std::string& file_out) {
  t.read(key, out);
  const bool given = t.find(key) != nullptr;
  if (given) file_out.clear();  // of the module below
  std::string file;
  t.read(key + "_file", file);
  if (file.empty()) return;
  if (given) t.fail(key + "_file", "give `" + key + "` or `" + key + "_file`, not both");
  out.clear();
  if (!context.read_secret || !context.read_secret(file)) {
    return t.fail(key + "_file", "`" + key + "_file`: cannot read " + quote_go(file));
  }
  file_out = file.starts_with('/') ? file : context.folder + "/" + file;
}

void read_proxy(NodeReader& t, HttpProxy& proxy) {
  t.read("proxy_url", proxy.url);
  proxy.secure_url = proxy.url;
  t.read("no_proxy", proxy.except);
  if (!proxy.except.empty() && proxy.empty()) t.fail("no_proxy", "`no_proxy` needs `proxy_url`");
}

void read_oauth2(NodeReader& t, const ModuleContext& context, HttpProbeAccess& access) {
  t.table("oauth2", [&](NodeReader& o) {
    OAuth2Config config;
    o.read("client_id", config.client_id);
    read_secret(o, "client_secret", context, config.client_secret, config.client_secret_file);
    o.read("token_url", config.token_url);
    o.read("scopes", config.scopes);
    o.read("endpoint_params", config.endpoint_params);
    read_tls(o, context, config.tls);
    read_proxy(o, config.proxy);
    if (config.client_id.empty()) o.fail("client_id", "`client_id` is missing in `oauth2`");
    if (config.client_secret.empty() && config.client_secret_file.empty()) {
      o.fail("client_secret",
             "`client_secret` is missing in `oauth2`: give it, or `client_secret_file`");
    }
    if (const auto url = parse_http_url(config.token_url); !url) {
      o.fail("token_url", "`token_url` in `oauth2` must be a URL: " + url.error().what());
    }
    access.oauth2 = std::make_shared<const OAuth2Config>(std::move(config));
  });
}

void read_access(NodeReader& t, const ModuleContext& context, HttpProbeAccess& access) {
  t.table("basic_auth", [&](NodeReader& b) {
    b.read("username", access.basic_user);
    read_secret(b, "password", context, access.basic_password, access.basic_password_file);
  });
  const auto credentials = [&](NodeReader& a, const char* key, const std::string& type) {
    std::string text;
    read_secret(a, key, context, text, access.credentials_file);
    access.credentials_type = type;
    access.authorization = access.credentials_file.empty() ? type + " " + text : "";
  };
  if (t.find("bearer_token") != nullptr || t.find("bearer_token_file") != nullptr) {
    credentials(t, "bearer_token", "Bearer");
  }
  t.table("authorization", [&](NodeReader& a) {
    std::string type = "Bearer";
    a.read("type", type);
    credentials(a, "credentials", type);
  });
  read_oauth2(t, context, access);
  const int ways = (access.basic_user.empty() ? 0 : 1) + (access.oauth2 ? 1 : 0) +
                   (access.authorization.empty() && access.credentials_file.empty() ? 0 : 1);
  if (ways > 1) {
    t.fail(access.oauth2 ? "oauth2" : "basic_auth",
           "only one of `basic_auth`, `bearer_token`, `authorization` and `oauth2` can be used");
  }
  read_tls(t, context, access.tls);
  read_proxy(t, access.proxy);
}

void read_header_matches(NodeReader& t, std::string_view key, std::vector<HeaderMatch>& out) {
  if (t.find(key) == nullptr) return;
  out.clear();
  t.tables(key, [&](NodeReader& h) {
    HeaderMatch match;
    h.read("header", match.header);
    match.header = to_lower(match.header);
    h.read("regexp", match.regexp);
    h.read("allow_missing", match.allow_missing);
    if (match.header.empty()) h.fail("header", "`header` is missing");
    if (h.find("regexp") == nullptr) h.fail("regexp", "`regexp` is missing");
    if (match.regexp) out.push_back(std::move(match));
  });
}

void read_expectation(NodeReader& t, HttpExpectation& e) {
  if (t.find("valid_status_codes") != nullptr) {
    std::vector<std::string> codes;
    t.read("valid_status_codes", codes);
    e.valid_status_codes.clear();
    for (const std::string& code : codes) {
      const bool number = code.size() == 3 && code[0] >= '1' && code[0] <= '5' &&
                          code.find_first_not_of("0123456789") == std::string::npos;
      if (!number) {
        t.fail("valid_status_codes", "`valid_status_codes` holds HTTP status codes, 100 to 599");
        continue;
      }
      e.valid_status_codes.push_back(std::stoi(code));
    }
  }
  t.read("valid_http_versions", e.valid_http_versions);
  t.read("fail_if_ssl", e.fail_if_ssl);
  t.read("fail_if_not_ssl", e.fail_if_not_ssl);
  t.read("fail_if_body_matches_regexp", e.fail_if_body_matches);
  t.read("fail_if_body_not_matches_regexp", e.fail_if_body_not_matches);
  read_header_matches(t, "fail_if_header_matches", e.fail_if_header_matches);
  read_header_matches(t, "fail_if_header_not_matches", e.fail_if_header_not_matches);
}

void read_http(NodeReader& t, const ModuleContext& context, HttpProbe& http) {
  t.read("method", http.method);
  t.read("headers", http.headers);
  t.read("body", http.body);
  std::string body_file;
  t.read("body_file", body_file);
  if (!body_file.empty()) {
    const auto text = context.read_secret ? context.read_secret(body_file) : std::nullopt;
    if (!text) t.fail("body_file", "`body_file`: cannot read " + quote_go(body_file));
    if (text) http.body = *text;
  }
  t.read("follow_redirects", http.follow_redirects);
  bool no_follow = !http.follow_redirects;
  t.read("no_follow_redirects", no_follow);
  http.follow_redirects = !no_follow;
  t.read("enable_http2", http.enable_http2);
  t.read_one_of("compression", http.compression, {"", "gzip", "identity"});
  t.read_bytes("body_size_limit", http.body_bytes_max);
  read_expectation(t, http.expect);
  read_access(t, context, http.access);
  bool skip = !http.access.tls.verify;
  t.read("insecure_skip_verify", skip);  // short for tls_config's
  http.access.tls.verify = !skip;
  read_ip(t, http.ip);
}

void read_tcp(NodeReader& t, const ModuleContext& context, TcpProbe& tcp) {
  if (t.find("query_response") != nullptr) tcp.query_response.clear();
  t.tables("query_response", [&](NodeReader& q) {
    QueryStep step;
    q.read("expect", step.expect);
    q.read("send", step.send);
    q.read("starttls", step.start_tls);
    q.tables("labels", [&](NodeReader& l) {
      std::pair<std::string, std::string> label;
      l.read("name", label.first);
      l.read("value", label.second);
      step.labels.push_back(std::move(label));
    });
    tcp.query_response.push_back(std::move(step));
  });
  t.read("tls", tcp.tls);
  read_tls(t, context, tcp.tls_options);
  read_ip(t, tcp.ip);
  t.read("source_ip_address", tcp.source_ip);
}

void read_rrs(NodeReader& t, std::string_view key, DnsExpectation& e) {
  t.table(key, [&](NodeReader& v) {
    v.read("fail_if_matches_regexp", e.fail_if_matches);
    v.read("fail_if_all_match_regexp", e.fail_if_all_match);
    v.read("fail_if_not_matches_regexp", e.fail_if_not_matches);
    v.read("fail_if_none_matches_regexp", e.fail_if_none_matches);
  });
}

void read_dns(NodeReader& t, const ModuleContext& context, DnsProbe& dns) {
  t.read("query_name", dns.query_name);
  std::string text;
  t.read("query_type", text);
  if (!text.empty()) {
    const auto type = dns_type(text);
    if (!type) t.fail("query_type", "`query_type` " + quote_go(text) + " is no type of DNS record");
    dns.query_type = type.value_or(kDnsAny);
  }
  text.clear();
  t.read("query_class", text);
  if (!text.empty()) {
    const auto klass = dns_class(text);
    if (!klass) t.fail("query_class", "`query_class` " + quote_go(text) + " is no class of DNS");
    dns.query_class = klass.value_or(1);
  }
  t.read("recursion_desired", dns.recursion_desired);
  std::string transport = dns.tcp ? "tcp" : "udp";
  t.read_one_of("transport_protocol", transport, {"udp", "tcp"});
  t.read("dns_over_tls", dns.dns_over_tls);
  dns.tcp = transport == "tcp" || dns.dns_over_tls;
  if (dns.dns_over_tls && t.find("transport_protocol") != nullptr && transport == "udp") {
    t.fail("transport_protocol", "`dns_over_tls` needs `transport_protocol` tcp");
  }
  read_tls(t, context, dns.tls_options);
  t.read("valid_rcodes", dns.valid_rcodes);
  for (const std::string& rcode : dns.valid_rcodes) {
    if (!dns_rcode(rcode)) {
      t.fail("valid_rcodes", "`valid_rcodes`: " + quote_go(rcode) + " is no DNS response code");
    }
  }
  read_rrs(t, "validate_answer_rrs", dns.answer);
  read_rrs(t, "validate_authority_rrs", dns.authority);
  read_rrs(t, "validate_additional_rrs", dns.additional);
  read_ip(t, dns.ip);
  t.read("source_ip_address", dns.source_ip);
}

void read_captures(NodeReader& t, std::vector<Capture>& out) {
  t.tables("capture", [&](NodeReader& c) {
    Capture capture;
    c.read("variable", capture.variable);
    c.read("regexp", capture.regexp);
    c.read("json_pointer", capture.json_pointer);
    c.read("header", capture.header);
    capture.header = to_lower(capture.header);
    const int ways = (c.find("regexp") != nullptr ? 1 : 0) + (capture.json_pointer.empty() ? 0 : 1);
    if (capture.variable.empty()) c.fail("variable", "`variable` is missing");
    if (ways > 1 || (ways == 0 && capture.header.empty())) {
      c.fail("variable", "a capture has one of `regexp`, `json_pointer` and `header` (a `regexp` "
                         "may stand beside a `header`)");
    }
    if (!capture.json_pointer.empty() && !capture.json_pointer.starts_with('/')) {
      c.fail("json_pointer", "`json_pointer` begins with /, as in /data/0/id");
    }
    out.push_back(std::move(capture));
  });
}

void read_scenario(NodeReader& t, const ModuleContext& context, ScenarioProbe& scenario) {
  t.read("variables", scenario.variables);
  t.read_bytes("body_size_limit", scenario.body_bytes_max);
  read_access(t, context, scenario.access);
  read_ip(t, scenario.ip);
  scenario.steps.clear();
  std::vector<std::string> names;
  t.tables("steps", [&](NodeReader& s) {
    ScenarioStep step;
    s.read("name", step.name);
    if (step.name.empty()) step.name = "step" + std::to_string(scenario.steps.size() + 1);
    if (std::find(names.begin(), names.end(), step.name) != names.end()) {
      s.fail("name", "`name` " + quote_go(step.name) + " is taken by another step");
    }
    names.push_back(step.name);
    s.read("method", step.method);
    s.read("url", step.url);
    if (step.url.empty()) s.fail("url", "`url` is missing: ${target}/path, or a whole URL");
    s.read("headers", step.headers);
    s.read("body", step.body);
    s.read("follow_redirects", step.follow_redirects);
    read_expectation(s, step.expect);
    read_captures(s, step.captures);
    scenario.steps.push_back(std::move(step));
  });
  if (scenario.steps.empty()) t.fail("steps", "`steps` is missing: a scenario has at least one");
}

// YAML-like text of a node, `secrets` shown or replaced.
void describe(const ConfigNode& node, int depth, bool secrets, std::string& out) {
  static constexpr std::array<std::string_view, 4> kSecret = {"password", "bearer_token",
                                                              "credentials", "client_secret"};
  const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
  for (const auto& [key, value] : node.members) {
    out += indent + key + ":";
    const bool hidden = !secrets && std::find(kSecret.begin(), kSecret.end(), key) != kSecret.end();
    if (value.kind == ConfigNode::Kind::kScalar) {
      out += " " + (hidden ? std::string("<secret>") : value.text) + "\n";
    } else {
      out += "\n";
      describe(value, depth + 1, secrets, out);
    }
  }
  for (const ConfigNode& item : node.items) {
    if (item.kind == ConfigNode::Kind::kScalar) {
      out += indent + "- " + item.text + "\n";
    } else {
      out += indent + "-\n";
      describe(item, depth + 1, secrets, out);
    }
  }
}

}  // namespace

std::string to_string(ProberKind kind) {
  return std::string(kProbers[static_cast<std::size_t>(kind)]);
}

ProbeModule read_probe_module(const ConfigNode& node, ProbeModule base,
                              const ModuleContext& context, std::vector<ConfigProblem>& problems) {
  ProbeModule module = std::move(base);
  {
    NodeReader t(node, "the module", problems);
    std::string prober = to_string(module.kind);
    if (t.find("prober") == nullptr && module.definition.empty()) {
      t.fail("prober", "`prober` is missing: one of http, tcp, dns, icmp, grpc, scenario");
    }
    t.read_one_of("prober", prober, {kProbers.begin(), kProbers.end()});
    const auto found = std::find(kProbers.begin(), kProbers.end(), prober);
    module.kind = static_cast<ProberKind>(found - kProbers.begin());
    t.read("timeout", module.timeout);
    t.table("http", [&](NodeReader& h) { read_http(h, context, module.http); });
    t.table("tcp", [&](NodeReader& h) { read_tcp(h, context, module.tcp); });
    t.table("dns", [&](NodeReader& h) { read_dns(h, context, module.dns); });
    t.table("icmp", [&](NodeReader& h) {
      read_ip(h, module.icmp.ip);
      h.read("source_ip_address", module.icmp.source_ip);
      h.read("payload_size", module.icmp.payload_size, 0, 65'000);
      h.read("dont_fragment", module.icmp.dont_fragment);
      h.read("ttl", module.icmp.ttl, 1, 255);
    });
    t.table("grpc", [&](NodeReader& h) {
      h.read("service", module.grpc.service);
      h.read("tls", module.grpc.tls);
      read_tls(h, context, module.grpc.tls_options);
      read_ip(h, module.grpc.ip);
    });
    t.table("scenario", [&](NodeReader& h) { read_scenario(h, context, module.scenario); });
    if (module.kind == ProberKind::kDns && module.dns.query_name.empty()) {
      t.fail("dns", "`query_name` is missing in `dns`");
    }
    if (module.kind == ProberKind::kScenario && module.scenario.steps.empty()) {
      t.fail("scenario", "`scenario` is missing: a table with `steps`");
    }
  }
  std::string whole;
  describe(node, 0, true, whole);
  module.fingerprint = hash64(whole, module.fingerprint);
  describe(node, 0, false, module.definition);
  return module;
}

}  // namespace nines::collector
