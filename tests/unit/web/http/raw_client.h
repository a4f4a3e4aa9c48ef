#pragma once
// A client that sends exactly the bytes it is told to, and a server to send them to.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/core/real_clock.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "web/http/server.h"

namespace nines::testing {

// A blocking socket whose reads give up after five seconds.
class RawClient {
 public:
  explicit RawClient(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{5, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~RawClient() {
    if (fd_ >= 0) ::close(fd_);
  }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        connected_(other.connected_),
        buffer_(std::move(other.buffer_)) {}
  RawClient& operator=(RawClient&&) = delete;

  bool connected() const { return connected_; }
  int fd() const { return fd_; }

  RawClient& send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) break;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return *this;
  }
  // Until `mark` has been read (and taken); what came before it. Empty when it never came.
  std::string until(std::string_view mark) {
    std::size_t at = 0;
    while ((at = buffer_.find(mark)) == std::string::npos) {
      if (!more()) return {};
    }
    std::string out = buffer_.substr(0, at + mark.size());
    buffer_.erase(0, at + mark.size());
    return out;
  }
  // Everything up to the end of the connection.
  std::string rest() {
    while (more()) {
    }
    return std::exchange(buffer_, {});
  }
  // One answer: its head, and its body by Content-Length.
  struct Answer {
    int status = 0;
    std::string head;
    std::string body;
  };
  Answer answer(bool has_body = true) {
    Answer out;
    out.head = until("\r\n\r\n");
    if (out.head.size() < 12) return out;
    out.status = std::stoi(out.head.substr(9, 3));
    const std::size_t at = out.head.find("Content-Length: ");
    if (at == std::string::npos || !has_body) return out;
    const std::size_t length = std::stoul(out.head.substr(at + 16));
    while (buffer_.size() < length && more()) {
    }
    out.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return out;
  }
  Answer get(const std::string& target) {
    return send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n").answer();
  }
  // True when the server has ended the connection.
  bool at_end() {
    char c = 0;
    return buffer_.empty() && ::recv(fd_, &c, 1, 0) == 0;
  }

 private:
  bool more() {
    char chunk[16384];
    const ssize_t n = ::recv(fd_, chunk, sizeof chunk, 0);
    if (n <= 0) return false;
    buffer_.append(chunk, static_cast<std::size_t>(n));
    return true;
  }
  int fd_;
  bool connected_ = false;
  std::string buffer_;
};

// A real server on a free port of the loopback address.
struct TestServer {
  explicit TestServer(const web::Router& router, web::ServerOptions options = {}) {
    options.listen = "127.0.0.1:0";
    Result<std::unique_ptr<web::Server>> started =
        web::Server::start(options, router, *clock, *log, *telemetry);
    if (started) server = *std::move(started);
  }
  RawClient client() const { return RawClient(server->port()); }

  std::unique_ptr<Clock> clock = make_real_clock();
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  std::unique_ptr<web::Server> server;
};

}  // namespace nines::testing
