// Requests in plain HTTP/1.1 to an address, over connections of their own. What is the same however
// a request goes stands in http_client_test.cc.
#include <atomic>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/core/real_clock.h"
#include "base/net/answer_threads.h"
#include "base/net/http_client.h"
#include "base/net/oauth2.h"
#include "tests/support/tcp_server.h"

namespace nines {
namespace {

using testing::TcpConnection;
using testing::TcpServer;

std::string ok(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

TcpServer::Handler always(std::string text) {
  return [text](TcpConnection& c) {
    while (!c.read_request().empty()) {
      if (!c.send(text)) return;
    }
  };
}

HttpRequest get(std::string url, Duration timeout = Duration(10'000)) {
  HttpRequest request;
  request.url = std::move(url);
  request.timeout = timeout;
  return request;
}

std::unique_ptr<HttpClient> make_client(std::size_t idle_max = 10) {
  AnswerClientOptions options;
  options.idle_connections_max = idle_max;
  options.http.threads = 1;
  options.http.user_agent = "tester/1";
  return make_answer_http_client(options);
}

// Body of the answer, or the error.
std::string ask(HttpClient& client, HttpRequest request) {
  const auto r = send_and_wait(client, std::move(request));
  return r ? r->body : "error " + r.error().what();
}

TEST_CASE("the request says what was asked for, and what HTTP wants") {
  std::mutex mutex;
  std::vector<std::string> seen;
  TcpServer server([&](TcpConnection& c) {
    for (std::string text; !(text = c.read_request()).empty();) {
      const std::lock_guard lock(mutex);
      seen.push_back(text);
      if (!c.send(ok(""))) return;
    }
  });
  const auto client = make_client();
  HttpRequest request = get(server.url("/a/b?x=%20&y=1"));
  request.headers = {{"X-One", "1"}, {"Accept", "text/plain"}};
  request.accept_compressed = true;
  REQUIRE(send_and_wait(*client, request));
  request = get(server.url());
  request.headers = {{"Host", "other"}, {"User-Agent", "me"}, {"Accept-Encoding", "identity"}};
  request.accept_compressed = true;
  REQUIRE(send_and_wait(*client, request));
  const std::string host = "127.0.0.1:" + std::to_string(server.port());
  REQUIRE(seen.size() == 2);
  CHECK(seen[0] == "GET /a/b?x=%20&y=1 HTTP/1.1\r\nX-One: 1\r\nAccept: text/plain\r\nHost: " +
                       host + "\r\nUser-Agent: tester/1\r\nAccept-Encoding: gzip\r\n\r\n");
  CHECK(seen[1] ==
        "GET / HTTP/1.1\r\nHost: other\r\nUser-Agent: me\r\nAccept-Encoding: identity\r\n"
        "Accept: */*\r\n\r\n");
  CHECK(server.connections() == 1);
}

TEST_CASE("a kept connection that has died meanwhile costs no request") {
  std::atomic<int> requests = 0;
  TcpServer server([&](TcpConnection& c) {  // reads the second request, and goes without a word
    for (int i = 0; i < 2 && !c.read_request().empty(); ++i) {
      ++requests;
      if (i == 0 && !c.send(ok("fine"))) return;
    }
  });
  const auto client = make_client();
  CHECK(ask(*client, get(server.url())) == "fine");
  CHECK(ask(*client, get(server.url())) == "fine");
  CHECK(requests == 3);
  CHECK(server.connections() == 2);
}

TEST_CASE("an answer that is followed by more, or says so, ends its connection") {
  TcpServer more(always(ok("a") + "HTTP/1.1 200 OK\r\n"));
  TcpServer says(always("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"));
  TcpServer old(always("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"));
  const auto client = make_client();
  for (TcpServer* server : {&more, &says, &old}) {
    CHECK(ask(*client, get(server->url())) == "a");
    CHECK(ask(*client, get(server->url())) == "a");
    CHECK(server->connections() == 2);
  }
}

TEST_CASE("as many connections are kept as may be, and no more") {
  TcpServer first(always(ok("1"))), second(always(ok("2")));
  const auto client = make_client(1);
  for (int i = 0; i < 3; ++i) {
    CHECK(ask(*client, get(first.url())) == "1");
    CHECK(ask(*client, get(second.url())) == "2");
  }
  CHECK(first.connections() == 1);
  CHECK(second.connections() == 3);
}

TEST_CASE("what is more than plain HTTP goes through libcurl, the next time at once") {
  std::atomic<int> asked = 0;
  TcpServer target(always(ok("there")));
  TcpServer server([&](TcpConnection& c) {
    while (!c.read_request().empty()) {
      ++asked;
      if (!c.send("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + target.url() +
                  "\r\n\r\n"))
        return;
    }
  });
  const auto client = make_client();
  HttpRequest request = get(server.url());
  request.follow_redirects = true;
  CHECK(ask(*client, request) == "there");
  CHECK(asked == 2);
  CHECK(ask(*client, request) == "there");
  CHECK(asked == 3);
  TcpServer folded(always("HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok"));
  CHECK(ask(*client, get(folded.url())) == "ok");
  TcpServer odd(always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"));
  CHECK(ask(*client, get(odd.url())).starts_with("error "));
}

TEST_CASE("time that the first way took is not given again to the second") {
  TcpServer server([](TcpConnection& c) {
    for (int i = 0; !c.read_request().empty(); ++i) {
      if (!c.pause(Duration(300)) || !c.send("HTTP/1.1 200 OK\r\nFolded: a\r\n")) return;
      c.send(" b\r\n");
    }
  });
  const auto clock = make_real_clock();
  const Instant began = clock->elapsed();
  CHECK(ask(*make_client(), get(server.url(), Duration(1000))) ==
        "error timed out after 1s while reading the answer");
  CHECK(clock->elapsed() - began >= Duration(1000));
}

TEST_CASE("large answers come whole, in chunks and by length, many at once") {
  const std::string body(3u << 20, 'b');
  TcpServer length(always(ok(body)));
  std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 3 * 1024; ++i) text += "400\r\n" + body.substr(0, 1024) + "\r\n";
  TcpServer chunks(always(text + "0\r\n\r\n"));
  const auto client = make_client();
  std::vector<std::future<std::string>> answers;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(std::async(std::launch::async, [&, i] {
      return ask(*client, get((i % 2 == 0 ? length : chunks).url(), Duration(60'000)));
    }));
  }
  for (auto& answer : answers) CHECK(answer.get() == body);
}

TEST_CASE("work on an answer is done on the thread that brought it, other work elsewhere") {
  const auto pool = make_thread_pool("others", 1, 10);
  const auto executor = make_answer_executor(*pool);
  const auto thread_of_post = [&] {
    std::promise<std::thread::id> ran;
    REQUIRE(executor->post([&] { ran.set_value(std::this_thread::get_id()); }));
    return ran.get_future().get();
  };
  CHECK(thread_of_post() != std::this_thread::get_id());
  TcpServer server(always(ok("")));
  const auto client = make_client();
  std::promise<bool> same;
  client->send(get(server.url()), [&](const Result<HttpResponse>&) {
    same.set_value(thread_of_post() == std::this_thread::get_id());
  });
  CHECK(same.get_future().get());
  CHECK(thread_of_post() != std::this_thread::get_id());
}

struct OtherClient final : HttpClient {
  std::vector<std::string> asked;
  std::vector<HttpCallId> cancelled;
  HttpCallId send(HttpRequest request, HttpDone) override {
    asked.push_back(request.url);
    return HttpCallId{5};
  }
  void cancel(HttpCallId call) override { cancelled.push_back(call); }
};

TEST_CASE("an answer that came in time is not late because work on another took long") {
  std::promise<void> working;
  std::shared_future<void> works = working.get_future().share();
  TcpServer first(always(ok("first")));
  TcpServer second([&](TcpConnection& c) {
    c.read_request();
    works.wait();
    c.send(ok("second"));
  });
  const auto client = make_client();
  std::promise<std::string> answer;
  client->send(get(second.url(), Duration(2'000)), [&](const Result<HttpResponse>& r) {
    answer.set_value(r ? r->body : r.error().what());
  });
  client->send(get(first.url()), [&](const Result<HttpResponse>&) {
    working.set_value();
    std::this_thread::sleep_for(std::chrono::milliseconds(2'500));
  });
  CHECK(answer.get_future().get() == "second");
}

TEST_CASE("what needs a token is asked by the client that keeps them") {
  OtherClient other;
  AnswerClientOptions options;
  options.with_tokens = &other;
  options.http.threads = 1;
  const auto client = make_answer_http_client(options);
  TcpServer server(always(ok("plain")));
  CHECK(ask(*client, get(server.url())) == "plain");
  HttpRequest request = get("http://127.0.0.1:1/");
  request.oauth2 = std::make_shared<const OAuth2Config>();
  const HttpCallId call = client->send(request, [](const Result<HttpResponse>&) {});
  CHECK(other.asked == std::vector<std::string>{"http://127.0.0.1:1/"});
  CHECK(call != HttpCallId{5});
  client->cancel(call);
  CHECK(other.cancelled == std::vector<HttpCallId>{HttpCallId{5}});
}

}  // namespace
}  // namespace nines
