#pragma once
// The HTTP server: an epoll front that frames whole bounded requests under deadlines and hands them
// to cpp-httplib's engine.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "web/http/http.h"

namespace nines::web {

struct ServerOptions {
  std::string listen = "127.0.0.1:9999";  // host:port; port 0: any
  std::size_t connections_max = 10'000;
  std::size_t connections_per_ip_max = 10'000;  // loopback is one address
  std::size_t head_bytes_max = 16u << 10;
  std::size_t headers_max = 100;
  std::size_t body_bytes_max = 16u << 20;
  std::size_t response_bytes_max = 64u << 20;
  std::size_t buffered_bytes_max = 256u
                                   << 20;  // request bodies, all connections together; beyond: 503
  Duration head_timeout{10'000};
  Duration body_timeout{30'000};
  Duration idle_timeout{75'000};
  Duration write_timeout{30'000};
  int fast_workers = 2;
  int slow_workers = 4;
  int waiting_workers = 32;  // spend their time waiting for somebody else
  std::size_t queue_max = 1024;         // slow requests waiting; beyond: 503 with Retry-After
  std::size_t fast_queue_max = 10'000;  // fast ones: a burst of all connections takes half a second
  std::size_t streams_max = 200;        // SSE
  // Content-Security-Policy and its companions go on every answer.
  std::string content_security_policy =
      "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
      "connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; base-uri "
      "'none'; "
      "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'";
};

// Refuses what it does not frame: other codings than chunks, multipart, bare LF, more than one
// Content-Length, one beside chunks. Sends no byte of an exception to a client.
class Server {
 public:
  // Takes the address. kUnavailable when somebody has it: the text names the process that holds it
  // where the system tells. Until serve() the kernel keeps who connects waiting. `router`, `log`,
  // `telemetry` must outlive it.
  static Result<std::unique_ptr<Server>> bind(ServerOptions options, const Router& router,
                                              const Clock& clock, Log& log, Telemetry& telemetry);
  // bind() and serve().
  static Result<std::unique_ptr<Server>> start(ServerOptions options, const Router& router,
                                               const Clock& clock, Log& log, Telemetry& telemetry);
  virtual ~Server() = default;
  // Once: answers from its own threads until destroyed.
  virtual Result<void> serve() = 0;
  virtual std::string host() const = 0;
  virtual int port() const = 0;  // the real one
};

}  // namespace nines::web
