#include "web/http/server.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <zlib.h>

#include <doctest/doctest.h>

#include "tests/unit/web/http/raw_client.h"

namespace nines::web {
namespace {

using testing::RawClient;
using testing::TestServer;

std::string echo_text(const Request& request) {
  std::string out = request.method + " " + request.path;
  for (const auto& [key, value] : request.params) out += " " + key + "=" + value;
  return out;
}

// Holds handlers until it is opened, so that tests decide how long work takes.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void await(int waiting) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= waiting; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

Router echo_router() {
  Router router;
  const Handler echo = [](const Request& r) { return text_response(200, echo_text(r)); };
  router.add("GET", "/echo", Pool::kFast, echo);
  router.add("POST", "/echo", Pool::kSlow, echo);
  router.add("GET", "/api/v1/query", Pool::kSlow, echo);
  router.add("GET", "/under/*", Pool::kFast, echo);
  router.add("GET", "/throws", Pool::kFast,
             [](const Request&) -> Response { throw std::runtime_error("secret=42"); });
  router.add("GET", "/big", Pool::kFast, [](const Request& r) {
    return text_response(200, std::string(std::stoul(std::string(r.param("n"))), 'x'));
  });
  router.add("GET", "/injects", Pool::kFast, [](const Request&) {
    Response response = text_response(200, "ok");
    response.headers = {{"X-Bad", "a\r\nSet-Cookie: b"}, {"X-Good", "c"}, {"Content-Length", "9"}};
    return response;
  });
  router.add("GET", "/unchanged", Pool::kFast, [](const Request&) {
    Response response;
    response.status = 304;
    return response;
  });
  return router;
}

TEST_CASE("requests of one connection are answered in order, sent singly or all at once") {
  const Router router = echo_router();
  TestServer server(router);
  REQUIRE(server.server);
  RawClient client = server.client();
  CHECK(client.get("/echo?a=1").body == "GET /echo a=1");
  CHECK(client.get("/under/the/tree").body == "GET /under/the/tree");
  std::string many;
  for (int i = 0; i < 50; ++i) {
    many += "GET /echo?i=" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }
  many += "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nxyz";
  client.send(many);
  for (int i = 0; i < 50; ++i) CHECK(client.answer().body == "GET /echo i=" + std::to_string(i));
  CHECK(client.answer().body == "POST /echo");
}

TEST_CASE("unknown paths are 404 in plain text, wrong methods 405 with Allow, OPTIONS 204") {
  const Router router = echo_router();
  TestServer server(router);
  RawClient client = server.client();
  const RawClient::Answer unknown = client.get("/nowhere");
  CHECK(unknown.status == 404);
  CHECK(unknown.body == "404 page not found\n");
  client.send("DELETE /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const RawClient::Answer wrong = client.answer();
  CHECK(wrong.status == 405);
  CHECK(wrong.head.find("\r\nAllow: GET, HEAD, POST, OPTIONS\r\n") != std::string::npos);
  client.send("OPTIONS /api/v1/query HTTP/1.1\r\nHost: localhost\r\nOrigin: http://x\r\n\r\n");
  const RawClient::Answer options = client.answer(false);
  CHECK(options.status == 204);
  CHECK(options.head.find("Content-Length") == std::string::npos);
  CHECK(options.head.find("Access-Control-Allow-Methods: GET, HEAD, OPTIONS") != std::string::npos);
}

TEST_CASE("HEAD gives the head of GET without its body") {
  const Router router = echo_router();
  TestServer server(router);
  RawClient client = server.client();
  client.send("HEAD /echo?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const RawClient::Answer head = client.answer(false);
  CHECK(head.status == 200);
  CHECK(head.head.find("Content-Length: 14\r\n") != std::string::npos);
  CHECK(client.get("/echo").body == "GET /echo");  // nothing was left over
}

TEST_CASE("every answer carries the security headers, and no handler can break the framing") {
  const Router router = echo_router();
  TestServer server(router);
  RawClient client = server.client();
  for (const char* path : {"/echo", "/nowhere", "/throws", "/injects"}) {
    const std::string head = client.get(path).head;
    for (const char* name : {"Content-Security-Policy: default-src 'none'", "Date: ",
                             "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
                             "Cross-Origin-Opener-Policy: same-origin", "X-Frame-Options: DENY"}) {
      CHECK_MESSAGE(head.find(name) != std::string::npos, path, " lacks ", name);
    }
    CHECK(head.find("Set-Cookie") == std::string::npos);
  }
  const RawClient::Answer injected = client.get("/injects");
  CHECK(injected.body == "ok");
  CHECK(injected.head.find("X-Good: c") != std::string::npos);
  client.send("BREW / HTTP/1.1\r\n\r\n");
  CHECK(client.answer().head.find("nosniff") != std::string::npos);
}

TEST_CASE("an exception becomes a 500 without its text") {
  const Router router = echo_router();
  TestServer server(router);
  RawClient client = server.client();
  const RawClient::Answer answer = client.get("/throws");
  CHECK(answer.status == 500);
  CHECK(answer.head.find("secret") == std::string::npos);
  CHECK(answer.body == "internal server error\n");
  CHECK(client.get("/echo").status == 200);
}

TEST_CASE("304 has no body and no length, and the connection goes on") {
  const Router router = echo_router();
  TestServer server(router);
  RawClient client = server.client();
  client.send("GET /unchanged HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const RawClient::Answer answer = client.answer(false);
  CHECK(answer.status == 304);
  CHECK(answer.head.find("Content-Length") == std::string::npos);
  CHECK(client.get("/echo").status == 200);
}

TEST_CASE("a form of any size up to the cap comes before the query's parameters") {
  const Router router = echo_router();
  TestServer server(router);
  RawClient client = server.client();
  const std::string body = "a=form&long=" + std::string(200'000, 'y');
  client.send(
      "POST /echo?a=query HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
      "application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  const RawClient::Answer answer = client.answer();
  CHECK(answer.status == 200);
  CHECK(answer.body.starts_with("POST /echo a=form long=yyy"));
  CHECK(answer.body.ends_with("y a=query"));
}

TEST_CASE("what is refused is answered, even while the client is still sending, and then closed") {
  const Router router = echo_router();
  ServerOptions options;
  options.body_bytes_max = 1000;
  TestServer server(router, options);
  const auto post = [](std::size_t bytes) {
    return "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(bytes) +
           "\r\n\r\n" + std::string(bytes, 'x');
  };
  RawClient fits = server.client();
  CHECK(fits.send(post(1000)).answer().status == 200);
  RawClient too_large = server.client();
  too_large.send(post(1001));
  CHECK(too_large.answer().status == 413);
  CHECK(too_large.at_end());
  RawClient still_sending = server.client();
  still_sending.send(post(2'000'000));
  CHECK(still_sending.answer().status == 413);
  RawClient chunked = server.client();
  chunked.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" +
      std::string(1000, 'x') + "\r\n1\r\n");
  CHECK(chunked.answer().status == 413);
  CHECK(chunked.at_end());
}

TEST_CASE("a chunked body reaches its handler whole; a malformed one ends the connection") {
  const Router router = echo_router();
  TestServer server(router);
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  RawClient client = server.client();
  client.send(head + "3\r\na=1\r\n4\r\n&b=2\r\n0\r\n\r\n");
  CHECK(client.answer().body == "POST /echo a=1 b=2");
  // The same connection goes on.
  CHECK(client.get("/echo").body == "GET /echo");
  client.send(head + "3\r\na=1x\r\n0\r\n\r\nGET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.answer().status == 400);
  CHECK(client.at_end());  // what followed was never read as a request
}

TEST_CASE("Expect: 100-continue is answered before the body is sent") {
  const Router router = echo_router();
  TestServer server(router);
  RawClient client = server.client();
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
      "Content-Length: 2\r\n\r\n");
  CHECK(client.until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(client.send("hi").answer().status == 200);
}

TEST_CASE("on a loopback address only its own names are answered") {
  const Router router = echo_router();
  TestServer server(router);
  for (const char* host : {"localhost", "LocalHost:9999", "127.0.0.1", "127.0.0.1:1", "[::1]:80"}) {
    RawClient client = server.client();
    client.send(std::string("GET /echo HTTP/1.1\r\nHost: ") + host + "\r\n\r\n");
    CHECK_MESSAGE(client.answer().status == 200, host);
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil:80", "x"}) {
    RawClient client = server.client();
    client.send(std::string("GET /echo HTTP/1.1\r\nHost: ") + host + "\r\n\r\n");
    CHECK_MESSAGE(client.answer().status == 421, host);
  }
}

TEST_CASE("an answer is compressed past 1 KiB for whoever takes gzip") {
  const Router router = echo_router();
  TestServer server(router);
  RawClient client = server.client();
  const auto get = [&](const std::string& n, const std::string& accept) {
    return client
        .send("GET /big?n=" + n + " HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: " + accept +
              "\r\n\r\n")
        .answer();
  };
  CHECK(get("1024", "gzip").body.size() == 1024);
  const RawClient::Answer packed = get("1025", "deflate, gzip;q=0.5");
  CHECK(packed.head.find("Content-Encoding: gzip") != std::string::npos);
  CHECK(packed.head.find("Vary: Accept-Encoding") != std::string::npos);
  std::string plain(4096, '\0');
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 31) == Z_OK);
  std::string input = packed.body;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  CHECK(stream.total_out == 1025);
  inflateEnd(&stream);
  CHECK(get("5000", "gzip;q=0").body.size() == 5000);
  CHECK(get("5000", "br").body.size() == 5000);
}

TEST_CASE("an answer past the limit is an error, at the limit it is not") {
  const Router router = echo_router();
  ServerOptions options;
  options.response_bytes_max = 3000;
  TestServer server(router, options);
  RawClient client = server.client();
  CHECK(client.get("/big?n=3000").body.size() == 3000);
  const RawClient::Answer over = client.get("/big?n=3001");
  CHECK(over.status == 500);
  CHECK(over.body.find("larger than 3000 bytes") != std::string::npos);
}

TEST_CASE("when workers and queue are full a request is answered 503 with Retry-After") {
  Gate gate;
  Router router;
  router.add("GET", "/slow", Pool::kSlow, [&](const Request&) {
    gate.pass();
    return text_response(200, "done");
  });
  router.add("GET", "/fast", Pool::kFast, [](const Request&) { return text_response(200, "hi"); });
  ServerOptions options;
  options.slow_workers = 1;
  options.queue_max = 1;
  TestServer server(router, options);
  const std::string slow = "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n";
  RawClient running = server.client();
  running.send(slow);
  gate.await(1);
  RawClient waiting = server.client();
  waiting.send(slow);
  // The waiting one has been framed before a later request of another connection is answered.
  RawClient other = server.client();
  CHECK(other.get("/fast").status == 200);
  RawClient refused = server.client();
  refused.send(slow);
  const RawClient::Answer answer = refused.answer();
  CHECK(answer.status == 503);
  CHECK(answer.head.find("Retry-After: ") != std::string::npos);
  CHECK(other.get("/fast").status == 200);  // the other pool is not concerned
  gate.open();
  CHECK(running.answer().body == "done");
  CHECK(waiting.answer().body == "done");
}

TEST_CASE("a server that ends answers what it has been asked") {
  Gate gate;
  Router router;
  router.add("GET", "/slow", Pool::kSlow, [&](const Request&) {
    gate.pass();
    return text_response(200, "done");
  });
  TestServer server(router);
  RawClient client = server.client();
  client.send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
  gate.await(1);
  RawClient idle = server.client();
  std::thread ending([&] { server.server.reset(); });
  CHECK(idle.at_end());  // closed at once
  gate.open();
  CHECK(client.answer().body == "done");
  ending.join();
  CHECK(client.at_end());
}

TEST_CASE("who comes before anything is served waits, and is answered then") {
  std::atomic<bool> loaded{false};
  Router router;
  router.add("GET", "/state", Pool::kFast, [&](const Request&) {
    return text_response(200, loaded ? "loaded" : "too early");
  });
  TestServer any(router);  // for its clock, log and telemetry
  ServerOptions options;
  options.listen = "127.0.0.1:0";
  auto server = Server::bind(options, router, *any.clock, *any.log, *any.telemetry);
  REQUIRE(server);
  {
    RawClient early((*server)->port());
    early.send("GET /state HTTP/1.1\r\nHost: localhost\r\n\r\n");
    loaded = true;
    REQUIRE((*server)->serve());
    CHECK(early.answer().body == "loaded");
  }
  // One that never serves ends, too.
  CHECK(Server::bind(options, router, *any.clock, *any.log, *any.telemetry));
}

TEST_CASE("a port that is taken names who has it") {
  const Router router = echo_router();
  TestServer first(router);
  ServerOptions options;
  options.listen = "127.0.0.1:" + std::to_string(first.server->port());
  const auto second = Server::start(options, router, *first.clock, *first.log, *first.telemetry);
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == ErrorCode::kUnavailable);
  CHECK(second.error().what().find("(pid " + std::to_string(getpid()) + ")") != std::string::npos);
}

TEST_CASE("a listen address that is none is refused") {
  const Router router;
  TestServer any(router);
  for (const char* address : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", ""}) {
    ServerOptions options;
    options.listen = address;
    const auto server = Server::start(options, router, *any.clock, *any.log, *any.telemetry);
    REQUIRE_FALSE(server);
    CHECK(server.error().code() == ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace nines::web
