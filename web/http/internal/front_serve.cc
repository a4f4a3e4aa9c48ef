// Reading requests and sending answers.

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "web/http/internal/front.h"

namespace nines::web {
namespace {

constexpr std::size_t kWriteProgress = 64u << 10;  // bytes that earn a new write deadline
constexpr Duration kLingerTime{2'000};
constexpr Duration kPingInterval{15'000};
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// Head and body in one call, so that a small answer is one packet.
ssize_t send_rest(Connection& connection) {
  const std::size_t done = connection.out_done;
  const std::size_t head = std::min(done, connection.out.size());
  const std::size_t body = done - head;
  std::array<iovec, 2> parts = {
      iovec{connection.out.data() + head, connection.out.size() - head},
      iovec{connection.body.data() + body, connection.body.size() - body}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return sendmsg(connection.fd, &message, MSG_NOSIGNAL);
}

}  // namespace

void Front::on_readable(Connection& connection, Instant now) {
  if (connection.phase == Phase::kWorking || connection.phase == Phase::kWriting) {
    // One request at a time: what the client sends ahead stays in the kernel.
    return want(connection, connection.interest & ~std::uint32_t{EPOLLIN});
  }
  const ssize_t n = recv(connection.fd, scratch_.data(), scratch_.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return close(connection);
  if (connection.phase != Phase::kReading) return;  // a stream or a last word: nobody listens
  pump(connection, std::string_view(scratch_.data(), static_cast<std::size_t>(n)), now);
}

// Feeds `bytes` after what is pending, request by request, until one must wait for its answer.
void Front::pump(Connection& connection, std::string_view bytes, Instant now) {
  std::string held;
  if (!connection.pending.empty()) {
    held = std::move(connection.pending);
    held += bytes;
    bytes = held;
  }
  connection.pending.clear();
  while (connection.phase == Phase::kReading && !bytes.empty()) {
    bytes.remove_prefix(feed(connection, bytes, now));
  }
  const bool over = connection.phase == Phase::kClosed || connection.close_after;
  if (!over) connection.pending.assign(bytes);
}

std::size_t Front::feed(Connection& connection, std::string_view bytes, Instant now) {
  RequestFramer& framer = connection.framer;
  const std::size_t used = framer.take(bytes);
  buffered_ += framer.request().body.size() - connection.body_counted;
  connection.body_counted = framer.request().body.size();
  if (buffered_ > options_.buffered_bytes_max) {
    refuse(connection, {503, "too much is being sent at once; try again"}, now);
    return used;
  }
  switch (framer.state()) {
    case RequestFramer::State::kHead:
      // From its first byte on a head has so long and no longer, however it drips.
      if (connection.wait != Wait::kHead) {
        deadlines_.arm(connection, Wait::kHead, now, options_.head_timeout);
      }
      break;
    case RequestFramer::State::kBody:
      if (connection.wait != Wait::kBody) {
        deadlines_.arm(connection, Wait::kBody, now, options_.body_timeout);
        if (framer.request().expects_continue && framer.request().body.empty()) {
          // If it does not fit the socket, the client gets tired of waiting and sends all the same.
          [[maybe_unused]] const ssize_t n =
              send(connection.fd, kContinue.data(), kContinue.size(), MSG_NOSIGNAL);
        }
      }
      break;
    case RequestFramer::State::kDone:
      begin_request(connection, now);
      break;
    case RequestFramer::State::kRefused:
      refuse(connection, framer.refusal(), now);
      break;
  }
  return used;
}

void Front::begin_request(Connection& connection, Instant now) {
  Job job;
  job.connection = connection.id;
  job.request = std::move(connection.framer.request());
  job.request.remote = connection.remote;
  connection.framer = RequestFramer(limits_);
  deadlines_.disarm(connection);
  if (!host_is_ours(job.request.header("host"), listener_)) {
    return refuse(connection, {421, "this server does not answer to that Host"}, now);
  }
  job.close = connection.close_after = stopping_ || !job.request.keep_alive;
  const std::string& method = job.request.method;
  const Router::Match match = router_.find(method == "HEAD" ? "GET" : method, job.request.path);
  if (match.stream != nullptr && method == "GET") {
    job.stream = match.stream;
    return begin_stream(connection, std::move(job), now);
  }
  connection.phase = Phase::kWorking;
  ++working_;
  if (match.pool != Pool::kFast) {
    job.request.client = connection.client = std::make_shared<ClientWatch>();
    if (connection.half_closed) connection.client->note_gone();
  }
  if (pool(match.pool).post(job)) return;
  --working_;
  metrics_.overloaded.add();
  refuse(connection, {503, "too many requests are waiting; try again"}, now);
}

void Front::begin_stream(Connection& connection, Job job, Instant now) {
  if (streams_ >= options_.streams_max) {
    metrics_.overloaded.add();
    return refuse(connection, {503, "too many event streams are open"}, now);
  }
  auto buffer = std::make_shared<EventBuffer>(mailbox_, connection.id);
  job.events = std::make_shared<EventStreamHandle>(buffer);
  if (!fast_->post(job)) {
    job.events.reset();
    metrics_.overloaded.add();
    return refuse(connection, {503, "too many requests are waiting; try again"}, now);
  }
  ++working_;
  count(200);
  if (streams_++ == 0) next_ping_ = now + kPingInterval;
  connection.phase = Phase::kStreaming;
  connection.close_after = false;
  connection.events = std::move(buffer);
  connection.out =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
      "X-Accel-Buffering: no\r\nConnection: close\r\n";
  for (const auto& [name, value] : security_) connection.out += name + ": " + value + "\r\n";
  connection.out += "\r\n";
  connection.out_done = 0;
  flush(connection, now);
}

void Front::refuse(Connection& connection, const Refusal& refusal, Instant now) {
  log_.debug("http", "{} refused with {}: {}", connection.remote, refusal.status, refusal.why);
  forget_body(connection);
  count(refusal.status);
  connection.close_after = true;
  connection.linger = true;
  send_answer(connection, refusal_bytes(refusal.status, refusal.why, security_), {}, now);
}

void Front::send_answer(Connection& connection, std::string bytes, std::string body, Instant now) {
  connection.phase = Phase::kWriting;
  connection.out = std::move(bytes);
  connection.body = std::move(body);
  connection.out_done = connection.out_armed_at = 0;
  deadlines_.arm(connection, Wait::kWrite, now, options_.write_timeout);
  flush(connection, now);
}

void Front::flush(Connection& connection, Instant now) {
  while (connection.out_done < connection.out.size() + connection.body.size()) {
    const ssize_t n = send_rest(connection);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return close(connection);
    if (n < 0) {
      const bool streaming = connection.phase == Phase::kStreaming;
      if (connection.wait != Wait::kWrite ||
          connection.out_done - connection.out_armed_at >= kWriteProgress) {
        connection.out_armed_at = connection.out_done;
        deadlines_.arm(connection, Wait::kWrite, now, options_.write_timeout);
      }
      return want(connection, streaming ? EPOLLOUT | EPOLLIN : EPOLLOUT);
    }
    connection.out_done += static_cast<std::size_t>(n);
  }
  std::string().swap(connection.out);
  std::string().swap(connection.body);
  connection.out_done = connection.out_armed_at = 0;
  if (connection.phase == Phase::kWriting) return after_answer(connection, now);
  if (connection.phase != Phase::kStreaming) return;
  if (connection.close_after) return close(connection);
  deadlines_.disarm(connection);
  want(connection, EPOLLIN);
}

void Front::forget_body(Connection& connection) {
  buffered_ -= std::exchange(connection.body_counted, 0);
}

void Front::after_answer(Connection& connection, Instant now) {
  if (connection.close_after && !connection.linger) return close(connection);
  if (connection.close_after) {
    // Closing now would throw away bytes that still arrive, and with them, by a reset, the answer.
    shutdown(connection.fd, SHUT_WR);
    connection.phase = Phase::kLingering;
    connection.pending.clear();
    deadlines_.arm(connection, Wait::kLinger, now, kLingerTime);
  } else {
    connection.phase = Phase::kReading;
    if (stopping_) return close(connection);
    deadlines_.arm(connection, Wait::kIdle, now, options_.idle_timeout);
  }
  want(connection, EPOLLIN);
}

void Front::send_events(Connection& connection, Instant now) {
  // One batch at a time: while it is on its way, the buffer's limit holds what follows.
  if (connection.phase != Phase::kStreaming || !connection.out.empty()) return;
  // A push after this take() rings again.
  EventBuffer::Batch batch = connection.events->take();
  connection.out = std::move(batch.bytes);
  connection.close_after = batch.end;
  flush(connection, now);
}

// A comment now and then: proxies keep the stream, and a client that has vanished is noticed.
void Front::ping_streams(Instant now) {
  next_ping_ = now + kPingInterval;
  std::vector<Connection*> quiet;
  for (auto& [id, connection] : connections_) {
    if (connection->phase == Phase::kStreaming && connection->out.empty()) {
      quiet.push_back(connection.get());
    }
  }
  for (Connection* connection : quiet) {
    connection->out = ": still here\n\n";
    flush(*connection, now);
  }
}

void Front::count(int status) {
  Counter*& counter = by_status_[status];
  if (counter == nullptr) {
    counter = &telemetry_.counter("nines_http_requests_total", "Answers by status code.",
                                  {{"code", std::to_string(status)}});
  }
  counter->add();
}

}  // namespace nines::web
