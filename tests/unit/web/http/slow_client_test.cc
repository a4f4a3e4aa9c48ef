// Clients that take their time, or the server's.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include <doctest/doctest.h>

#include "tests/unit/web/http/raw_client.h"

namespace nines::web {
namespace {

using testing::RawClient;
using testing::TestServer;

Router hello_router() {
  Router router;
  router.add("GET", "/hi", Pool::kFast, [](const Request&) { return text_response(200, "hi"); });
  router.add("GET", "/big", Pool::kFast,
             [](const Request&) { return text_response(200, std::string(32u << 20, 'x')); });
  return router;
}

double millis_since(Instant start, const Clock& clock) {
  return std::chrono::duration<double, std::milli>(clock.elapsed() - start).count();
}

TEST_CASE("500 silent and 500 dripping clients do not delay the others") {
  const Router router = hello_router();
  TestServer server(router);
  std::vector<RawClient> silent;
  std::vector<RawClient> dripping;
  for (int i = 0; i < 500; ++i) {
    silent.push_back(server.client());
    dripping.push_back(server.client());
    dripping.back().send("GET /hi HTTP/1.1\r\nHost: localhost\r\nX-A: ");
  }
  // Whoever waited for the slow ones would wait each time; on a busy machine somebody else may have
  // the processor in some of them.
  std::vector<double> took;
  for (int round = 0; round < 60; ++round) {
    for (RawClient& client : dripping) client.send("b");
    const Instant start = server.clock->elapsed();
    RawClient client = server.client();
    REQUIRE(client.get("/hi").body == "hi");
    took.push_back(millis_since(start, *server.clock));
  }
  std::sort(took.begin(), took.end());
  MESSAGE("a third within " << took[20] << " ms, most " << took.back() << " ms");
  CHECK(took[20] < 100);
  // And those who come to the point are served.
  CHECK(dripping[499].send("\r\n\r\n").answer().body == "hi");
  CHECK(silent[499].get("/hi").body == "hi");
}

TEST_CASE("a head and a body that never end are answered 408; an idle connection is just closed") {
  const Router router = hello_router();
  ServerOptions options;
  options.head_timeout = options.body_timeout = options.idle_timeout = Duration(50);
  TestServer server(router, options);
  RawClient idle = server.client();
  RawClient head = server.client();
  head.send("GET /hi HT");
  RawClient body = server.client();
  body.send("POST /hi HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab");
  RawClient chunks = server.client();
  chunks.send("POST /hi HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
  CHECK(head.answer().status == 408);
  CHECK(body.answer().status == 408);
  CHECK(chunks.answer().status == 408);
  CHECK(idle.rest().empty());
}

TEST_CASE("chunks that drip are under the deadline of the whole body") {
  const Router router = hello_router();
  ServerOptions options;
  options.body_timeout = Duration(300);
  TestServer server(router, options);
  RawClient client = server.client();
  client.send("POST /hi HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  const Instant start = server.clock->elapsed();
  // Each chunk comes well within the deadline; all of them do not.
  timeval patience{0, 50'000};
  setsockopt(client.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  int status = 0;
  while (status == 0 && millis_since(start, *server.clock) < 5'000) {
    client.send("1\r\na\r\n");
    status = client.answer().status;
  }
  CHECK(status == 408);
  CHECK(millis_since(start, *server.clock) >= 300);
}

TEST_CASE("whoever does not read its answer is dropped at the write deadline") {
  const Router router = hello_router();
  ServerOptions options;
  options.write_timeout = Duration(50);
  TestServer server(router, options);
  RawClient client = server.client();
  client.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
  Counter& timeouts = server.telemetry->counter("nines_http_timeouts_total", "");
  const Instant start = server.clock->elapsed();
  while (timeouts.value() < 1 && millis_since(start, *server.clock) < 4000) {
    CHECK(server.client().get("/hi").status == 200);
  }
  CHECK(timeouts.value() == 1);
  CHECK(client.rest().size() < (32u << 20));
}

TEST_CASE("at the connection limit the longest idle makes room; busy ones are not touched") {
  const Router router = hello_router();
  ServerOptions options;
  options.connections_max = 3;
  TestServer server(router, options);
  RawClient busy = server.client();
  busy.send("GET /h");
  RawClient old = server.client();
  REQUIRE(old.get("/hi").status == 200);
  RawClient young = server.client();
  REQUIRE(young.get("/hi").status == 200);
  RawClient fourth = server.client();
  CHECK(fourth.get("/hi").status == 200);
  CHECK(old.at_end());
  CHECK(busy.send("i HTTP/1.1\r\nHost: localhost\r\n\r\n").answer().status == 200);
  CHECK(young.get("/hi").status == 200);
}

TEST_CASE("one address has no more connections than its share") {
  const Router router = hello_router();
  ServerOptions options;
  options.connections_per_ip_max = 2;
  TestServer server(router, options);
  RawClient first = server.client();
  RawClient second = server.client();
  REQUIRE(first.get("/hi").status == 200);
  REQUIRE(second.get("/hi").status == 200);
  RawClient third = server.client();
  CHECK(third.rest().empty());
}

TEST_CASE("bodies of all connections together stay below their cap") {
  const Router router = hello_router();
  ServerOptions options;
  options.buffered_bytes_max = 1000;
  TestServer server(router, options);
  const std::string head = "POST /hi HTTP/1.1\r\nHost: localhost\r\nContent-Length: 700\r\n\r\n";
  RawClient first = server.client();
  first.send(head + std::string(600, 'x'));
  RawClient second = server.client();
  second.send(head + std::string(600, 'x'));
  RawClient* late = nullptr;
  // Whichever came second in the server's eyes is turned away; the other is answered.
  for (RawClient* client : {&second, &first}) {
    if (late == nullptr) {
      const RawClient::Answer answer = client->send("").answer();
      CHECK(answer.status == 503);
      late = client;
    } else {
      CHECK(client->send(std::string(100, 'x')).answer().status == 405);
    }
  }
  RawClient third = server.client();
  CHECK(third.send(head + std::string(700, 'x')).answer().status == 405);
}

TEST_CASE("workers of queries step back for everybody else") {
  std::atomic<int> fast{-100}, slow{-100};
  Router router;
  router.add("GET", "/fast", Pool::kFast, [&](const Request&) {
    fast = getpriority(PRIO_PROCESS, 0);
    return text_response(200, "");
  });
  router.add("GET", "/slow", Pool::kSlow, [&](const Request&) {
    slow = getpriority(PRIO_PROCESS, 0);
    return text_response(200, "");
  });
  TestServer server(router);
  RawClient client = server.client();
  client.get("/fast");
  client.get("/slow");
  CHECK(fast == getpriority(PRIO_PROCESS, 0));
  CHECK(slow == std::min(19, fast + 10));
}

// It takes a millisecond or two.
constexpr double kHeardMs = 100;
constexpr double kPatienceMs = 5'000;

TEST_CASE("a worker hears within 100 ms that its client has hung up, however it went") {
  struct Heard {
    std::atomic<bool> working{false}, gone{false}, ended{false};
  };
  Heard heard;
  Router router;
  router.add("GET", "/long", Pool::kSlow, [&](const Request& request) {
    request.client->when_gone([&] { heard.gone = true; });
    heard.working = true;
    while (!heard.gone && !heard.ended) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    request.client->when_gone({});
    return text_response(200, "done");
  });
  TestServer server(router);
  const auto wait_for = [&](const std::atomic<bool>& flag) {
    const Instant start = server.clock->elapsed();
    while (!flag && millis_since(start, *server.clock) < kPatienceMs)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return millis_since(start, *server.clock);
  };
  // The shortest of some times: on a busy machine somebody else may have the processor.
  const auto heard_after = [&](const std::function<void(RawClient&)>& hang_up) {
    double best = kPatienceMs;
    for (int again = 0; again < 20 && best >= kHeardMs; ++again) {
      heard.working = heard.gone = false;
      {
        RawClient client = server.client();
        client.send("GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n");
        wait_for(heard.working);
        hang_up(client);
      }
      best = std::min(best, wait_for(heard.gone));
      if (best >= kPatienceMs) break;
    }
    return best;
  };
  SUBCASE("closed") {
    CHECK(heard_after([](RawClient&) {}) < kHeardMs);
  }
  SUBCASE("reset") {
    CHECK(heard_after([](RawClient& client) {
            const linger at_once{1, 0};
            setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
          }) < kHeardMs);
  }
  SUBCASE("closed after it sent the next request") {
    CHECK(heard_after([](RawClient& client) {
            client.send("GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n");
          }) < kHeardMs);
  }
  SUBCASE("one that stays, and one that only ended its side, get their answer") {
    RawClient client = server.client();
    client.send("GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wait_for(heard.working);
    CHECK_FALSE(heard.gone);
    shutdown(client.fd(), SHUT_WR);
    CHECK(wait_for(heard.gone) < kPatienceMs);
    CHECK(client.answer().body == "done");
  }
  heard.ended = true;
}

}  // namespace
}  // namespace nines::web
