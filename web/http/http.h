#pragma once
// Requests and answers, free of any library: what handlers see.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/mutex.h"

namespace nines::web {

// Tells whoever works for a client that the client has hung up. Thread-safe.
class ClientWatch {
 public:
  // `tell` is called once, on another thread, when the client goes; at once if it has gone already.
  // It must be quick. It replaces what was set before, which no longer runs when this returns.
  void when_gone(std::function<void()> tell);
  bool gone() const;
  void note_gone();  // the server's

 private:
  mutable Mutex mutex_;
  bool gone_ NINES_GUARDED_BY(mutex_) = false;
  std::function<void()> tell_ NINES_GUARDED_BY(mutex_);
};

struct Request {
  std::string method;  // upper case
  std::string path;    // decoded, without the query
  // Query and form parameters together, decoded, in order.
  std::vector<std::pair<std::string, std::string>> params;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string remote;                   // address of the peer
  std::shared_ptr<ClientWatch> client;  // null where there is no connection to lose

  std::string_view param(std::string_view name) const;  // the first, or empty
  bool has_param(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;  // name and name[] count as given
  std::string_view header(std::string_view lower_name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  // A body that lives for ever (embedded files): used instead of `body` when set; not copied.
  std::string_view static_body;
  std::vector<std::pair<std::string, std::string>> headers;
};

Response text_response(int status, std::string text);  // text/plain; charset=utf-8
Response json_response(int status, std::string json);

// Runs on a worker thread; may block. Must not throw (what it throws becomes a 500 without its
// text).
using Handler = std::function<Response(const Request&)>;

// kFast: writes, rules, health; kSlow: queries; kWaiting: what waits for others, as probes do
enum class Pool : std::uint8_t { kFast, kSlow, kWaiting };

// A server-sent-event stream. push() from any thread; false when the client has gone or its buffer
// (256 KiB) is full (then the stream is closed).
class EventStream {
 public:
  virtual ~EventStream() = default;
  virtual bool push(std::string_view event, std::string_view data) = 0;
  virtual bool open() const = 0;
};
using StreamHandler = std::function<void(const Request&, std::shared_ptr<EventStream>)>;

// How a route wants its body. kForm: fields of a posted form become parameters. kRaw: as it came,
// whatever its Content-Type says (curl calls everything a form), in any Content-Encoding.
enum class BodyUse : std::uint8_t { kForm, kRaw };

// Routes by exact path, or by prefix where the pattern ends in "/*" (the rest is in
// Request::path). Unknown paths: 404 text "404 page not found"; known path, other method: 405 with
// Allow.
class Router {
 public:
  void add(std::string method, std::string pattern, Pool pool, Handler handler,
           BodyUse body = BodyUse::kForm);
  void add_stream(std::string pattern, StreamHandler handler);  // GET
  struct Match {
    const Handler* handler = nullptr;
    const StreamHandler* stream = nullptr;
    Pool pool = Pool::kFast;
    BodyUse body = BodyUse::kForm;
    std::string allow;  // set when only the method is wrong
  };
  Match find(std::string_view method, std::string_view path) const;
  // Every (method, pattern), for tests that must cover all of them.
  std::vector<std::pair<std::string, std::string>> routes() const;

 private:
  struct Entry {
    std::string method, pattern;
    Pool pool;
    Handler handler;
    StreamHandler stream;
    BodyUse body = BodyUse::kForm;
  };
  std::vector<Entry> entries_;
};

}  // namespace nines::web
