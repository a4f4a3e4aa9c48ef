#include "collector/probe/run_probe.h"

#include <algorithm>

#include <arpa/inet.h>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/probe/internal/probers.h"

namespace nines::collector {
namespace {

bool is_v6(const std::string& ip) {
  return ip.find(':') != std::string::npos;
}

// FNV-1a, 32 bits, over the address's bytes: blackbox_exporter's.
double address_hash(const std::string& ip) {
  unsigned char raw[16] = {};
  const std::size_t size = is_v6(ip) ? 16 : 4;
  ::inet_pton(is_v6(ip) ? AF_INET6 : AF_INET, ip.c_str(), raw);
  std::uint32_t hash = 2'166'136'261u;
  for (std::size_t i = 0; i < size; ++i) {
    hash ^= raw[i];
    hash *= 16'777'619u;
  }
  return hash;
}

}  // namespace

double seconds(std::chrono::nanoseconds span) {
  return std::chrono::duration<double>(span).count();
}

Result<ChosenAddress> choose_address(const ProbeCall& call, const std::string& host,
                                     const IpChoice& choice, bool tell) {
  ProbeResult& out = call.out;
  const bool wants_v6 = choice.preferred == IpFamily::kV6;
  out.info("\"Resolving target address\" target=" + host +
           " ip_protocol=" + (wants_v6 ? "ip6" : "ip4"));
  const Instant began = call.patience.now();
  const auto found = call.tools.resolver.addresses(
      host, choice.fallback ? IpFamily::kAny : choice.preferred, call.patience);
  ChosenAddress chosen;
  chosen.took = call.patience.now() - began;
  if (tell) {
    out.set("probe_dns_lookup_time_seconds", seconds(chosen.took));
    out.set("probe_ip_protocol", 0);
    out.set("probe_ip_addr_hash", 0);
  }
  if (!found) return Error(found.error()).in("resolving " + host);
  const auto preferred = std::find_if(found->begin(), found->end(), [&](const std::string& ip) {
    return is_v6(ip) == wants_v6;
  });
  chosen.ip = preferred != found->end() ? *preferred : found->front();
  if (tell) {
    out.set("probe_ip_protocol", is_v6(chosen.ip) ? 6 : 4);
    out.set("probe_ip_addr_hash", address_hash(chosen.ip));
  }
  out.info("\"Resolved target address\" target=" + host + " ip=" + chosen.ip);
  return chosen;
}

void tell_tls(const TlsInfo& tls, ProbeResult& out) {
  if (!tls.used) return;
  // What Go's zero time is in seconds: that no chain was verified.
  constexpr double kNoChain = -62'135'596'800.0;
  out.set("probe_ssl_earliest_cert_expiry", static_cast<double>(tls.earliest_expiry));
  out.set("probe_ssl_last_chain_expiry_timestamp_seconds",
          tls.last_chain_expiry != 0 ? static_cast<double>(tls.last_chain_expiry) : kNoChain);
  out.set("probe_ssl_last_chain_info", 1,
          {{"fingerprint_sha256", tls.fingerprint_sha256},
           {"issuer", tls.issuer},
           {"subject", tls.subject},
           {"subjectalternative", tls.alternative_names}});
  out.set("probe_tls_version_info", 1, {{"version", tls.version}});
}

ProbeResult run_probe(const ProbeModule& module, const std::string& target,
                      const std::string& hostname, Duration timeout, const ProbeTools& tools,
                      const StopSignal* stop) {
  ProbeResult out;
  if (module.timeout > Duration(0)) timeout = std::min(timeout, module.timeout);
  const Patience patience(tools.clock, timeout, stop);
  const Instant began = patience.now();
  const ProbeCall call{module, target, hostname, tools, patience, out};
  out.info("\"Beginning probe\" probe=" + to_string(module.kind) +
           " timeout_seconds=" + format_double(to_seconds(timeout)));
  switch (module.kind) {
    case ProberKind::kHttp:
      probe_http(call);
      break;
    case ProberKind::kTcp:
      probe_tcp(call);
      break;
    case ProberKind::kDns:
      probe_dns(call);
      break;
    case ProberKind::kIcmp:
      probe_icmp(call);
      break;
    case ProberKind::kGrpc:
      probe_grpc(call);
      break;
    case ProberKind::kScenario:
      probe_scenario(call);
      break;
  }
  const double took = seconds(patience.now() - began);
  out.info(std::string(out.success ? "\"Probe succeeded\"" : "\"Probe failed\"") +
           " duration_seconds=" + format_double(took));
  out.set("probe_success", out.success ? 1 : 0);
  out.set("probe_duration_seconds", took);
  return out;
}

}  // namespace nines::collector
