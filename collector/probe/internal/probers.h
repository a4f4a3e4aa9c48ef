#pragma once
// The kinds of probe, and what they share.

#include <string>

#include "base/net/stream.h"
#include "collector/probe/run_probe.h"

namespace nines::collector {

struct ProbeCall {
  const ProbeModule& module;
  const std::string& target;
  const std::string& hostname;
  const ProbeTools& tools;
  const Patience& patience;
  ProbeResult& out;
};

// Each sets `out.success`, or says why not.
void probe_http(const ProbeCall& call);
void probe_tcp(const ProbeCall& call);
void probe_dns(const ProbeCall& call);
void probe_icmp(const ProbeCall& call);
void probe_grpc(const ProbeCall& call);
void probe_scenario(const ProbeCall& call);

double seconds(std::chrono::nanoseconds span);

// The address of a host, by the module's choice of family. With `tell` the time it took and what
// kind of address it is go into `out`.
struct ChosenAddress {
  std::string ip;
  std::chrono::nanoseconds took{};
};
Result<ChosenAddress> choose_address(const ProbeCall& call, const std::string& host,
                                     const IpChoice& choice, bool tell = true);

// The series about a TLS session.
void tell_tls(const TlsInfo& tls, ProbeResult& out);

}  // namespace nines::collector
