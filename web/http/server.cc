#include "web/http/server.h"

#include <utility>

#include "web/http/internal/front.h"

namespace nines::web {
namespace {

constexpr std::size_t kOtherDescriptors = 512;  // store, targets, logs

class FrontServer final : public Server {
 public:
  FrontServer(const ServerOptions& options, Listener listener, const Router& router,
              const Clock& clock, Log& log, Telemetry& telemetry)
      : host_(listener.host),
        port_(listener.port),
        front_(options, std::move(listener), router, clock, log, telemetry) {}
  Result<void> serve() override { return front_.start(); }
  std::string host() const override { return host_; }
  int port() const override { return port_; }

 private:
  const std::string host_;
  const int port_;
  Front front_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::bind(ServerOptions options, const Router& router,
                                             const Clock& clock, Log& log, Telemetry& telemetry) {
  NINES_TRY(Listener listener, open_listener(options.listen));
  raise_descriptor_limit(options.connections_max + kOtherDescriptors);
  return std::unique_ptr<Server>(
      std::make_unique<FrontServer>(options, std::move(listener), router, clock, log, telemetry));
}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, const Router& router,
                                              const Clock& clock, Log& log, Telemetry& telemetry) {
  NINES_TRY(auto server, bind(std::move(options), router, clock, log, telemetry));
  if (Result<void> serving = server->serve(); !serving) return std::move(serving).error();
  return server;
}

}  // namespace nines::web
