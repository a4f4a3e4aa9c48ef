#pragma once
// Takes lines over UDP and TCP and hands them on.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/log/log.h"

namespace nines::collector {

struct LineServerOptions {
  std::string listen;                     // HOST:PORT, numeric; port 0: any
  std::size_t connections_max = 256;      // TCP; one more is closed at once
  std::size_t line_bytes_max = 64u << 10; // a longer line ends its connection
  Duration idle_max{300'000};             // a connection that says nothing for so long is closed
};

// One thread of its own calls `take` with whole lines (with or without the last line feed).
class LineServer {
 public:
  // kInvalid: `listen` is no address. kUnavailable: it is taken. kIo: the kernel said no.
  static Result<std::unique_ptr<LineServer>> start(LineServerOptions options, const Clock& clock,
                                                   Log& log,
                                                   std::function<void(std::string_view)> take);
  ~LineServer();  // waits for a running `take`
  LineServer(const LineServer&) = delete;
  LineServer& operator=(const LineServer&) = delete;
  int port() const { return port_; }

 private:
  class Loop;
  LineServer() = default;

  std::unique_ptr<Loop> loop_;
  std::thread thread_;
  int port_ = 0;
};

}  // namespace nines::collector
