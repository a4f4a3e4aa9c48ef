// A server with one route, to be measured from outside: http_front_bench [LISTEN]. Ends with its
// stdin.

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "base/core/real_clock.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "web/http/server.h"

int main(int argc, char** argv) {
  using namespace nines;
  web::Router router;
  web::ServerOptions options;
  options.listen = argc > 1 ? argv[1] : "0.0.0.0:0";
  const std::unique_ptr<Clock> clock = make_real_clock();
  const std::unique_ptr<Log> log = make_stderr_log(LogLevel::kInfo);
  const std::unique_ptr<Telemetry> telemetry = make_telemetry();
  router.add("GET", "/hi", web::Pool::kFast,
             [](const web::Request&) { return web::text_response(200, "hi\n"); });
  router.add("GET", "/metrics", web::Pool::kFast,
             [&](const web::Request&) { return web::text_response(200, telemetry->text()); });
  auto server = web::Server::start(options, router, *clock, *log, *telemetry);
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().what().c_str());
    return 1;
  }
  std::printf("port %d\n", (*server)->port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}
