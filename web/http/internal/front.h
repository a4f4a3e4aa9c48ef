#pragma once
// The epoll loop: accepts, frames requests under deadlines and caps, hands them to workers, sends
// answers.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "web/http/internal/connection.h"
#include "web/http/internal/engine.h"
#include "web/http/internal/listener.h"
#include "web/http/internal/mailbox.h"
#include "web/http/internal/workers.h"
#include "web/http/server.h"

namespace nines::web {

// Everything but the constructor and destructor runs on the front's own thread.
class Front {
 public:
  Front(const ServerOptions& options, Listener listener, const Router& router, const Clock& clock,
        Log& log, Telemetry& telemetry);
  // Answers what has been asked already, for at most a few seconds, then closes everything.
  ~Front();
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  // kIo: the kernel gave no epoll or event descriptor.
  Result<void> start();
  const Listener& listener() const { return listener_; }

 private:
  struct Metrics {
    explicit Metrics(Telemetry& telemetry);
    Counter& accepted;
    Counter& accept_errors;
    Counter& refused_connections;
    Counter& timeouts;
    Counter& overloaded;
    Gauge& connections;
    Gauge& streams;
  };

  // The loop (front.cc).
  void run();
  int wait_millis(Instant now) const;
  void on_event(std::uint64_t id, std::uint32_t events, Instant now);
  void on_half_closed(Connection& connection);
  void on_mail(Instant now);
  void on_expired(Connection& connection, Instant now);
  void begin_stop(Instant now);
  bool may_end(Instant now) const;

  // Connections (front_accept.cc).
  void on_accept(Instant now);
  void on_accept_error(int code, Instant now);
  void admit(int fd, std::string remote, Instant now);
  void close(Connection& connection);
  void listen_for(std::uint32_t events);
  void want(Connection& connection, std::uint32_t events);

  // Requests and answers (front_serve.cc).
  void on_readable(Connection& connection, Instant now);
  void pump(Connection& connection, std::string_view bytes, Instant now);
  std::size_t feed(Connection& connection, std::string_view bytes, Instant now);
  void begin_request(Connection& connection, Instant now);
  void begin_stream(Connection& connection, Job job, Instant now);
  void refuse(Connection& connection, const Refusal& refusal, Instant now);
  void send_answer(Connection& connection, std::string bytes, std::string body, Instant now);
  void flush(Connection& connection, Instant now);
  void after_answer(Connection& connection, Instant now);
  void send_events(Connection& connection, Instant now);
  void ping_streams(Instant now);
  void forget_body(Connection& connection);
  void count(int status);

  // On a worker's thread.
  void work(Engine& engine, Job job);

  const ServerOptions options_;
  const FrameLimits limits_;
  const HeaderList security_;
  Listener listener_;
  const Router& router_;
  const Clock& clock_;
  Log& log_;
  Telemetry& telemetry_;
  Metrics metrics_;
  // Shared with event streams, whose holders may outlive the server.
  const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();

  int epoll_fd_ = -1;
  int spare_fd_ =
      -1;  // given up for a moment to turn a client away when there are no descriptors left
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>>
      closed_;  // freed at the end of a round: events may name them
  std::unordered_map<std::string, std::size_t> per_ip_;
  Deadlines deadlines_;
  std::size_t buffered_ = 0;  // bytes of bodies, arriving or with a worker
  std::size_t streams_ = 0;
  std::size_t working_ = 0;  // connections whose request a worker has
  Instant accept_again_{};   // zero: accepting
  Instant next_ping_{};
  bool stopping_ = false;
  Instant stop_by_{};
  std::unordered_map<int, Counter*> by_status_;
  std::string scratch_;  // the read buffer

  WorkerPool& pool(Pool which) {
    return which == Pool::kFast ? *fast_ : which == Pool::kSlow ? *slow_ : *waiting_;
  }
  std::unique_ptr<WorkerPool> fast_, slow_, waiting_;
  std::thread thread_;
};

}  // namespace nines::web
