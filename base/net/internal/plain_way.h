#pragma once
// Requests in plain HTTP/1.1 to an address, over connections that are kept: what nearly every
// scrape is. Whatever turns out to be more than that is left to libcurl.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/net/internal/socket.h"
#include "base/net/internal/transfer.h"

namespace nines::net {

struct PlainWayOptions {
  std::string user_agent;
  std::size_t idle_max = 10'000;  // connections kept for a next request
};

// The worker's thread alone. Events of its sockets come with kKey set in the epoll set's number.
class PlainWay {
 public:
  static constexpr std::uint64_t kKey = std::uint64_t{1} << 63;
  // An answer, or why there is none. Nothing: let libcurl ask, which says more or can do more.
  using Outcome = std::optional<Result<HttpResponse>>;
  using Done = std::function<void(std::unique_ptr<Transfer>, Outcome)>;

  PlainWay(PlainWayOptions options, const Clock& clock, int epoll, Done done);
  ~PlainWay();  // drops what is under way
  PlainWay(const PlainWay&) = delete;
  PlainWay& operator=(const PlainWay&) = delete;

  // Takes the transfer if it is such a request; leaves it where it is otherwise.
  bool start(std::unique_ptr<Transfer>& transfer, const std::string& origin);
  // False: no such call here.
  bool drop(HttpCallId call);
  void on_event(std::uint64_t key, std::uint32_t events);
  // When expire() wants to be called.
  std::optional<Instant> deadline() const;
  void expire(Instant now);

 private:
  struct Exchange;
  struct Connection;

  Connection* idle_one(const std::string& origin, Instant now);
  Connection* connect(const std::string& origin, const SocketAddress& to);
  void ask(Connection& connection, std::unique_ptr<Exchange> exchange);
  void send_more(Connection& connection);
  void read_more(Connection& connection);
  void broken(Connection& connection, const std::string& why);
  void finish(Connection& connection);
  void hand_over(Connection& connection, Outcome outcome, bool reusable);
  void keep(Connection& connection);
  void close(std::uint64_t key);
  void sweep(Instant now);
  bool watch(const Connection& connection, int how, std::uint32_t events) const;

  const PlainWayOptions options_;
  const Clock& clock_;
  const int epoll_;
  const Done done_;
  std::uint64_t last_key_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;  // by key
  std::unordered_map<std::string, std::vector<std::uint64_t>> idle_;            // by origin
  std::size_t idle_count_ = 0;
  std::optional<Instant> swept_;
  std::set<std::pair<Instant, std::uint64_t>> deadlines_;  // of exchanges, by connection
  std::unordered_map<std::string, Instant> odd_until_;     // origins that are left to libcurl
  const std::unique_ptr<char[]> buffer_;                   // what is read lands here
};

}  // namespace nines::net
