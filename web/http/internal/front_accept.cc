// Coming and going of connections.

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "web/http/internal/front.h"

namespace nines::web {
namespace {

constexpr int kAcceptsPerRound = 256;  // then those who are connected get their turn
constexpr Duration kAcceptPause{1};

std::string address_text(const sockaddr_storage& peer) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (peer.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return text.data();
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(peer);
  inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  const std::string_view mapped = "::ffff:";
  const std::string out = text.data();
  return IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? out.substr(mapped.size()) : out;
}

}  // namespace

void Front::on_accept(Instant now) {
  if (stopping_) return;
  for (int i = 0; i < kAcceptsPerRound; ++i) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const int fd = accept4(listener_.fd, reinterpret_cast<sockaddr*>(&peer), &size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      admit(fd, address_text(peer), now);
      continue;
    }
    if (errno == EAGAIN) return;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    return on_accept_error(errno, now);
  }
}

// No error of accept() ends the listening: it pauses for a moment. Out of descriptors, the spare
// one is used to take the waiting client and turn it away, else it would stay at the door for ever.
void Front::on_accept_error(int code, Instant now) {
  metrics_.accept_errors.add();
  log_.debug("http", "accept: {}", std::strerror(code));
  if ((code == EMFILE || code == ENFILE) && spare_fd_ >= 0) {
    ::close(spare_fd_);
    const int fd = accept4(listener_.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) ::close(fd);
    spare_fd_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  accept_again_ = now + kAcceptPause;
  listen_for(0);
}

void Front::listen_for(std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = 0;
  epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, listener_.fd, &event);
}

void Front::admit(int fd, std::string remote, Instant now) {
  metrics_.accepted.add();
  if (connections_.size() >= options_.connections_max) {
    // Whoever has been idle longest makes room for somebody who may have something to say.
    if (Connection* idle = deadlines_.oldest_idle()) close(*idle);
  }
  std::size_t& of_ip = per_ip_[remote];
  if (connections_.size() >= options_.connections_max || of_ip >= options_.connections_per_ip_max) {
    metrics_.refused_connections.add();
    if (of_ip == 0) per_ip_.erase(remote);
    ::close(fd);
    return;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto made = std::make_unique<Connection>(last_id_++, fd, limits_);
  Connection& connection = *made;
  epoll_event event{};
  event.events = connection.interest = EPOLLIN;
  event.data.u64 = connection.id;
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    if (of_ip == 0) per_ip_.erase(remote);
    ::close(fd);
    return;
  }
  ++of_ip;
  connection.remote = std::move(remote);
  connections_.emplace(connection.id, std::move(made));
  deadlines_.arm(connection, Wait::kIdle, now, options_.idle_timeout);
}

void Front::close(Connection& connection) {
  if (connection.phase == Phase::kClosed) return;
  if (connection.phase == Phase::kStreaming) --streams_;
  if (connection.events) connection.events->client_gone();
  connection.phase = Phase::kClosed;
  if (connection.client) connection.client->note_gone();
  deadlines_.disarm(connection);
  forget_body(connection);
  const auto of_ip = per_ip_.find(connection.remote);
  if (of_ip != per_ip_.end() && --of_ip->second == 0) per_ip_.erase(of_ip);
  ::close(connection.fd);
  const auto found = connections_.find(connection.id);
  closed_.push_back(std::move(found->second));
  connections_.erase(found);
}

void Front::want(Connection& connection, std::uint32_t events) {
  // Hanging up is news in every phase, once.
  if (!connection.half_closed) events |= EPOLLRDHUP;
  if (connection.interest == events) return;
  connection.interest = events;
  epoll_event event{};
  event.events = events;
  event.data.u64 = connection.id;
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, connection.fd, &event) != 0) close(connection);
}

}  // namespace nines::web
