#include "base/net/datagram.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>

#include "base/net/internal/socket.h"

namespace nines {
namespace {

using net::Fd;
using net::SocketAddress;

constexpr std::size_t kPacketMax = 65'536;

std::uint16_t checksum(std::string_view bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << 8;
    if (i + 1 < bytes.size()) sum += static_cast<unsigned char>(bytes[i + 1]);
  }
  while (sum >> 16) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void put16(std::string& bytes, std::size_t at, unsigned value) {
  bytes[at] = static_cast<char>(value >> 8);
  bytes[at + 1] = static_cast<char>(value & 0xFF);
}
unsigned get16(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned>(static_cast<unsigned char>(bytes[at])) << 8 |
         static_cast<unsigned char>(bytes[at + 1]);
}

std::string echo_request(bool v6, std::uint16_t number, std::size_t payload) {
  static constexpr std::string_view kFill = "nines availability probe ";
  std::string packet(8, '\0');
  packet[0] = static_cast<char>(v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO);
  put16(packet, 4, number);
  put16(packet, 6, number);
  while (packet.size() < 8 + payload) packet += kFill[(packet.size() - 8) % kFill.size()];
  // The kernel sums IPv6's itself, over a header that only it knows.
  if (!v6) put16(packet, 2, checksum(packet));
  return packet;
}

struct PingSocket {
  Fd fd;
  bool raw = false;
};

Result<PingSocket> open_ping_socket(bool v6) {
  const int family = v6 ? AF_INET6 : AF_INET;
  const int protocol = v6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
  PingSocket out;
  out.fd = Fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (out.fd) return out;
  const int first = errno;
  out.fd = Fd(::socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  out.raw = true;
  if (out.fd) return out;
  return Error(ErrorCode::kIo,
               std::string("no ICMP socket: ping socket: ") + std::strerror(first) +
                   "; raw socket: " + std::strerror(errno) +
                   ". Let the group of nines ping: sysctl -w net.ipv4.ping_group_range=\"0 "
                   "2147483647\", or give it the capability: setcap cap_net_raw+ep nines");
}

Error set_failed(const char* what) {
  return net::last_error(std::string("ICMP socket: ") + what);
}

Result<void> set_options(int fd, bool v6, const PingOptions& o) {
  const int level = v6 ? static_cast<int>(IPPROTO_IPV6) : static_cast<int>(IPPROTO_IP);
  const int on = 1;
  ::setsockopt(fd, level, v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, &on, sizeof on);
  if (o.ttl > 0 &&
      ::setsockopt(fd, level, v6 ? IPV6_UNICAST_HOPS : IP_TTL, &o.ttl, sizeof o.ttl) != 0) {
    return set_failed("ttl");
  }
  if (o.dont_fragment) {
    const int always = v6 ? IPV6_PMTUDISC_DO : IP_PMTUDISC_DO;
    if (::setsockopt(fd, level, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &always,
                     sizeof always) != 0) {
      return set_failed("dont_fragment");
    }
  }
  return {};
}

struct Received {
  std::string packet;
  int hop_limit = 0;
};

Result<Received> receive(int fd, const Patience& patience) {
  for (;;) {
    if (patience.left() == Duration(0)) return patience.timed_out();
    std::string bytes(kPacketMax, '\0');
    alignas(cmsghdr) char control[256];
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t n = ::recvmsg(fd, &message, 0);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) {
        return Error(ErrorCode::kUnavailable, std::string("read: ") + std::strerror(errno));
      }
      if (Result<void> waited = patience.readable(fd); !waited) return waited.error();
      continue;
    }
    Received out;
    bytes.resize(static_cast<std::size_t>(n));
    out.packet = std::move(bytes);
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      const bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL;
      const bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT;
      if (v4 || v6) std::memcpy(&out.hop_limit, CMSG_DATA(c), sizeof out.hop_limit);
    }
    return out;
  }
}

}  // namespace

Result<std::string> ask_by_udp(const std::string& address, std::uint16_t port,
                               const std::string& source, std::string_view question,
                               const std::function<bool(std::string_view)>& is_answer,
                               const Patience& patience) {
  NINES_TRY(const SocketAddress to, net::socket_address(address, port));
  const Fd fd(::socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return net::last_error("socket");
  if (Result<void> bound = net::bind_source(fd.get(), source, to.family()); !bound) {
    return bound.error();
  }
  // Connected: answers of others are not even seen, a closed port is told at once.
  if (::connect(fd.get(), to.get(), to.size) != 0) return net::last_error("connect to " + address);
  if (::send(fd.get(), question.data(), question.size(), MSG_NOSIGNAL) < 0) {
    return Error(ErrorCode::kUnavailable, std::string("send: ") + std::strerror(errno));
  }
  for (;;) {
    NINES_TRY(Received received, receive(fd.get(), patience));
    if (is_answer(received.packet)) return std::move(received.packet);
  }
}

Result<PingReply> ping(const std::string& address, const PingOptions& options, std::uint16_t number,
                       const Patience& patience) {
  const Instant began = patience.now();
  NINES_TRY(const SocketAddress to, net::socket_address(address, 0));
  const bool v6 = to.family() == AF_INET6;
  NINES_TRY(const PingSocket socket, open_ping_socket(v6));
  const int fd = socket.fd.get();
  if (Result<void> bound = net::bind_source(fd, options.source, to.family()); !bound) {
    return bound.error();
  }
  if (Result<void> set = set_options(fd, v6, options); !set) return set.error();
  // Connected: raw sockets see answers of this one peer only, and refusals become errors.
  if (::connect(fd, to.get(), to.size) != 0) {
    return Error(ErrorCode::kUnavailable, std::string("ICMP: ") + std::strerror(errno));
  }
  const std::string request = echo_request(v6, number, options.payload_bytes);
  const auto us = [](auto d) { return std::chrono::duration_cast<std::chrono::microseconds>(d); };
  PingReply reply;
  const Instant sent = patience.now();
  reply.setup = us(sent - began);
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    return Error(ErrorCode::kUnavailable, std::string("ICMP send: ") + std::strerror(errno));
  }
  for (;;) {
    const Result<Received> received = receive(fd, patience);
    if (!received) return received.error();
    std::string_view packet = received->packet;
    if (socket.raw && !v6 && !packet.empty()) {  // with the IP header
      const std::size_t header = static_cast<std::size_t>(packet.front() & 0x0F) * 4;
      packet.remove_prefix(std::min(packet.size(), header));
    }
    if (packet.size() < 8) continue;
    const auto kind = static_cast<unsigned char>(packet[0]);
    if (kind != (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY)) continue;
    // A ping socket's identifier is the kernel's; the sequence number is always ours.
    if (get16(packet, 6) != number || (socket.raw && get16(packet, 4) != number)) continue;
    if (packet.substr(8) != std::string_view(request).substr(8)) continue;
    reply.round_trip = us(patience.now() - sent);
    reply.hop_limit = received->hop_limit;
    return reply;
  }
}

}  // namespace nines
