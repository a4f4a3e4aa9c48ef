#pragma once
// One connection, in plain text or TLS, for whoever may block: every call ends when its patience does.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/result.h"
#include "base/net/http_client.h"
#include "base/net/tls_info.h"
#include "base/net/wait.h"

namespace nines {

// Errors: kUnavailable (refused, reset, timed out, handshake refused), kInvalid (a certificate file
// that cannot be read, an address that is none), kLimit (a line too long). One thread.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual Result<TlsInfo> start_tls(const TlsOptions& options, const Patience& patience) = 0;
  virtual Result<void> write(std::string_view bytes, const Patience& patience) = 0;
  // Some bytes, at most `bytes_max`; empty: the peer has ended.
  virtual Result<std::string> read(std::size_t bytes_max, const Patience& patience) = 0;
  // Exactly so many; kUnavailable when the peer ends before.
  Result<std::string> read_exactly(std::size_t bytes, const Patience& patience);
  // Up to LF, without it and a CR before it. The rest of what came stays for the next read.
  // kNotFound when the peer has ended and nothing is left.
  Result<std::string> read_line(std::size_t bytes_max, const Patience& patience);

 private:
  std::string buffer_;
};

// `address` is an IP address; `source` another to connect from, or empty.
Result<std::unique_ptr<Stream>> connect_stream(const std::string& address, std::uint16_t port,
                                               const std::string& source,
                                               const Patience& patience);

// "host:port", "[v6]:port" taken apart. kInvalid: "missing port in address" and the like.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
Result<HostPort> split_host_port(std::string_view text);
// The same with a port for a text without one; a bare IPv6 address is a host.
Result<HostPort> split_host_port(std::string_view text, std::uint16_t fallback);

}  // namespace nines
