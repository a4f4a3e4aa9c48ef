#include "base/net/http_client.h"

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include <zlib.h>

#include <doctest/doctest.h>

#include "base/net/internal/transfer.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"

namespace nines {
namespace {

using testing::TcpConnection;
using testing::TcpServer;

std::string ok(std::string_view body, std::string_view more_headers = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more_headers) + "\r\n" + std::string(body);
}

// Answers each request of a connection with the same text.
TcpServer::Handler always(std::string text) {
  return [text](TcpConnection& c) {
    while (!c.read_request().empty()) {
      if (!c.send(text)) return;
    }
  };
}

std::string gzip(std::string_view text) {
  z_stream z{};
  deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(compressBound(text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

HttpRequest get(std::string url, Duration timeout = Duration(5000)) {
  HttpRequest request;
  request.url = std::move(url);
  request.timeout = timeout;
  return request;
}

std::unique_ptr<HttpClient> make_client(int threads = 1) {
  HttpClientOptions options;
  options.threads = threads;
  return make_curl_http_client(options);
}

TEST_CASE("an answer comes with status, lower-case header names, body and phases") {
  const TcpServer server(
      always("HTTP/1.1 404 Not Found\r\nX-What: Thing \r\nContent-Length: 5\r\n\r\nhello"));
  const auto client = make_client();
  const auto r = send_and_wait(*client, get(server.url()));
  REQUIRE(r);
  CHECK(r->status == 404);
  CHECK(r->header("x-what") == "Thing");
  CHECK(r->header("x-none").empty());
  CHECK(r->body == "hello");
  CHECK(r->http_version == 11);
  CHECK(r->remote_ip == "127.0.0.1");
  CHECK(r->phases.total.count() > 0);
  CHECK(r->phases.total >= r->phases.connect + r->phases.processing);
  CHECK(r->phases.tls.count() == 0);
  CHECK(r->tls_not_after == 0);
}

TEST_CASE(
    "the request carries method, headers, credentials and body, and no headers of libcurl's own") {
  std::string seen;
  const TcpServer server([&](TcpConnection& c) {
    seen = c.read_request();
    c.send(ok(""));
  });
  const auto client = make_client();
  HttpRequest request = get(server.url("/a?b=c"));
  request.method = "PUT";
  request.headers = {{"X-One", "1"}, {"X-Empty", ""}, {"Content-Type", "text/plain"}};
  request.body = "payload";
  request.basic_user = "u";
  request.basic_password = "p";
  request.accept_compressed = true;
  REQUIRE(send_and_wait(*client, request));
  CHECK(seen.starts_with("PUT /a?b=c HTTP/1.1\r\n"));
  for (const char* line :
       {"\r\nX-One: 1\r\n", "\r\nX-Empty:\r\n", "\r\nContent-Type: text/plain\r\n",
        "\r\nContent-Length: 7\r\n", "\r\nAuthorization: Basic dTpw\r\n",
        "\r\nAccept-Encoding: gzip\r\n", "\r\nUser-Agent: nines/0.1.0\r\n"}) {
    CAPTURE(line);
    CHECK(seen.find(line) != std::string::npos);
  }
  CHECK(seen.find("Expect") == std::string::npos);
  CHECK(seen.find("urlencoded") == std::string::npos);
}

TEST_CASE("credentials in files are read for every request, and a file that is not there is named") {
  const testing::TempDir dir;
  std::vector<std::string> seen;
  std::mutex mutex;
  const TcpServer server([&](TcpConnection& c) {
    for (std::string request; !(request = c.read_request()).empty();) {
      const std::lock_guard lock(mutex);
      seen.push_back(std::move(request));
      c.send(ok(""));
    }
  });
  const auto client = make_client();
  const std::string path = dir.path() + "/secret";
  HttpRequest basic = get(server.url());
  basic.basic_user = "u";
  basic.basic_password_file = path;
  HttpRequest token = get(server.url());
  token.credentials_type = "Token";
  token.credentials_file = path;
  const auto missing = send_and_wait(*client, basic);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().what() == "cannot read " + path + ": No such file or directory");
  for (const char* text : {"p\n", " longer \n"}) {
    std::ofstream(path) << text;
    REQUIRE(send_and_wait(*client, basic));
    REQUIRE(send_and_wait(*client, token));
  }
  const std::lock_guard lock(mutex);
  REQUIRE(seen.size() == 4);
  CHECK(seen[0].find("\r\nAuthorization: Basic dTpw\r\n") != std::string::npos);
  CHECK(seen[1].find("\r\nAuthorization: Token p\r\n") != std::string::npos);
  CHECK(seen[2].find("\r\nAuthorization: Basic dTpsb25nZXI=\r\n") != std::string::npos);
  CHECK(seen[3].find("\r\nAuthorization: Token longer\r\n") != std::string::npos);
}

TEST_CASE("a proxy is asked but for its exceptions, and its headers break no line") {
  std::string seen;
  const TcpServer proxy([&](TcpConnection& c) {
    seen = c.read_request();
    c.send(ok("from the proxy"));
  });
  const TcpServer server(always(ok("directly")));
  const auto client = make_client();
  HttpRequest request = get(server.url("/a"));
  request.proxy.url = proxy.url();
  request.proxy.connect_headers = {{"X-Way", "1"}};
  const auto by_proxy = send_and_wait(*client, request);
  REQUIRE(by_proxy);
  CHECK(by_proxy->body == "from the proxy");
  CHECK(seen.starts_with("GET " + server.url("/a") + " HTTP/1.1\r\n"));
  CHECK(seen.find("X-Way") == std::string::npos);  // which is for tunnels alone
  request.proxy.except = "example.com,127.0.0.0/8";
  CHECK(send_and_wait(*client, request)->body == "directly");
  request.proxy.except.clear();
  request.proxy.url.clear();
  request.proxy.secure_url = proxy.url();
  CHECK(send_and_wait(*client, request)->body == "directly");
  request.url = "https://127.0.0.1:1/";
  request.proxy.connect_headers = {{"X-Way", "1\r\nX-Other: 2"}};
  const auto broken = send_and_wait(*client, request);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code() == ErrorCode::kInvalid);
}

TEST_CASE("requests to one server reuse its connection, a fresh one does not") {
  const TcpServer server(always(ok("x")));
  const auto client = make_client(3);
  for (int i = 0; i < 5; ++i) REQUIRE(send_and_wait(*client, get(server.url())));
  CHECK(server.connections() == 1);
  const auto reused = send_and_wait(*client, get(server.url()));
  CHECK(reused->phases.connect.count() == 0);
  HttpRequest fresh = get(server.url());
  fresh.fresh_connection = true;
  const auto r = send_and_wait(*client, fresh);
  REQUIRE(r);
  CHECK(server.connections() == 2);
  CHECK(r->phases.connect.count() > 0);
}

TEST_CASE("a refused connection is kUnavailable and says so") {
  const auto client = make_client();
  const auto r = send_and_wait(
      *client, get("http://127.0.0.1:" + std::to_string(testing::unused_port()) + "/"));
  REQUIRE_FALSE(r);
  CHECK(r.error().code() == ErrorCode::kUnavailable);
  CHECK(r.error().what().find("Connection refused") != std::string::npos);
}

TEST_CASE("a server that never answers ends at the deadline") {
  const TcpServer server([](TcpConnection& c) {
    c.read_request();
    c.pause(Duration(60'000));
  });
  const auto client = make_client();
  const auto r = send_and_wait(*client, get(server.url(), Duration(200)));
  REQUIRE_FALSE(r);
  CHECK(r.error().code() == ErrorCode::kUnavailable);
  CHECK(r.error().what() == "timed out after 200ms while waiting for the answer");
}

TEST_CASE("a server that drips bytes cannot stretch the deadline") {
  const TcpServer server([](TcpConnection& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (c.send("x") && c.pause(Duration(20))) {
    }
  });
  const auto client = make_client();
  const auto r = send_and_wait(*client, get(server.url(), Duration(300)));
  REQUIRE_FALSE(r);
  CHECK(r.error().what() == "timed out after 300ms while reading the answer");
}

TEST_CASE("an answer that is no HTTP is refused") {
  const TcpServer server([](TcpConnection& c) {
    c.read_request();
    c.send("SSH-2.0-OpenSSH_9.2\r\n");
  });
  const auto client = make_client();
  const auto r = send_and_wait(*client, get(server.url()));
  REQUIRE_FALSE(r);
  CHECK(r.error().code() == ErrorCode::kUnavailable);
  CHECK(r.error().what() == "answer is not HTTP");
}

TEST_CASE("a connection closed without an answer, or in the middle of one, is an error") {
  const TcpServer silent([](TcpConnection& c) { c.read_request(); });
  const TcpServer half([](TcpConnection& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  });
  const auto client = make_client();
  CHECK(send_and_wait(*client, get(silent.url())).error().what() ==
        "connection closed without an answer");
  CHECK(send_and_wait(*client, get(half.url())).error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("a body of exactly the cap is taken, one byte more is kLimit") {
  const TcpServer server(always(ok(std::string(1000, 'x'))));
  const auto client = make_client();
  HttpRequest request = get(server.url());
  request.body_bytes_max = 1000;
  CHECK(send_and_wait(*client, request)->body.size() == 1000);
  request.body_bytes_max = 999;
  const auto r = send_and_wait(*client, request);
  REQUIRE_FALSE(r);
  CHECK(r.error().code() == ErrorCode::kLimit);
  CHECK(r.error().what() == "answer is larger than 999 bytes");
}

TEST_CASE("an endless body is cut off at the cap, not at the deadline") {
  std::atomic<bool> peer_left = false;
  {
    const TcpServer server([&](TcpConnection& c) {
      c.read_request();
      c.send("HTTP/1.1 200 OK\r\n\r\n");
      const std::string block(64u << 10, 'x');
      while (c.send(block)) {
      }
      peer_left = true;
    });
    const auto client = make_client();
    HttpRequest request = get(server.url(), Duration(60'000));
    request.body_bytes_max = 1u << 20;
    CHECK(send_and_wait(*client, request).error().code() == ErrorCode::kLimit);
  }
  CHECK(peer_left);
}

TEST_CASE("endless headers are cut off at their cap") {
  const TcpServer server([&](TcpConnection& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\n");
    while (c.send("X-More: " + std::string(1000, 'y') + "\r\n")) {
    }
  });
  const auto client = make_client();
  const auto r = send_and_wait(*client, get(server.url()));
  REQUIRE_FALSE(r);
  CHECK(r.error().code() == ErrorCode::kLimit);
}

TEST_CASE("gzip is inflated only when it was asked for") {
  const std::string text(5000, 'a');
  const TcpServer server(always(ok(gzip(text), "Content-Encoding: gzip\r\n")));
  const auto client = make_client();
  HttpRequest request = get(server.url());
  request.accept_compressed = true;
  CHECK(send_and_wait(*client, request)->body == text);
  request.accept_compressed = false;
  CHECK(send_and_wait(*client, request)->body == gzip(text));
}

TEST_CASE("a gzip bomb is cut off by the ratio and by the size after inflation") {
  const TcpServer server(
      always(ok(gzip(std::string(20u << 20, '\0')), "Content-Encoding: gzip\r\n")));
  const auto client = make_client();
  HttpRequest request = get(server.url());
  request.accept_compressed = true;
  request.body_bytes_max = 64u << 20;
  const auto ratio = send_and_wait(*client, request);
  REQUIRE_FALSE(ratio);
  CHECK(ratio.error().code() == ErrorCode::kLimit);
  CHECK(ratio.error().what() == "answer inflates to more than 100 times its size");
  request.body_bytes_max = 100'000;
  const auto size = send_and_wait(*client, request);
  REQUIRE_FALSE(size);
  CHECK(size.error().what() == "answer inflates to more than 100000 bytes");
}

TEST_CASE("gzip that is cut short or damaged is an error") {
  std::string whole = gzip("hello hello hello");
  const TcpServer cut(always(ok(whole.substr(0, whole.size() - 4), "Content-Encoding: gzip\r\n")));
  const TcpServer garbage(always(ok("not gzip at all", "Content-Encoding: gzip\r\n")));
  const auto client = make_client();
  HttpRequest request = get(cut.url());
  request.accept_compressed = true;
  CHECK(send_and_wait(*client, request).error().what() == "gzip answer stops before its end");
  request.url = garbage.url();
  CHECK(send_and_wait(*client, request).error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("redirects are followed when asked, at most ten, and never to another scheme") {
  const TcpServer target(always(ok("there")));
  const TcpServer once(always("HTTP/1.1 302 Found\r\nLocation: " + target.url("/x") +
                              "\r\nContent-Length: 0\r\n\r\n"));
  const TcpServer loop(
      always("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"));
  const TcpServer file(
      always("HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\nContent-Length: 0\r\n\r\n"));
  const auto client = make_client();
  CHECK(send_and_wait(*client, get(once.url()))->status == 302);
  HttpRequest request = get(once.url());
  request.follow_redirects = true;
  const auto r = send_and_wait(*client, request);
  REQUIRE(r);
  CHECK(r->body == "there");
  CHECK(r->redirects == 1);
  CHECK(r->header("location").empty());  // the last answer's headers only
  request.url = loop.url();
  CHECK_FALSE(send_and_wait(*client, request));
  request.url = file.url();
  CHECK_FALSE(send_and_wait(*client, request));
}

TEST_CASE("bad URLs, methods and headers are kInvalid") {
  const auto client = make_client();
  for (const char* url : {"", "nonsense", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://"}) {
    CAPTURE(url);
    const auto r = send_and_wait(*client, get(url));
    REQUIRE_FALSE(r);
    CHECK(r.error().code() == ErrorCode::kInvalid);
  }
  HttpRequest request = get("http://127.0.0.1:1/");
  request.method = "GET / HTTP/1.1\r\nX: y";
  CHECK(send_and_wait(*client, request).error().code() == ErrorCode::kInvalid);
  request.method = "GET";
  request.headers = {{"X-A", "1\r\nX-B: 2"}};
  CHECK(send_and_wait(*client, request).error().code() == ErrorCode::kInvalid);
}

TEST_CASE("a name that does not resolve is said to be a DNS failure") {
  const auto client = make_client();
  const auto r = send_and_wait(*client, get("http://no-such-host.invalid/", Duration(3000)));
  REQUIRE_FALSE(r);
  CHECK(r.error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("a cancelled call never answers, and others go on") {
  const TcpServer stuck([](TcpConnection& c) {
    c.read_request();
    c.pause(Duration(60'000));
  });
  const TcpServer good(always(ok("x")));
  const auto client = make_client();
  std::atomic<int> answers = 0;
  const HttpCallId id = client->send(get(stuck.url()), [&](auto) { ++answers; });
  client->cancel(id);
  client->cancel(id);
  CHECK(send_and_wait(*client, get(good.url())));
  CHECK(answers == 0);
}

TEST_CASE("a client that is destroyed drops what is under way") {
  const TcpServer stuck([](TcpConnection& c) {
    c.read_request();
    c.pause(Duration(60'000));
  });
  std::atomic<int> answers = 0;
  {
    const auto client = make_client();
    for (int i = 0; i < 10; ++i) client->send(get(stuck.url()), [&](auto) { ++answers; });
  }
  CHECK(answers == 0);
}

TEST_CASE("many calls at once over small shards each get their own answer") {
  constexpr int kCalls = 100;
  const TcpServer server([](TcpConnection& c) {
    for (std::string request = c.read_request(); !request.empty(); request = c.read_request()) {
      if (!c.send(ok(request.substr(4, request.find(' ', 4) - 4)))) return;
    }
  });
  HttpClientOptions options;
  options.threads = 2;
  options.handles_per_shard = 8;
  const auto client = make_curl_http_client(options);
  std::mutex mutex;
  std::condition_variable finished;
  int done = 0;
  int right = 0;
  for (int i = 0; i < kCalls; ++i) {
    const std::string path = "/" + std::to_string(i);
    client->send(get(server.url(path)), [&, path](Result<HttpResponse> r) {
      const std::lock_guard lock(mutex);
      right += r && r->body == path ? 1 : 0;
      if (++done == kCalls) finished.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  finished.wait(lock, [&] { return done == kCalls; });
  CHECK(right == kCalls);
}

TEST_CASE("requests of one server have one origin, however the URL is written") {
  const auto origin = [](const std::string& url) {
    const Result<std::string> read = net::origin_of(url);
    return read ? *read : "error " + read.error().what();
  };
  CHECK(origin("http://10.1.2.3:9100/metrics") == "http://10.1.2.3:9100");
  CHECK(origin("http://node-1.example/metrics?a=b&c[]=d#e") == "http://node-1.example:80");
  CHECK(origin("https://node-1.example") == "https://node-1.example:443");
  CHECK(origin("http://a:65535/") == "http://a:65535");
  CHECK(origin("http://user:secret@a:81/x") == "http://a:81");
  CHECK(origin("http://[::1]:9100/metrics") == "http://[::1]:9100");
  CHECK(origin("http://a?x=/") == "http://a:80");
  for (const std::string bad : {"http://a:65536/", "http://a:123456/", "http://", "ftp://a/",
                                "http://a:x/", "http://a b/", "http://a/\n", "a", ""}) {
    CAPTURE(bad);
    CHECK(origin(bad).starts_with("error bad URL"));
  }
}

TEST_CASE("a request is not what the one before on the same connection was") {
  TcpServer server([](TcpConnection& c) {
    for (std::string request; !(request = c.read_request()).empty();) {
      if (!c.send(ok(request))) return;
    }
  });
  auto client = make_client();
  HttpRequest first = get(server.url("/first"));
  first.headers = {{"X-First", "1"}};
  const auto a = send_and_wait(*client, first);
  REQUIRE(a);
  CHECK(a->body.starts_with("GET /first HTTP/1.1\r\n"));
  CHECK(a->body.find("X-First: 1\r\n") != std::string::npos);
  const auto b = send_and_wait(*client, get(server.url("/second")));
  REQUIRE(b);
  CHECK(b->body.starts_with("GET /second HTTP/1.1\r\n"));
  CHECK(b->body.find("X-First") == std::string::npos);
  HttpRequest post = get(server.url("/third"));
  post.method = "PUT";
  post.basic_user = "u";
  const auto c = send_and_wait(*client, post);
  REQUIRE(c);
  CHECK(c->body.starts_with("PUT /third HTTP/1.1\r\n"));
  CHECK(c->body.find("Authorization: Basic") != std::string::npos);
  const auto d = send_and_wait(*client, get(server.url("/fourth")));
  REQUIRE(d);
  CHECK(d->body.starts_with("GET /fourth HTTP/1.1\r\n"));
  CHECK(d->body.find("Authorization") == std::string::npos);
}

}  // namespace
}  // namespace nines
