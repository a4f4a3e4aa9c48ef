#include "collector/receive/internal/line_server.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

constexpr const char* kComponent = "receive";
constexpr std::size_t kDatagramMax = 65'536;
constexpr int kSweepMs = 1000;  // how often idle connections are looked for

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<Address> parse_address(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt : parse_int(listen.substr(colon + 1));
  Address out;
  if (port && *port >= 0 && *port <= 65'535) {
    std::string host = listen.substr(0, colon);
    if (host == "localhost") host = "127.0.0.1";
    auto* four = reinterpret_cast<sockaddr_in*>(&out.storage);
    auto* six = reinterpret_cast<sockaddr_in6*>(&out.storage);
    if (::inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) {
      four->sin_family = AF_INET;
      four->sin_port = htons(static_cast<std::uint16_t>(*port));
      out.size = sizeof(sockaddr_in);
      return out;
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) == 1) {
      six->sin6_family = AF_INET6;
      six->sin6_port = htons(static_cast<std::uint16_t>(*port));
      out.size = sizeof(sockaddr_in6);
      return out;
    }
  }
  return Error(ErrorCode::kInvalid,
               quote_go(listen) + " is no address; write one such as \"127.0.0.1:8125\"");
}

Result<Descriptor> open_socket(Address& address, int type, const std::string& listen) {
  Descriptor fd(::socket(address.storage.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  const bool stream = type == SOCK_STREAM;
  if (stream && fd.get() >= 0) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd.get() < 0 || ::bind(fd.get(), address.get(), address.size) != 0 ||
      (stream && ::listen(fd.get(), 128) != 0)) {
    const int error = errno;
    return Error(error == EADDRINUSE ? ErrorCode::kUnavailable : ErrorCode::kIo,
                 "cannot listen on " + listen + (stream ? " (TCP): " : " (UDP): ") +
                     std::strerror(error));  // NOLINT(concurrency-mt-unsafe): glibc's is safe
  }
  // What the kernel chose for port 0; UDP and TCP share it.
  ::getsockname(fd.get(), address.get(), &address.size);
  return fd;
}

struct Connection {
  Descriptor fd;
  std::string pending;  // the beginning of a line
  Instant heard{};
};

}  // namespace

class LineServer::Loop {
 public:
  Loop(LineServerOptions options, const Clock& clock, Log& log,
       std::function<void(std::string_view)> take)
      : options_(std::move(options)),
        clock_(clock),
        log_(log),
        take_(std::move(take)),
        wake_(::eventfd(0, EFD_CLOEXEC)),
        buffer_(kDatagramMax) {}

  Result<int> open() {
    NINES_TRY(Address address, parse_address(options_.listen));
    NINES_TRY(tcp_, open_socket(address, SOCK_STREAM, options_.listen));
    NINES_TRY(udp_, open_socket(address, SOCK_DGRAM, options_.listen));
    const auto* four = reinterpret_cast<const sockaddr_in*>(&address.storage);
    return int{ntohs(four->sin_port)};  // sin6_port stands at the same place
  }

  void stop() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t sent = ::write(wake_.get(), &one, sizeof one);
  }

  void run() {
    while (true) {
      std::vector<pollfd> fds = {
          {wake_.get(), POLLIN, 0}, {udp_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}};
      for (const Connection& c : connections_) fds.push_back({c.fd.get(), POLLIN, 0});
      const int ready = ::poll(fds.data(), fds.size(), connections_.empty() ? -1 : kSweepMs);
      if (ready < 0 && errno != EINTR) {
        log_.error(kComponent, "listening on {} ends: errno {}", options_.listen, errno);
        return;
      }
      if (fds[0].revents != 0) return;
      if (fds[1].revents != 0) read_datagrams();
      std::size_t i = 3;
      for (auto c = connections_.begin(); c != connections_.end(); ++i) {
        const bool keep = fds[i].revents == 0 ? clock_.elapsed() - c->heard <= options_.idle_max
                                              : read_lines(*c);
        c = keep ? std::next(c) : connections_.erase(c);
      }
      if (fds[2].revents != 0) accept_all();
    }
  }

 private:
  void read_datagrams() {
    for (int i = 0; i < 1000; ++i) {  // then the connections have their turn
      const ssize_t got = ::recv(udp_.get(), buffer_.data(), buffer_.size(), 0);
      if (got < 0) return;
      if (got > 0) take_({buffer_.data(), static_cast<std::size_t>(got)});
    }
  }

  bool read_lines(Connection& c) {
    const ssize_t got = ::recv(c.fd.get(), buffer_.data(), buffer_.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) {
      if (!c.pending.empty()) take_(c.pending);
      return false;
    }
    c.heard = clock_.elapsed();
    c.pending.append(buffer_.data(), static_cast<std::size_t>(got));
    const std::size_t end = c.pending.rfind('\n');
    if (end != std::string::npos) {
      take_(std::string_view(c.pending).substr(0, end + 1));
      c.pending.erase(0, end + 1);
    }
    return c.pending.size() <= options_.line_bytes_max;
  }

  void accept_all() {
    while (true) {
      Descriptor fd(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (fd.get() < 0) return;
      if (connections_.size() >= options_.connections_max) continue;  // closed by its destructor
      connections_.push_back({std::move(fd), "", clock_.elapsed()});
    }
  }

  const LineServerOptions options_;
  const Clock& clock_;
  Log& log_;
  const std::function<void(std::string_view)> take_;
  Descriptor wake_, udp_, tcp_;
  std::vector<char> buffer_;
  std::list<Connection> connections_;
};

Result<std::unique_ptr<LineServer>> LineServer::start(LineServerOptions options,
                                                      const Clock& clock, Log& log,
                                                      std::function<void(std::string_view)> take) {
  std::unique_ptr<LineServer> server(new LineServer);
  server->loop_ = std::make_unique<Loop>(std::move(options), clock, log, std::move(take));
  NINES_TRY(server->port_, server->loop_->open());
  server->thread_ = std::thread([loop = server->loop_.get()] { loop->run(); });
  return server;
}

LineServer::~LineServer() {
  if (!thread_.joinable()) return;
  loop_->stop();
  thread_.join();
}

}  // namespace nines::collector
