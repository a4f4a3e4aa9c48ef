#include <atomic>

#include "base/net/datagram.h"
#include "base/text/text.h"
#include "collector/probe/internal/probers.h"

namespace nines::collector {
namespace {

// Tells the replies of probes apart that run at the same time.
std::uint16_t next_number() {
  static std::atomic<std::uint16_t> last = 0;
  return ++last;
}

}  // namespace

void probe_icmp(const ProbeCall& call) {
  const IcmpProbe& icmp = call.module.icmp;
  ProbeResult& out = call.out;
  const auto phase = [&](const char* name, std::chrono::nanoseconds took) {
    out.set("probe_icmp_duration_seconds", seconds(took), {{"phase", name}});
  };
  for (const char* name : {"resolve", "setup", "rtt"}) phase(name, {});
  const Result<ChosenAddress> chosen = choose_address(call, call.target, icmp.ip);
  if (!chosen) return out.fail(chosen.error().what());
  phase("resolve", chosen->took);
  PingOptions options;
  options.source = icmp.source_ip;
  options.ttl = icmp.ttl;
  options.payload_bytes = static_cast<std::size_t>(icmp.payload_size);
  options.dont_fragment = icmp.dont_fragment;
  const Result<PingReply> reply = ping(chosen->ip, options, next_number(), call.patience);
  if (!reply) return out.fail(reply.error().what());
  phase("setup", reply->setup);
  phase("rtt", reply->round_trip);
  if (reply->hop_limit > 0) out.set("probe_icmp_reply_hop_limit", reply->hop_limit);
  out.success = true;
}

}  // namespace nines::collector
