#include "web/http/internal/front.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace nines::web {
namespace {

constexpr std::uint64_t kListenerId = 0;
constexpr std::uint64_t kMailboxId = 1;
constexpr std::uint64_t kFirstConnectionId = 2;
constexpr std::size_t kReadBytes = 64u << 10;
constexpr Duration kStopPatience{5'000};
// Queries of people step back: collecting, rules and paging do not wait behind them for a
// processor.
constexpr int kQueryNiceness = 10;

Error system_error(const char* what) {
  return Error(ErrorCode::kIo, std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

Front::Metrics::Metrics(Telemetry& t)
    : accepted(t.counter("nines_http_connections_accepted_total", "Connections accepted.")),
      accept_errors(t.counter("nines_http_accept_errors_total",
                              "Errors of accept(), each survived with a pause.")),
      refused_connections(t.counter("nines_http_connections_refused_total",
                                    "Connections closed at once because a limit was reached.")),
      timeouts(t.counter("nines_http_timeouts_total",
                         "Connections closed because the client took too long.")),
      overloaded(t.counter("nines_http_overloaded_total",
                           "Requests answered 503 because a worker queue was full.")),
      connections(t.gauge("nines_http_connections", "Open connections.")),
      streams(t.gauge("nines_http_streams", "Open event streams.")) {}

Front::Front(const ServerOptions& options, Listener listener, const Router& router,
             const Clock& clock, Log& log, Telemetry& telemetry)
    : options_(options),
      limits_{options.head_bytes_max, options.headers_max, options.body_bytes_max},
      security_(security_headers(options.content_security_policy)),
      listener_(std::move(listener)),
      router_(router),
      clock_(clock),
      log_(log),
      telemetry_(telemetry),
      metrics_(telemetry),
      last_id_(kFirstConnectionId),
      scratch_(kReadBytes, '\0') {
  const auto make = [this] {
    return make_engine({router_, clock_, log_, security_, options_.response_bytes_max});
  };
  const auto run_job = [this](Engine& engine, Job job) { work(engine, std::move(job)); };
  fast_ = std::make_unique<WorkerPool>("nines-fast", std::max(1, options_.fast_workers), 0,
                                       options_.fast_queue_max, make, run_job);
  slow_ = std::make_unique<WorkerPool>("nines-slow", std::max(1, options_.slow_workers),
                                       kQueryNiceness, options_.queue_max, make, run_job);
  waiting_ = std::make_unique<WorkerPool>("nines-waiting", std::max(1, options_.waiting_workers), 0,
                                          options_.queue_max, make, run_job);
}

Front::~Front() {
  if (thread_.joinable()) {
    mailbox_->stop();
    thread_.join();
  }
  fast_->stop();
  slow_->stop();
  waiting_->stop();
  for (auto& [id, connection] : connections_) {
    if (connection->events) connection->events->client_gone();
    ::close(connection->fd);
  }
  for (const int fd : {listener_.fd, epoll_fd_, spare_fd_}) {
    if (fd >= 0) ::close(fd);
  }
}

Result<void> Front::start() {
  if (mailbox_->fd() < 0) return system_error("cannot make an event descriptor");
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0) return system_error("cannot make an epoll descriptor");
  spare_fd_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (const auto& [fd, id] :
       {std::pair(listener_.fd, kListenerId), std::pair(mailbox_->fd(), kMailboxId)}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = id;
    if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) return system_error("epoll_ctl");
  }
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "nines-front");
  return {};
}

void Front::run() {
  std::array<epoll_event, 256> events{};
  while (true) {
    Instant now = clock_.elapsed();
    if (stopping_ && may_end(now)) return;
    const int n =
        epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), wait_millis(now));
    if (n < 0 && errno != EINTR) {
      log_.error("http", "epoll_wait: {}", std::strerror(errno));
      return;
    }
    now = clock_.elapsed();
    for (int i = 0; i < n; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kListenerId) {
        on_accept(now);
      } else if (event.data.u64 == kMailboxId) {
        on_mail(now);
      } else {
        on_event(event.data.u64, event.events, now);
      }
    }
    if (accept_again_ != Instant{} && accept_again_ <= now && !stopping_) {
      accept_again_ = {};
      listen_for(EPOLLIN);
    }
    while (Connection* connection = deadlines_.expired(now)) on_expired(*connection, now);
    if (streams_ > 0 && next_ping_ <= now) ping_streams(now);
    closed_.clear();
    metrics_.connections.set(static_cast<double>(connections_.size()));
    metrics_.streams.set(static_cast<double>(streams_));
  }
}

int Front::wait_millis(Instant now) const {
  std::optional<Instant> next = deadlines_.earliest();
  const auto sooner = [&](Instant at) { next = next ? std::min(*next, at) : at; };
  if (accept_again_ != Instant{}) sooner(accept_again_);
  if (streams_ > 0) sooner(next_ping_);
  if (stopping_) sooner(stop_by_);
  if (!next) return -1;
  const auto left = std::chrono::ceil<Duration>(*next - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Front::on_event(std::uint64_t id, std::uint32_t events, Instant now) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;  // closed earlier in this round
  Connection& connection = *found->second;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) return close(connection);
  if ((events & EPOLLRDHUP) != 0) on_half_closed(connection);
  // The number of a closed descriptor may be somebody else's already: nothing is sent to it.
  if (connection.phase == Phase::kClosed) return;
  if ((events & EPOLLOUT) != 0) {
    flush(connection, now);
    send_events(connection, now);
    pump(connection, {}, now);
  }
  if ((events & EPOLLIN) != 0 && connection.phase != Phase::kClosed) on_readable(connection, now);
}

// Who ends its side while a worker is busy for it waits for nothing any more; an answer that comes
// all the same is sent, should it only have said all it had to say.
void Front::on_half_closed(Connection& connection) {
  connection.half_closed = true;
  want(connection, connection.interest & ~std::uint32_t{EPOLLRDHUP});
  if (connection.phase == Phase::kWorking && connection.client) connection.client->note_gone();
}

void Front::on_mail(Instant now) {
  Mailbox::Letters letters = mailbox_->take();
  for (Completion& completion : letters.completions) {
    --working_;
    const auto found = connections_.find(completion.connection);
    if (found == connections_.end()) continue;  // the client has gone
    Connection& connection = *found->second;
    forget_body(connection);
    connection.client.reset();
    if (connection.phase != Phase::kWorking) continue;  // a stream: its handler has returned
    count(completion.status);
    send_answer(connection, std::move(completion.bytes), std::move(completion.body), now);
    pump(connection, {}, now);
  }
  for (const std::uint64_t id : letters.streams) {
    const auto found = connections_.find(id);
    if (found != connections_.end()) send_events(*found->second, now);
  }
  if (letters.stop && !stopping_) begin_stop(now);
}

void Front::on_expired(Connection& connection, Instant now) {
  metrics_.timeouts.add(connection.wait == Wait::kIdle ? 0 : 1);
  if (connection.wait == Wait::kHead || connection.wait == Wait::kBody) {
    return refuse(connection, {408, "the request took too long to arrive"}, now);
  }
  close(connection);
}

void Front::begin_stop(Instant now) {
  stopping_ = true;
  accept_again_ = {};
  stop_by_ = now + kStopPatience;
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, listener_.fd, nullptr);
  ::close(std::exchange(listener_.fd, -1));
  std::vector<Connection*> idle;
  for (auto& [id, connection] : connections_) {
    const bool waiting = connection->phase == Phase::kReading && !connection->framer.started();
    if (waiting || connection->phase == Phase::kStreaming) idle.push_back(connection.get());
  }
  for (Connection* connection : idle) close(*connection);
}

bool Front::may_end(Instant now) const {
  if (now >= stop_by_) return true;
  return working_ == 0 && std::none_of(connections_.begin(), connections_.end(), [](const auto& c) {
           return c.second->phase == Phase::kWriting;
         });
}

void Front::work(Engine& engine, Job job) {
  const std::uint64_t id = job.connection;
  if (job.stream == nullptr) {
    Engine::Answer answer = engine.answer(std::move(job.request), job.close);
    mailbox_->deliver({id, answer.status, std::move(answer.bytes), std::move(answer.body)});
    return;
  }
  try {
    const Result<Request> request = make_request(job.request, router_);
    if (request) (*job.stream)(*request, std::move(job.events));
  } catch (const std::exception& e) {
    log_.error("http", "{} failed: {}", job.request.path, e.what());
  }
  mailbox_->deliver({id, 200, {}, {}});
}

}  // namespace nines::web
