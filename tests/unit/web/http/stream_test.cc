// Server-sent events.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/web/http/raw_client.h"
#include "web/http/internal/events.h"

namespace nines::web {
namespace {

using testing::RawClient;
using testing::TestServer;

// Keeps the streams that clients open.
struct Streams {
  StreamHandler handler() {
    return [this](const Request&, std::shared_ptr<EventStream> stream) {
      const std::lock_guard lock(mutex);
      held.push_back(std::move(stream));
      changed.notify_all();
    };
  }
  std::shared_ptr<EventStream> await(std::size_t index) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return held.size() > index; });
    return held[index];
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::shared_ptr<EventStream>> held;
};

const std::string kOpen = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_CASE("an event has its data's lines on lines of their own") {
  CHECK(format_event("tick", "a\nb\r") == "event: tick\ndata: a\ndata: b\n\n");
  CHECK(format_event("", "x") == "data: x\n\n");
  CHECK(format_event("a\nid: 1", "x") == "event: aid: 1\ndata: x\n\n");
}

TEST_CASE("events arrive in order while others are served, until the holder lets go") {
  Streams streams;
  Router router;
  router.add_stream("/events", streams.handler());
  router.add("GET", "/hi", Pool::kFast, [](const Request&) { return text_response(200, "hi"); });
  TestServer server(router);
  RawClient client = server.client();
  client.send(kOpen);
  CHECK(client.until("\r\n\r\n").find("Content-Type: text/event-stream") != std::string::npos);
  std::shared_ptr<EventStream> stream = streams.await(0);
  for (int i = 0; i < 100; ++i) CHECK(stream->push("n", std::to_string(i)));
  for (int i = 0; i < 100; ++i) {
    CHECK(client.until("\n\n") == "event: n\ndata: " + std::to_string(i) + "\n\n");
  }
  CHECK(server.client().get("/hi").body == "hi");
  CHECK(stream->push("last", "words"));
  stream.reset();
  streams.held.clear();
  CHECK(client.rest() == "event: last\ndata: words\n\n");
}

TEST_CASE("a client that does not read loses its stream at the buffer's limit") {
  Streams streams;
  Router router;
  router.add_stream("/events", streams.handler());
  TestServer server(router);
  RawClient client = server.client();
  client.send(kOpen);
  const std::shared_ptr<EventStream> stream = streams.await(0);
  const std::string data(10'000, 'x');
  int pushed = 0;
  while (pushed < 10'000 && stream->push("", data)) ++pushed;
  CHECK(pushed < 10'000);
  CHECK_FALSE(stream->open());
}

TEST_CASE("a stream learns that its client has gone") {
  Streams streams;
  Router router;
  router.add_stream("/events", streams.handler());
  TestServer server(router);
  std::shared_ptr<EventStream> stream;
  {
    RawClient client = server.client();
    client.send(kOpen).until("\r\n\r\n");
    stream = streams.await(0);
    CHECK(stream->open());
  }
  const Instant start = server.clock->elapsed();
  while (stream->open() && server.clock->elapsed() - start < Duration(4000)) {
  }
  CHECK_FALSE(stream->push("a", "b"));
}

TEST_CASE("streams are counted: the limit is open, one more is 503") {
  Streams streams;
  Router router;
  router.add_stream("/events", streams.handler());
  ServerOptions options;
  options.streams_max = 2;
  TestServer server(router, options);
  RawClient first = server.client();
  RawClient second = server.client();
  CHECK(first.send(kOpen).until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  CHECK(second.send(kOpen).until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  RawClient third = server.client();
  CHECK(third.send(kOpen).answer().status == 503);
}

TEST_CASE("a stream may outlive its server") {
  Streams streams;
  Router router;
  router.add_stream("/events", streams.handler());
  {
    TestServer server(router);
    RawClient client = server.client();
    client.send(kOpen);
    streams.await(0);
  }
  CHECK_FALSE(streams.held[0]->push("a", "b"));
}

}  // namespace
}  // namespace nines::web
