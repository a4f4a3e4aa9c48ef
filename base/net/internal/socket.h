#pragma once
// Sockets of the kernel, closed by themselves.

#include <cstdint>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/core/result.h"

namespace nines::net {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// kInvalid: no IP address.
Result<SocketAddress> socket_address(const std::string& ip, std::uint16_t port);
// kIo with what the kernel said, after `doing`.
Error last_error(const std::string& doing);
// Binds to an address; an empty one is fine.
Result<void> bind_source(int fd, const std::string& source, int family);

}  // namespace nines::net
