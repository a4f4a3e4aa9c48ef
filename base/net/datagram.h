#pragma once
// Single packets and their answers: UDP questions, ICMP echoes. Calls block for their patience.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/core/result.h"
#include "base/net/wait.h"

namespace nines {

// Sends one datagram, returns the first answer that `is_answer` takes.
Result<std::string> ask_by_udp(const std::string& address, std::uint16_t port,
                               const std::string& source, std::string_view question,
                               const std::function<bool(std::string_view)>& is_answer,
                               const Patience& patience);

struct PingOptions {
  std::string source;           // to send from; empty: any
  int ttl = 0;                  // hops allowed; 0: the system's
  std::size_t payload_bytes = 36;
  bool dont_fragment = false;
};
struct PingReply {
  std::chrono::microseconds setup{}, round_trip{};
  int hop_limit = 0;  // left in the answer; 0: not told
};

// One ICMP echo over a ping socket, or a raw one where the system allows only that. kUnavailable:
// no answer in time, or a router's refusal. kIo: neither kind of socket is allowed; the text names
// the setting and the capability that would.
Result<PingReply> ping(const std::string& address, const PingOptions& options, std::uint16_t number,
                       const Patience& patience);

}  // namespace nines
