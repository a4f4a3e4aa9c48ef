#include "base/net/internal/socket.h"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <net/if.h>

namespace nines::net {

Result<SocketAddress> socket_address(const std::string& ip, std::uint16_t port) {
  SocketAddress out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  if (::inet_pton(AF_INET, ip.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.size = sizeof *v4;
    return out;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  const std::size_t zone = ip.find('%');
  if (::inet_pton(AF_INET6, ip.substr(0, zone).c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    if (zone != std::string::npos) v6->sin6_scope_id = ::if_nametoindex(ip.c_str() + zone + 1);
    out.size = sizeof *v6;
    return out;
  }
  return Error(ErrorCode::kInvalid, "\"" + ip + "\" is no IP address");
}

Error last_error(const std::string& doing) {
  return {ErrorCode::kIo, doing + ": " + std::strerror(errno)};
}

Result<void> bind_source(int fd, const std::string& source, int family) {
  if (source.empty()) return {};
  NINES_TRY(const SocketAddress from, socket_address(source, 0));
  if (from.family() != family) {
    return Error(ErrorCode::kInvalid,
                 "source address " + source + " is of another family than the target's");
  }
  if (::bind(fd, from.get(), from.size) != 0) return last_error("source address " + source);
  return {};
}

}  // namespace nines::net
