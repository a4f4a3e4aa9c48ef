#include "collector/probe/module_config.h"

#include <doctest/doctest.h>

#include "base/net/oauth2.h"

namespace nines::collector {
namespace {

ModuleContext context() {
  return {"/etc/nines", [](const std::string& path) -> std::optional<std::string> {
            if (path == "token") return "from-file\n";
            return std::nullopt;
          }};
}

std::string mistake(const std::string& yaml) {
  std::vector<ConfigProblem> problems;
  parse_modules_yaml(yaml, context(), problems);
  if (problems.empty()) return "";
  return std::to_string(problems[0].line) + ":" + std::to_string(problems[0].column) + ": " +
         problems[0].what;
}

TEST_CASE("a module has blackbox_exporter's keys") {
  std::vector<ConfigProblem> problems;
  const ProbeModules modules = parse_modules_yaml(R"YAML(
modules:
  web:
    prober: http
    timeout: 5s
    http:
      valid_status_codes: [200, 401]
      valid_http_versions: ["HTTP/1.1", "HTTP/2.0"]
      method: PUT
      no_follow_redirects: true
      fail_if_not_ssl: true
      fail_if_body_not_matches_regexp: ["ok"]
      fail_if_header_matches:
      - {header: Set-Cookie, regexp: "x", allow_missing: true}
      compression: gzip
      body_size_limit: 1KB
      bearer_token_file: token
      tls_config: {ca_file: ca.pem, server_name: shop, insecure_skip_verify: true}
      preferred_ip_protocol: ip4
      ip_protocol_fallback: false
  mail:
    prober: tcp
    tcp:
      query_response:
      - {expect: "^220 ", send: "EHLO x"}
      - {send: STARTTLS, starttls: true}
      source_ip_address: 192.0.2.1
  name:
    prober: dns
    dns:
      query_name: nines.test
      query_type: SOA
      valid_rcodes: [NXDOMAIN]
      validate_answer_rrs: {fail_if_not_matches_regexp: [".*"]}
)YAML",
                                                  context(), problems);
  for (const ConfigProblem& p : problems) MESSAGE(p.what);
  REQUIRE(problems.empty());
  const ProbeModule& web = *modules.at("web");
  CHECK(web.timeout == Duration(5000));
  CHECK(web.http.expect.valid_status_codes == std::vector<int>{200, 401});
  CHECK(web.http.method == "PUT");
  CHECK_FALSE(web.http.follow_redirects);
  CHECK(web.http.expect.fail_if_header_matches.at(0).header == "set-cookie");
  CHECK(web.http.body_bytes_max == 1024);
  CHECK(web.http.access.authorization.empty());
  CHECK(web.http.access.credentials_type == "Bearer");
  CHECK(web.http.access.credentials_file == "/etc/nines/token");
  CHECK(web.http.access.tls.files.ca == "/etc/nines/ca.pem");
  CHECK_FALSE(web.http.access.tls.verify);
  CHECK(web.http.ip.preferred == IpFamily::kV4);
  CHECK_FALSE(web.http.ip.fallback);
  const ProbeModule& mail = *modules.at("mail");
  REQUIRE(mail.tcp.query_response.size() == 2);
  CHECK(mail.tcp.query_response[1].start_tls);
  CHECK(modules.at("name")->dns.query_type == 6);
}

TEST_CASE("a mistake is told with its place and what would be right") {
  CHECK(mistake("modules:\n  a: {}\n") ==
        "2:6: `prober` is missing: one of http, tcp, dns, icmp, grpc, scenario");
  CHECK(mistake("modules:\n  a:\n    prober: htp\n").starts_with("3:13: `prober` in the module"));
  CHECK(mistake("modules:\n  a:\n    prober: http\n    http:\n      metod: GET\n") ==
        "5:14: unknown key `metod` in `http`; did you mean `method`?");
  CHECK(mistake("modules: {a: {prober: http, http: {valid_status_codes: [99]}}}")
            .find("100 to 599") != std::string::npos);
  CHECK(mistake("modules: {a: {prober: http, http: {fail_if_body_matches_regexp: ['(']}}}") != "");
  CHECK(mistake("modules: {a: {prober: dns}}").find("query_name") != std::string::npos);
  CHECK(mistake("modules: {a: {prober: icmp, icmp: {ttl: 256}}}").find("1 to 255") !=
        std::string::npos);
  CHECK(mistake("modules: {a: {prober: icmp, icmp: {ttl: 255}}}") == "");
  CHECK(mistake("modules: {a: {prober: http, http: {bearer_token: x, basic_auth: {username: "
                "u}}}}")
            .find("only one of") != std::string::npos);
  CHECK(mistake("modules: [").starts_with("1:"));
  CHECK(mistake(std::string(10'000, '[')) == "1:1: nested too deeply");
}

TEST_CASE("oauth2 of a module, and that a secret in a file takes the place of one in the text") {
  std::vector<ConfigProblem> problems;
  const ProbeModules modules = parse_modules_yaml(R"YAML(
modules:
  web:
    prober: http
    http:
      proxy_url: http://proxy:3128
      no_proxy: example.com
      oauth2:
        client_id: me
        client_secret: hidden
        token_url: https://id/t
        scopes: [a, b]
        endpoint_params: {audience: x}
        tls_config: {server_name: id.local}
)YAML",
                                                  context(), problems);
  for (const ConfigProblem& p : problems) MESSAGE(p.what);
  REQUIRE(problems.empty());
  const HttpProbeAccess& access = modules.at("web")->http.access;
  REQUIRE(access.oauth2);
  CHECK(access.oauth2->client_id == "me");
  CHECK(access.oauth2->client_secret == "hidden");
  CHECK(access.oauth2->scopes == std::vector<std::string>{"a", "b"});
  CHECK(access.oauth2->endpoint_params.at("audience") == "x");
  CHECK(access.oauth2->tls.server_name == "id.local");
  CHECK(access.proxy.secure_url == "http://proxy:3128");
  CHECK(access.proxy.except == "example.com");
  CHECK(modules.at("web")->definition.find("hidden") == std::string::npos);
  const std::string head = "modules: {a: {prober: http, http: {oauth2: {";
  CHECK(mistake(head + "client_id: a, token_url: 'http://t/'}}}}")
            .find("give it, or `client_secret_file`") != std::string::npos);
  CHECK(mistake(head + "client_secret: a, token_url: 'http://t/'}}}}")
            .find("`client_id` is missing") != std::string::npos);
  CHECK(mistake(head + "client_id: a, client_secret: b}}}}").find("`token_url`") !=
        std::string::npos);
  CHECK(mistake("modules: {a: {prober: http, http: {no_proxy: a}}}").find("needs `proxy_url`") !=
        std::string::npos);
  CHECK(mistake("modules: {a: {prober: http, http: {bearer_token: a, bearer_token_file: token}}}")
            .find("not both") != std::string::npos);
}

TEST_CASE("secrets do not stand in a module's description") {
  std::vector<ConfigProblem> problems;
  const auto modules = parse_modules_yaml(
      "modules: {a: {prober: http, http: {basic_auth: {username: u, password: hidden}}}}",
      context(), problems);
  CHECK(modules.at("a")->definition.find("hidden") == std::string::npos);
  CHECK(modules.at("a")->definition.find("<secret>") != std::string::npos);
}

TEST_CASE("the modules without a file are those of the example file of blackbox_exporter") {
  CHECK(builtin_probe_modules().size() == 10);
  CHECK(builtin_probe_modules().at("http_post_2xx")->http.method == "POST");
  CHECK(builtin_probe_modules().at("icmp_ttl5")->icmp.ttl == 5);
}

}  // namespace
}  // namespace nines::collector
