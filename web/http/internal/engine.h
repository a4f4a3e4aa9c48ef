#pragma once
// cpp-httplib as an engine: it reads a request line and writes an answer, in memory. It never sees
// a socket, a body, or a header of a client. One per worker thread.

#include <memory>
#include <string>

#include "base/core/clock.h"
#include "base/log/log.h"
#include "web/http/http.h"
#include "web/http/internal/dispatch.h"
#include "web/http/internal/framing.h"

namespace nines::web {

struct EngineParts {
  const Router& router;
  const Clock& clock;
  Log& log;
  const HeaderList& security;
  std::size_t response_bytes_max;
};

class Engine {
 public:
  struct Answer {
    int status = 500;
    std::string bytes;  // the head, ready for the socket
    std::string body;   // as the handler made it: large ones are not copied
  };
  virtual ~Engine() = default;
  // `close`: the answer says that the connection ends with it.
  virtual Answer answer(FramedRequest request, bool close) = 0;
};

std::unique_ptr<Engine> make_engine(EngineParts parts);

}  // namespace nines::web
