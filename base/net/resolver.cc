#include "base/net/resolver.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>

#include "base/net/fiber_pool.h"

namespace nines {
namespace {

Error failed(const std::string& what, int status) {
  const bool unknown = status == ARES_ENOTFOUND || status == ARES_ENODATA;
  return {unknown ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
          "DNS: " + what + ": " + ares_strerror(status)};
}

// One channel for one call: it reads /etc/resolv.conf anew, and nobody shares it.
class Channel {
 public:
  ~Channel() {
    if (channel_ != nullptr) ares_destroy(channel_);
  }
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  Result<void> open(const std::vector<std::string>& servers, const Patience& patience) {
    ares_options options{};
    // Three tries fit into the patience there is; c-ares doubles the time of each.
    options.timeout =
        static_cast<int>(std::clamp<Duration::rep>(patience.left().count() / 7, 50, 2000));
    options.tries = 3;
    const int status =
        ares_init_options(&channel_, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (status != ARES_SUCCESS) return failed("cannot begin", status);
    if (servers.empty()) return {};
    std::string all;
    for (const std::string& server : servers) all += (all.empty() ? "" : ",") + server;
    const int set = ares_set_servers_ports_csv(channel_, all.c_str());
    if (set != ARES_SUCCESS) return failed("servers " + all, set);
    return {};
  }
  ares_channel get() { return channel_; }

  // Until `done` is set by a callback.
  Result<void> run(const bool& done, const Patience& patience) {
    while (!done) {
      ares_socket_t sockets[ARES_GETSOCK_MAXNUM] = {};
      const int wanted = ares_getsock(channel_, sockets, ARES_GETSOCK_MAXNUM);
      pollfd fds[ARES_GETSOCK_MAXNUM + 1] = {};
      nfds_t count = 0;
      for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
        short events = 0;
        if (ARES_GETSOCK_READABLE(wanted, i)) events |= POLLIN;
        if (ARES_GETSOCK_WRITABLE(wanted, i)) events |= POLLOUT;
        if (events != 0) fds[count++] = {sockets[i], events, 0};
      }
      const nfds_t stop = count;
      if (patience.stop() != nullptr) fds[count++] = {patience.stop()->fd(), POLLIN, 0};
      timeval most{}, next{};
      const auto left = patience.left();
      most.tv_sec = left.count() / 1000;
      most.tv_usec = left.count() % 1000 * 1000;
      const timeval* wait = ares_timeout(channel_, &most, &next);
      poll_here(fds, count, Duration(wait->tv_sec * 1000 + (wait->tv_usec + 999) / 1000));
      if (patience.stop() != nullptr && fds[stop].revents != 0) {
        return Error(ErrorCode::kUnavailable, "stopped");
      }
      ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // its own timeouts
      for (nfds_t i = 0; i < stop && !done; ++i) {
        const bool in = (fds[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
        const bool out = (fds[i].revents & POLLOUT) != 0;
        if (in || out) {
          ares_process_fd(channel_, in ? fds[i].fd : ARES_SOCKET_BAD,
                          out ? fds[i].fd : ARES_SOCKET_BAD);
        }
      }
      if (!done && patience.left() == Duration(0)) {
        return patience.timed_out().in("DNS");
      }
    }
    return {};
  }

 private:
  ares_channel channel_ = nullptr;
};

bool is_address(const std::string& host, IpFamily family) {
  unsigned char raw[16];
  return (family != IpFamily::kV6 && ::inet_pton(AF_INET, host.c_str(), raw) == 1) ||
         (family != IpFamily::kV4 && ::inet_pton(AF_INET6, host.c_str(), raw) == 1);
}

struct Found {
  bool done = false;
  int status = ARES_SUCCESS;
  std::vector<std::string> addresses;
  std::string bytes;
};

void on_addresses(void* to, int status, int, ares_addrinfo* info) {
  auto& found = *static_cast<Found*>(to);
  found.done = true;
  found.status = status;
  if (info == nullptr) return;
  for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
    char text[INET6_ADDRSTRLEN] = {};
    const void* raw =
        node->ai_family == AF_INET
            ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(node->ai_addr)->sin_addr)
            : &reinterpret_cast<sockaddr_in6*>(node->ai_addr)->sin6_addr;
    ::inet_ntop(node->ai_family, raw, text, sizeof text);
    if (std::find(found.addresses.begin(), found.addresses.end(), text) == found.addresses.end()) {
      found.addresses.emplace_back(text);
    }
  }
  ares_freeaddrinfo(info);
}

void on_answer(void* to, int status, int, unsigned char* bytes, int size) {
  auto& found = *static_cast<Found*>(to);
  found.done = true;
  found.status = status;
  if (bytes != nullptr) {
    found.bytes.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
}

class AresResolver final : public Resolver {
 public:
  AresResolver() {
    static std::once_flag once;  // the library's own state, for the process
    std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  }

  Result<std::vector<std::string>> addresses(const std::string& host, IpFamily family,
                                             const Patience& patience) override {
    if (is_address(host, family)) return std::vector<std::string>{host};
    if (is_address(host, IpFamily::kAny)) {
      return Error(ErrorCode::kNotFound, host + " is not of the wanted address family");
    }
    Found found;  // outlives the channel, which calls back when it goes
    Channel channel;
    if (Result<void> opened = channel.open({}, patience); !opened) return opened.error();
    ares_addrinfo_hints hints{};
    hints.ai_family = family == IpFamily::kV4   ? AF_INET
                      : family == IpFamily::kV6 ? AF_INET6
                                                : AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(channel.get(), host.c_str(), nullptr, &hints, on_addresses, &found);
    if (Result<void> ran = channel.run(found.done, patience); !ran) return ran.error();
    if (found.status != ARES_SUCCESS) return failed(host, found.status);
    std::erase_if(found.addresses,
                  [&](const std::string& address) { return !is_address(address, family); });
    if (found.addresses.empty()) return failed(host, ARES_ENODATA);
    return std::move(found.addresses);
  }

  Result<DnsMessage> ask(const std::string& name, std::uint16_t type,
                         const std::vector<std::string>& servers,
                         const Patience& patience) override {
    Found found;
    Channel channel;
    if (Result<void> opened = channel.open(servers, patience); !opened) return opened.error();
    ares_search(channel.get(), name.c_str(), 1, type, on_answer, &found);
    if (Result<void> ran = channel.run(found.done, patience); !ran) return ran.error();
    const bool unknown = found.status == ARES_ENOTFOUND || found.status == ARES_ENODATA;
    if (found.status != ARES_SUCCESS && !unknown) return failed(name, found.status);
    if (found.bytes.empty()) {
      DnsMessage nothing;
      nothing.rcode = found.status == ARES_ENOTFOUND ? 3 : 0;
      return nothing;
    }
    return parse_dns_message(found.bytes);
  }
};

}  // namespace

std::unique_ptr<Resolver> make_resolver() {
  return std::make_unique<AresResolver>();
}

}  // namespace nines
