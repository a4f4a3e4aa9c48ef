#include "base/net/internal/plain_way.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/epoll.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include "base/net/internal/answer_reader.h"
#include "base/net/internal/http_text.h"
#include "base/text/text.h"

namespace nines::net {
namespace {

constexpr std::size_t kReadBytes = 256u << 10;
constexpr int kReadsAtOnce = 4;  // then others have their turn
constexpr Duration kIdleMax{100'000};
constexpr Duration kSweepEvery{50'000};
constexpr Duration kOddFor{600'000};
constexpr std::size_t kOddMax = 10'000;  // remembered; past it the memory starts over

std::chrono::microseconds between(Instant from, Instant to) {
  return std::max(std::chrono::microseconds(0),
                  std::chrono::duration_cast<std::chrono::microseconds>(to - from));
}

// The address and port of an origin, "http://10.0.0.1:9100". Nothing for a name.
std::optional<SocketAddress> address_of(std::string_view origin) {
  constexpr std::string_view kScheme = "http://";
  if (!origin.starts_with(kScheme)) return std::nullopt;
  origin.remove_prefix(kScheme.size());
  const std::size_t colon = origin.find(':');
  if (colon == origin.npos || origin[0] == '[') return std::nullopt;
  std::uint32_t port = 0;
  for (const char c : origin.substr(colon + 1)) {
    if (c < '0' || c > '9' || port > 65'535) return std::nullopt;
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (port == 0 || port > 65'535) return std::nullopt;
  SocketAddress to;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&to.storage);
  to.size = sizeof(sockaddr_in);
  v4->sin_family = AF_INET;
  v4->sin_port = htons(static_cast<std::uint16_t>(port));
  if (::inet_pton(AF_INET, std::string(origin.substr(0, colon)).c_str(), &v4->sin_addr) != 1)
    return std::nullopt;
  return to;
}

// Path and query as they are sent; empty when that is not what stands in the URL.
std::string_view path_of(std::string_view url) {
  const std::size_t slash = url.find('/', url.find("://") + 3);
  const std::string_view path = slash == url.npos ? std::string_view("/") : url.substr(slash);
  const bool as_is = path.find('#') == path.npos && path.find("/.") == path.npos;
  return as_is ? path : std::string_view();
}

// Headers that say how the bytes of a message or its connection are to be taken.
bool steers(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "connection", "content-length",    "expect", "keep-alive", "te",
      "trailer",    "transfer-encoding", "upgrade"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames) ||
         name.starts_with("proxy-");
}

// The request's text; empty when libcurl should write it.
std::string text_of(const HttpRequest& request, std::string_view origin, std::string_view path,
                    const std::string& user_agent) {
  std::string text;
  text.reserve(512);
  text.append("GET ").append(path).append(" HTTP/1.1\r\n");
  bool has_host = false, has_agent = false, has_accept = false, has_encoding = false;
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || !is_field_value(value) || value.empty()) return {};
    const std::string low = to_lower(name);
    if (steers(low)) return {};
    has_host = has_host || low == "host";
    has_agent = has_agent || low == "user-agent";
    has_accept = has_accept || low == "accept";
    has_encoding = has_encoding || low == "accept-encoding";
    text.append(name).append(": ").append(value).append("\r\n");
  }
  if (!has_host) {
    std::string_view host = origin.substr(origin.find("://") + 3);
    if (host.ends_with(":80")) host.remove_suffix(3);
    text.append("Host: ").append(host).append("\r\n");
  }
  if (!has_agent) text.append("User-Agent: ").append(user_agent).append("\r\n");
  if (!has_accept) text.append("Accept: */*\r\n");
  if (request.accept_compressed && !has_encoding) text.append("Accept-Encoding: gzip\r\n");
  text.append("\r\n");
  return text;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

struct PlainWay::Exchange {
  Exchange(std::unique_ptr<Transfer> t, std::string request_text, const AnswerLimits& limits)
      : transfer(std::move(t)), text(std::move(request_text)), reader(limits) {}
  std::unique_ptr<Transfer> transfer;
  std::string text;
  std::size_t sent = 0;
  AnswerReader reader;
  SocketAddress to;
  Instant began{}, deadline{}, connected{}, asked{}, answered{};
  bool reused = false;
  bool more_came = false;  // than the answer: what would the next one begin with?
};

struct PlainWay::Connection {
  std::uint64_t key = 0;
  Fd fd;
  std::string origin;
  bool connecting = false;
  bool watches_out = false;
  Instant idle_since{};
  std::unique_ptr<Exchange> exchange;  // null: idle
};

PlainWay::PlainWay(PlainWayOptions options, const Clock& clock, int epoll, Done done)
    : options_(std::move(options)),
      clock_(clock),
      epoll_(epoll),
      done_(std::move(done)),
      buffer_(std::make_unique_for_overwrite<char[]>(kReadBytes)) {}

PlainWay::~PlainWay() = default;

bool PlainWay::start(std::unique_ptr<Transfer>& transfer, const std::string& origin) {
  if (!transfer->simple()) return false;
  const Instant now = clock_.elapsed();
  if (const auto odd = odd_until_.find(origin); odd != odd_until_.end()) {
    if (odd->second > now) return false;
    odd_until_.erase(odd);
  }
  const std::optional<SocketAddress> to = address_of(origin);
  if (!to) return false;
  const HttpRequest& request = transfer->request();
  const std::string_view path = path_of(request.url);
  if (path.empty()) return false;
  std::string text = text_of(request, origin, path, options_.user_agent);
  if (text.empty()) return false;
  Connection* connection = idle_one(origin, now);
  const bool reused = connection != nullptr;
  if (!reused) connection = connect(origin, *to);
  if (connection == nullptr) return false;
  auto exchange = std::make_unique<Exchange>(
      std::move(transfer), std::move(text),
      AnswerLimits{request.header_bytes_max, request.body_bytes_max, request.accept_compressed});
  exchange->to = *to;
  exchange->reused = reused;
  exchange->began = exchange->connected = now;
  exchange->deadline = now + exchange->transfer->patience();
  ask(*connection, std::move(exchange));
  return true;
}

// The one that was used last: others may then grow old and go.
PlainWay::Connection* PlainWay::idle_one(const std::string& origin, Instant now) {
  const auto all = idle_.find(origin);
  if (all == idle_.end()) return nullptr;
  const std::uint64_t key = all->second.back();
  Connection& connection = *connections_.at(key);
  if (now - connection.idle_since > kIdleMax) {
    sweep(now);
    return nullptr;
  }
  all->second.pop_back();
  if (all->second.empty()) idle_.erase(all);
  --idle_count_;
  return &connection;
}

PlainWay::Connection* PlainWay::connect(const std::string& origin, const SocketAddress& to) {
  auto connection = std::make_unique<Connection>();
  connection->fd =
      Fd(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!connection->fd) return nullptr;
  const int one = 1;
  ::setsockopt(connection->fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (::connect(connection->fd.get(), to.get(), to.size) != 0 && errno != EINPROGRESS)
    return nullptr;
  connection->connecting = connection->watches_out = true;
  connection->origin = origin;
  connection->key = kKey | ++last_key_;
  if (!watch(*connection, EPOLL_CTL_ADD, EPOLLOUT)) return nullptr;
  Connection* const out = connection.get();
  connections_.emplace(out->key, std::move(connection));
  return out;
}

bool PlainWay::watch(const Connection& connection, int how, std::uint32_t events) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 = connection.key;
  return ::epoll_ctl(epoll_, how, connection.fd.get(), &event) == 0;
}

void PlainWay::ask(Connection& connection, std::unique_ptr<Exchange> exchange) {
  deadlines_.emplace(exchange->deadline, connection.key);
  connection.exchange = std::move(exchange);
  if (!connection.connecting) send_more(connection);
}

void PlainWay::send_more(Connection& connection) {
  Exchange& exchange = *connection.exchange;
  const std::string_view rest = std::string_view(exchange.text).substr(exchange.sent);
  const ssize_t n = ::send(connection.fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN && errno != EINTR)
    return broken(connection, "cannot send the request: " + std::string(std::strerror(errno)));
  exchange.sent += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
  const bool all = exchange.sent == exchange.text.size();
  if (all) exchange.asked = clock_.elapsed();
  if (all != connection.watches_out) return;
  connection.watches_out = !all;
  watch(connection, EPOLL_CTL_MOD, all ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

void PlainWay::on_event(std::uint64_t key, std::uint32_t events) {
  const auto found = connections_.find(key);
  if (found == connections_.end()) return;  // closed by an event before this one
  Connection& connection = *found->second;
  if (!connection.exchange) return close(key);  // of an idle one: its peer has gone
  if (connection.connecting) {
    int failed = 0;
    socklen_t size = sizeof failed;
    ::getsockopt(connection.fd.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed != 0) return hand_over(connection, std::nullopt, false);  // libcurl says it well
    connection.connecting = false;
    connection.exchange->connected = clock_.elapsed();
    return send_more(connection);
  }
  // What has come counts before what could not be sent.
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) return read_more(connection);
  send_more(connection);
}

void PlainWay::read_more(Connection& connection) {
  Exchange& exchange = *connection.exchange;
  AnswerReader& reader = exchange.reader;
  for (int reads = 0; reads < kReadsAtOnce; ++reads) {
    const ssize_t n = ::recv(connection.fd.get(), buffer_.get(), kReadBytes, 0);
    if (n < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      return broken(connection, "connection broken: " + std::string(std::strerror(errno)));
    }
    if (n == 0) {
      if (!reader.begun()) return broken(connection, "connection closed without an answer");
      reader.close();
      return finish(connection);
    }
    if (!reader.begun()) exchange.answered = clock_.elapsed();
    const auto got = static_cast<std::size_t>(n);
    const std::size_t taken = reader.take({buffer_.get(), got});
    if (reader.over()) {
      exchange.more_came = taken < got;
      return finish(connection);
    }
    if (got < kReadBytes) return;
  }
}

// A kept connection may have been closed while the request was on its way: that is no answer yet,
// and it is asked again over another one.
void PlainWay::broken(Connection& connection, const std::string& why) {
  Exchange& exchange = *connection.exchange;
  if (!exchange.reused || exchange.reader.begun())
    return hand_over(connection, Error(ErrorCode::kUnavailable, why), false);
  deadlines_.erase({exchange.deadline, connection.key});
  std::unique_ptr<Exchange> again = std::move(connection.exchange);
  Connection* const fresh = connect(connection.origin, again->to);
  close(connection.key);
  if (fresh == nullptr) return done_(std::move(again->transfer), std::nullopt);
  again->reused = false;
  again->sent = 0;
  ask(*fresh, std::move(again));
}

void PlainWay::finish(Connection& connection) {
  Exchange& exchange = *connection.exchange;
  AnswerReader& reader = exchange.reader;
  using State = AnswerReader::State;
  if (reader.state() == State::kFailed) return hand_over(connection, reader.error(), false);
  HttpResponse& response = reader.response();
  const bool elsewhere =
      is_redirect(response.status) && exchange.transfer->request().follow_redirects;
  if (reader.state() == State::kOdd || elsewhere) {
    if (odd_until_.size() >= kOddMax) odd_until_.clear();
    odd_until_[connection.origin] = clock_.elapsed() + kOddFor;
    return hand_over(connection, std::nullopt, false);
  }
  const Instant now = clock_.elapsed();
  HttpPhases& phases = response.phases;
  phases.connect = between(exchange.began, exchange.connected);
  phases.processing = between(exchange.asked, exchange.answered);
  phases.transfer = between(exchange.answered, now);
  phases.total = between(exchange.began, now);
  const std::string_view origin = connection.origin;
  const std::size_t host = origin.find("://") + 3;
  response.remote_ip = origin.substr(host, origin.find(':', host) - host);
  hand_over(connection, std::move(response), reader.keeps_alive() && !exchange.more_came);
}

void PlainWay::hand_over(Connection& connection, Outcome outcome, bool reusable) {
  const std::unique_ptr<Exchange> exchange = std::move(connection.exchange);
  deadlines_.erase({exchange->deadline, connection.key});
  if (reusable && idle_count_ < options_.idle_max) {
    keep(connection);
  } else {
    close(connection.key);
  }
  if (!outcome) exchange->transfer->spend(clock_.elapsed() - exchange->began);
  done_(std::move(exchange->transfer), std::move(outcome));
}

void PlainWay::keep(Connection& connection) {
  connection.idle_since = clock_.elapsed();
  idle_[connection.origin].push_back(connection.key);
  ++idle_count_;
  if (!swept_) swept_ = connection.idle_since;
  if (connection.idle_since - *swept_ >= kSweepEvery) sweep(connection.idle_since);
}

// Kept connections that nobody has needed for long go. Each list begins with the oldest.
void PlainWay::sweep(Instant now) {
  swept_ = now;
  std::vector<std::uint64_t> old;
  for (const auto& [origin, keys] : idle_) {
    for (const std::uint64_t key : keys) {
      if (now - connections_.at(key)->idle_since <= kIdleMax) break;
      old.push_back(key);
    }
  }
  for (const std::uint64_t key : old) close(key);
}

void PlainWay::close(std::uint64_t key) {
  const auto found = connections_.find(key);
  const auto idle = idle_.find(found->second->origin);
  if (idle != idle_.end() && std::erase(idle->second, key) > 0) {
    --idle_count_;
    if (idle->second.empty()) idle_.erase(idle);
  }
  connections_.erase(found);
}

bool PlainWay::drop(HttpCallId call) {
  const auto found = std::find_if(deadlines_.begin(), deadlines_.end(), [&](const auto& entry) {
    return connections_.at(entry.second)->exchange->transfer->id() == call;
  });
  if (found == deadlines_.end()) return false;
  const std::uint64_t key = found->second;
  deadlines_.erase(found);
  close(key);
  return true;
}

std::optional<Instant> PlainWay::deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

void PlainWay::expire(Instant now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    Connection& connection = *connections_.at(deadlines_.begin()->second);
    const Exchange& exchange = *connection.exchange;
    const char* const during = connection.connecting      ? "while connecting"
                               : !exchange.reader.begun() ? "while waiting for the answer"
                                                          : "while reading the answer";
    hand_over(connection, exchange.transfer->timed_out(during), false);
  }
}

}  // namespace nines::net
