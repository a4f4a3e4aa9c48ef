#include "web/http/internal/listener.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/text/text.h"

namespace nines::web {
namespace {

constexpr int kBacklog = 4096;

struct HostPort {
  std::string host;
  std::string port;
};

Result<HostPort> split_address(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  const Error bad(ErrorCode::kInvalid,
                  "listen address \"" + std::string(address) + "\" is not host:port");
  if (colon == std::string_view::npos) return bad;
  std::string_view host = address.substr(0, colon);
  const std::string_view port = address.substr(colon + 1);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size() || number > 65535) return bad;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return HostPort{std::string(host), std::string(port)};
}

bool is_loopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
  return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

int port_of(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  if (bound.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
  return ntohs(reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port);
}

Result<Listener> bind_one(const addrinfo& info, const HostPort& where, std::string_view address) {
  const auto failed = [&](int fd, int code) {
    if (fd >= 0) ::close(fd);
    if (code == EADDRINUSE) {
      const std::string holder = port_holder(std::stoi(where.port));
      return Error(ErrorCode::kUnavailable,
                   "cannot listen on " + std::string(address) + ": the port is held by " +
                       (holder.empty() ? "another user's process" : holder));
    }
    return Error(ErrorCode::kIo,
                 "cannot listen on " + std::string(address) + ": " + std::strerror(code));
  };
  const int fd = socket(info.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return failed(fd, errno);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, info.ai_addr, info.ai_addrlen) != 0 || listen(fd, kBacklog) != 0) {
    return failed(fd, errno);
  }
  return Listener{fd, where.host, port_of(fd), is_loopback(info.ai_addr)};
}

// The inode of the socket that listens on `port`, out of /proc/net/tcp or tcp6; empty: none.
std::string listening_inode(const char* table, int port) {
  std::ifstream in(table);
  std::string line;
  std::getline(in, line);  // the heading
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::string slot, local, remote, state, queues, timer, retries, uid, timeout, inode;
    fields >> slot >> local >> remote >> state >> queues >> timer >> retries >> uid >> timeout >>
        inode;
    const std::size_t colon = local.rfind(':');
    if (state != "0A" || colon == std::string::npos) continue;  // 0A: listening
    if (std::strtol(local.c_str() + colon + 1, nullptr, 16) == port) return inode;
  }
  return {};
}

bool holds_socket(const std::filesystem::path& process, const std::string& link) {
  std::error_code error;
  for (auto it = std::filesystem::directory_iterator(process / "fd", error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    if (std::filesystem::read_symlink(it->path(), ignored) == link) return true;
  }
  return false;
}

}  // namespace

Result<Listener> open_listener(std::string_view address) {
  NINES_TRY(const HostPort where, split_address(address));
  addrinfo hints{};
  hints.ai_family = where.host.empty() ? AF_INET6 : AF_UNSPEC;  // every address: v6 takes v4 along
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const char* const host = where.host.empty() ? nullptr : where.host.c_str();
  const int code = getaddrinfo(host, where.port.c_str(), &hints, &found);
  if (code != 0) {
    return Error(ErrorCode::kInvalid,
                 "listen address \"" + std::string(address) + "\": " + gai_strerror(code));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  Result<Listener> result = bind_one(*found, where, address);
  if (!result && where.host.empty()) {  // a machine without IPv6
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(static_cast<std::uint16_t>(std::stoi(where.port)));
    addrinfo v4{};
    v4.ai_family = AF_INET;
    v4.ai_addr = reinterpret_cast<sockaddr*>(&any);
    v4.ai_addrlen = sizeof any;
    result = bind_one(v4, where, address);
  }
  return result;
}

std::string port_holder(int port) {
  std::string inode = listening_inode("/proc/net/tcp", port);
  if (inode.empty()) inode = listening_inode("/proc/net/tcp6", port);
  if (inode.empty()) return {};
  const std::string link = "socket:[" + inode + "]";
  std::error_code error;
  for (auto it = std::filesystem::directory_iterator("/proc", error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    const std::string pid = it->path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!holds_socket(it->path(), link)) continue;
    std::ifstream in(it->path() / "comm");
    std::string name;
    std::getline(in, name);
    return name + " (pid " + pid + ")";
  }
  return {};
}

void raise_descriptor_limit(std::size_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, wanted);
  setrlimit(RLIMIT_NOFILE, &limit);
}

bool host_is_ours(std::string_view host_header, const Listener& listener) {
  if (!listener.loopback || host_header.empty()) return true;  // empty: HTTP/1.0, no browser
  std::string host = to_lower(host_header);
  const std::size_t colon = host.rfind(':');
  if (colon != std::string::npos && host.find_first_not_of("0123456789", colon + 1) == host.npos &&
      (host.find(':') == colon || host[colon - 1] == ']')) {
    host.resize(colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host == "localhost" || host == "127.0.0.1" || host == "::1" ||
         host == to_lower(listener.host);
}

}  // namespace nines::web
