#include "tests/support/tcp_server.h"

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace nines::testing {
namespace {

// True when `fd` can be read; false when the server stops or the time is up (-1: never).
bool wait_readable(int fd, int stop_fd, int timeout_ms) {
  pollfd fds[2] = {{fd, POLLIN, 0}, {stop_fd, POLLIN, 0}};
  return ::poll(fds, 2, timeout_ms) > 0 && fds[1].revents == 0 && fds[0].revents != 0;
}

int bind_loopback(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(fd, reinterpret_cast<const sockaddr*>(&address), length);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

std::string TcpConnection::read_request() {
  for (;;) {
    const std::size_t end = buffer_.find("\r\n\r\n");
    if (end != std::string::npos) {
      std::string request = buffer_.substr(0, end + 4);
      buffer_.erase(0, end + 4);
      return request;
    }
    char bytes[4096];
    if (!wait_readable(fd_, stop_fd_, -1)) return {};
    const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
    if (n <= 0) return {};
    buffer_.append(bytes, static_cast<std::size_t>(n));
  }
}

bool TcpConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool TcpConnection::pause(Duration span) {
  pollfd stop{stop_fd_, POLLIN, 0};
  return ::poll(&stop, 1, static_cast<int>(span.count())) == 0;
}

struct TcpServer::Impl {
  Handler handler;
  std::uint16_t port = 0;
  int listener = -1;
  int stop = -1;
  std::atomic<int> connections = 0;
  std::vector<std::thread> handlers;  // the acceptor's own
  std::thread acceptor;

  void accept_all() {
    while (wait_readable(listener, stop, -1)) {
      const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++connections;
      handlers.emplace_back([this, fd] {
        TcpConnection connection(fd, stop);
        handler(connection);
        ::shutdown(fd, SHUT_RDWR);
        ::close(fd);
      });
    }
    for (std::thread& t : handlers) t.join();
  }
};

TcpServer::TcpServer(Handler handler) : impl_(std::make_unique<Impl>()) {
  impl_->handler = std::move(handler);
  impl_->listener = bind_loopback(impl_->port);
  ::listen(impl_->listener, 64);
  impl_->stop = ::eventfd(0, EFD_CLOEXEC);
  impl_->acceptor = std::thread([impl = impl_.get()] { impl->accept_all(); });
}

TcpServer::~TcpServer() {
  const std::uint64_t one = 1;
  const ssize_t n = ::write(impl_->stop, &one, sizeof one);
  static_cast<void>(n);
  impl_->acceptor.join();
  ::close(impl_->listener);
  ::close(impl_->stop);
}

std::uint16_t TcpServer::port() const {
  return impl_->port;
}
std::string TcpServer::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port()) + std::string(path);
}
int TcpServer::connections() const {
  return impl_->connections;
}

std::uint16_t unused_port() {
  std::uint16_t port = 0;
  ::close(bind_loopback(port));
  return port;
}

}  // namespace nines::testing
