#pragma once
// What a probe asks and what it takes for a good answer: blackbox_exporter's modules, with its names.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/net/http_client.h"
#include "base/net/resolver.h"
#include "base/net/stream.h"
#include "base/text/regex.h"

namespace nines::collector {

using RegexPtr = std::shared_ptr<const Regex>;

struct IpChoice {
  IpFamily preferred = IpFamily::kV6;
  bool fallback = true;  // to the other family, when the name has no address of the preferred one
};

struct HeaderMatch {
  std::string header;  // lower case
  RegexPtr regexp;
  bool allow_missing = false;
};

// What an HTTP answer has to be; of the http prober and of each step of a scenario.
struct HttpExpectation {
  std::vector<int> valid_status_codes;           // empty: 2xx
  std::vector<std::string> valid_http_versions;  // "HTTP/1.1"; empty: any
  bool fail_if_ssl = false, fail_if_not_ssl = false;
  std::vector<RegexPtr> fail_if_body_matches, fail_if_body_not_matches;
  std::vector<HeaderMatch> fail_if_header_matches, fail_if_header_not_matches;
};

// Who we are, whom we trust, which way we go.
struct HttpProbeAccess {
  std::string basic_user, basic_password, basic_password_file;
  std::string authorization;  // the header's value; empty: none
  std::string credentials_type, credentials_file;  // in its place, when not empty
  std::shared_ptr<const OAuth2Config> oauth2;      // null: none
  TlsOptions tls;
  HttpProxy proxy;
};

struct HttpProbe {
  std::string method = "GET";
  std::map<std::string, std::string> headers;
  std::string body;
  bool follow_redirects = true;
  bool enable_http2 = true;
  std::string compression;  // "", "gzip", "identity"
  std::uint64_t body_bytes_max = 10u << 20;
  HttpExpectation expect;
  HttpProbeAccess access;
  IpChoice ip;
};

struct QueryStep {
  RegexPtr expect;   // null: none
  std::string send;  // ${1}, ${name}: groups of the last expect
  bool start_tls = false;
  std::vector<std::pair<std::string, std::string>> labels;  // of probe_expect_info
};

struct TcpProbe {
  std::vector<QueryStep> query_response;
  bool tls = false;
  TlsOptions tls_options;
  IpChoice ip;
  std::string source_ip;
};

struct DnsExpectation {
  std::vector<RegexPtr> fail_if_matches, fail_if_all_match, fail_if_not_matches,
      fail_if_none_matches;
};

struct DnsProbe {
  std::string query_name;
  std::uint16_t query_type = 255, query_class = 1;  // ANY, IN
  bool recursion_desired = true;
  bool tcp = false, dns_over_tls = false;
  TlsOptions tls_options;
  std::vector<std::string> valid_rcodes;  // empty: NOERROR
  DnsExpectation answer, authority, additional;
  IpChoice ip;
  std::string source_ip;
};

struct IcmpProbe {
  IpChoice ip;
  std::string source_ip;
  int payload_size = 36;
  bool dont_fragment = false;
  int ttl = 64;
};

struct GrpcProbe {
  std::string service;
  bool tls = false;
  TlsOptions tls_options;
  IpChoice ip;
};

// One value taken from an answer: from its body by regex (group 1, or all of the match) or JSON
// pointer, or from a header.
struct Capture {
  std::string variable;
  RegexPtr regexp;
  std::string json_pointer, header;
};

struct ScenarioStep {
  std::string name;
  std::string method = "GET";
  std::string url;  // with ${variable}; ${target} is the target
  std::map<std::string, std::string> headers;
  std::string body;
  bool follow_redirects = true;
  HttpExpectation expect;
  std::vector<Capture> captures;
};

struct ScenarioProbe {
  std::vector<ScenarioStep> steps;
  std::map<std::string, std::string> variables;
  HttpProbeAccess access;
  std::uint64_t body_bytes_max = 10u << 20;
  IpChoice ip;
};

enum class ProberKind : std::uint8_t { kHttp, kTcp, kDns, kIcmp, kGrpc, kScenario };

struct ProbeModule {
  ProberKind kind = ProberKind::kHttp;
  Duration timeout{0};  // 0: as long as whoever asks waits
  HttpProbe http;
  TcpProbe tcp;
  DnsProbe dns;
  IcmpProbe icmp;
  GrpcProbe grpc;
  ScenarioProbe scenario;
  std::string definition;         // as written, secrets replaced
  std::uint64_t fingerprint = 0;  // of the definition, secrets and all
};

std::string to_string(ProberKind kind);

using ProbeModules = std::map<std::string, std::shared_ptr<const ProbeModule>>;

}  // namespace nines::collector
