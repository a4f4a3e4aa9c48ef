#pragma once
// A small blocking TCP server inside a test: one thread per connection, answers as rude as the test
// wants.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/clock.h"

namespace nines::testing {

class TcpConnection {
 public:
  TcpConnection(int fd, int stop_fd) : fd_(fd), stop_fd_(stop_fd) {}
  // The bytes up to and with the blank line; empty when the peer has gone or the server stops.
  std::string read_request();
  // False when the peer has gone.
  bool send(std::string_view bytes);
  // Waits, but not past the server's end (false).
  bool pause(Duration span);

 private:
  const int fd_, stop_fd_;
  std::string buffer_;
};

class TcpServer {
 public:
  using Handler = std::function<void(TcpConnection&)>;  // the connection closes when it returns
  explicit TcpServer(Handler handler);
  ~TcpServer();  // ends pauses and reads, waits for the handlers
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  std::uint16_t port() const;
  std::string url(std::string_view path = "/") const;  // http://127.0.0.1:port/path
  int connections() const;                             // accepted so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A loopback port where nobody listens.
std::uint16_t unused_port();

}  // namespace nines::testing
