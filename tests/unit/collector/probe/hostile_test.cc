// Real sockets, and peers that behave badly: each probe ends in time and says why.
#include <functional>
#include <string>
#include <thread>

#include <poll.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/core/real_clock.h"
#include "base/net/dns_message.h"
#include "collector/probe/module_config.h"
#include "collector/probe/run_probe.h"
#include "tests/support/fake_resolver.h"
#include "tests/support/tcp_server.h"

namespace nines::collector {
namespace {

using testing::TcpConnection;
using testing::TcpServer;

struct Stage {
  // `yaml`: the module, as a flow mapping.
  ProbeResult run(const std::string& yaml, const std::string& target, int timeout_ms = 3000) {
    std::vector<ConfigProblem> problems;
    const ProbeModules modules =
        parse_modules_yaml("modules: {m: " + yaml + "}", {}, problems);
    for (const ConfigProblem& p : problems) MESSAGE(p.what);
    REQUIRE(problems.empty());
    const Instant began = clock->elapsed();
    ProbeResult result = run_probe(*modules.at("m"), target, "", Duration(timeout_ms),
                                   {*http, resolver, *clock}, nullptr);
    took = std::chrono::duration<double>(clock->elapsed() - began).count();
    return result;
  }
  std::string why(const std::string& yaml, const std::string& target, int timeout_ms = 3000) {
    const ProbeResult result = run(yaml, target, timeout_ms);
    CHECK_FALSE(result.success);
    CHECK(result.find("probe_success")->value == 0);
    CHECK(took < timeout_ms / 1000.0 + 15);  // far less, unless the machine is busy
    return result.reason();
  }
  std::unique_ptr<Clock> clock = make_real_clock();
  std::unique_ptr<HttpClient> http = make_curl_http_client({.threads = 1});
  testing::FakeResolver resolver;
  double took = 0;
};

std::string at(const TcpServer& server) {
  return "127.0.0.1:" + std::to_string(server.port());
}


TEST_CASE("an endless body ends at its limit, with what was seen until then") {
  TcpServer server([](TcpConnection& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\n\r\n");
    while (c.send(std::string(65'536, 'x'))) {
    }
  });
  Stage s;
  const ProbeResult r = s.run("{prober: http, http: {body_size_limit: 1MB}}", at(server));
  CHECK_FALSE(r.success);
  CHECK(r.reason() == "answer is larger than 1048576 bytes");
  CHECK(r.find("probe_http_status_code")->value == 200);
  CHECK(r.find("probe_http_uncompressed_body_length")->value == 1'048'576);
  CHECK(r.find("probe_http_content_length")->value == -1);
}

TEST_CASE("slow bytes do not hold a probe past its time") {
  TcpServer server([](TcpConnection& c) {
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    while (c.send("x") && c.pause(Duration(50))) {
    }
  });
  Stage s;
  CHECK(s.why("{prober: http}", at(server), 600) ==
        "timed out after 600ms while reading the answer");
  TcpServer lines([](TcpConnection& c) {
    while (c.send("x") && c.pause(Duration(20))) {
    }
  });
  CHECK(s.why("{prober: tcp, tcp: {query_response: [{expect: ok}]}}", at(lines), 500) ==
        "waiting for a line that matches \"ok\": timed out after 500ms");
  TcpServer flood([](TcpConnection& c) {
    while (c.send("no\n")) {
    }
  });
  CHECK(s.why("{prober: tcp, tcp: {query_response: [{expect: ok}]}}", at(flood), 500) ==
        "waiting for a line that matches \"ok\": timed out after 500ms");
  TcpServer longest([](TcpConnection& c) {
    while (c.send(std::string(4096, 'x'))) {
    }
  });
  CHECK(s.why("{prober: tcp, tcp: {query_response: [{expect: ok}]}}", at(longest)) ==
        "waiting for a line that matches \"ok\": a line is longer than 65536 bytes");
}

TEST_CASE("peers that close, refuse, or speak no TLS are told apart") {
  Stage s;
  TcpServer mute([](TcpConnection&) {});
  CHECK(s.why("{prober: tcp, tcp: {query_response: [{expect: ok}]}}", at(mute)) ==
        "no line matched \"ok\" before the peer closed the connection");
  // FIN or RST: whether our request was there before the end is chance.
  const std::string end = s.why("{prober: http}", at(mute));
  const bool told = end == "connection closed without an answer" ||
                    end.find("Connection reset by peer") != std::string::npos;
  CHECK_MESSAGE(told, end);
  const std::string closed = "127.0.0.1:" + std::to_string(testing::unused_port());
  CHECK(s.why("{prober: tcp}", closed).find("Connection refused") != std::string::npos);
  CHECK(s.why("{prober: http}", closed).find("Connection refused") != std::string::npos);
  TcpServer garbage([](TcpConnection& c) {
    c.send("\x16\x03\x01nonsense and more nonsense\r\n\r\n");
    c.pause(Duration(2000));
  });
  CHECK(s.why("{prober: tcp, tcp: {tls: true}}", at(garbage)).starts_with("TLS handshake: "));
  CHECK(s.why("{prober: http}", "https://" + at(garbage)).find("SSL") != std::string::npos);
  TcpServer silent([](TcpConnection& c) { c.pause(Duration(5000)); });
  CHECK(s.why("{prober: tcp, tcp: {tls: true}}", at(silent), 400) ==
        "TLS handshake: timed out after 400ms");
  CHECK(s.why("{prober: tcp}", "127.0.0.1") == "address 127.0.0.1: missing port in address");
  CHECK(s.why("{prober: tcp}", "no.such.name:1").find("no.such.name") != std::string::npos);
}

TEST_CASE("a conversation has groups, variables and labels") {
  TcpServer server([](TcpConnection& c) {
    c.send("220 mail.test ESMTP\r\n");
    const std::string line = c.read_request();
    c.send("250 hello " + std::string(line.find("EHLO mail.test\n") == 0 ? "you" : "who") +
           "\r\n");
  });
  Stage s;
  const ProbeResult r = s.run(
      R"YAML({prober: tcp, tcp: {query_response: [{expect: "^220 ([^ ]+) (E?SMTP)", send: "EHLO ${1}\n\r\n\r",
         labels: [{name: kind, value: "${2}"}]}, {expect: "^250 hello you"}]}})YAML",
      at(server));
  CHECK_MESSAGE(r.success, r.reason());
  CHECK(r.find("probe_expect_info", {{"kind", "ESMTP"}}) != nullptr);
}

// Answers each datagram by what `answer` makes of it.
class UdpServer {
 public:
  explicit UdpServer(std::function<std::string(std::string)> answer) {
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    own_.sin_family = AF_INET;
    own_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof own_;
    ::bind(fd_, reinterpret_cast<const sockaddr*>(&own_), size);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&own_), &size);
    target = "127.0.0.1:" + std::to_string(ntohs(own_.sin_port));
    thread_ = std::thread([this, answer = std::move(answer)] {
      char bytes[1500];
      sockaddr_in from{};
      for (;;) {
        socklen_t length = sizeof from;
        const ssize_t n = ::recvfrom(fd_, bytes, sizeof bytes, 0,
                                     reinterpret_cast<sockaddr*>(&from), &length);
        if (n <= 0) return;
        const std::string out = answer(std::string(bytes, static_cast<std::size_t>(n)));
        ::sendto(fd_, out.data(), out.size(), 0, reinterpret_cast<const sockaddr*>(&from),
                 length);
      }
    });
  }
  ~UdpServer() {
    ::sendto(fd_, "", 0, 0, reinterpret_cast<const sockaddr*>(&own_), sizeof own_);  // wakes it
    thread_.join();
    ::close(fd_);
  }
  std::string target;

 private:
  int fd_ = -1;
  sockaddr_in own_{};
  std::thread thread_;
};

constexpr const char* kQuery = "{prober: dns, dns: {query_name: nines.test, query_type: A}}";

// The question with an answer's header and one A record behind it.
std::string answered(std::string query, bool truncated = false) {
  query[2] = static_cast<char>(truncated ? 0x87 : 0x85);
  query[7] = 1;
  return query + std::string("\xC0\x0C\0\x01\0\x01\0\0\0\x3C\0\x04\xC0\0\x02\x01", 16);
}

TEST_CASE("DNS answers: good, wrong, cut off, somebody else's") {
  Stage s;
  UdpServer good([](std::string query) { return answered(std::move(query)); });
  const ProbeResult r = s.run(kQuery, good.target);
  CHECK_MESSAGE(r.success, r.reason());
  CHECK(r.find("probe_dns_answer_rrs")->value == 1);
  CHECK(r.find("probe_dns_query_succeeded")->value == 1);
  CHECK(s.why("{prober: dns, dns: {query_name: a, query_type: A, validate_answer_rrs: "
              "{fail_if_not_matches_regexp: ['198[.]51']}}}",
              good.target)
            .find("does not match fail_if_not_matches_regexp") != std::string::npos);
  UdpServer truncated([](std::string query) { return answered(std::move(query), true); });
  CHECK(s.run(kQuery, truncated.target).success);
  UdpServer refusing([](std::string query) {
    query[2] = static_cast<char>(0x85);
    query[3] = 3;
    return query;
  });
  CHECK(s.why(kQuery, refusing.target) == "response code NXDOMAIN");
  UdpServer garbage([](const std::string&) { return std::string("hm"); });
  CHECK(s.why(kQuery, garbage.target).starts_with("bad answer: "));
  UdpServer cut([](std::string query) {
    std::string all = answered(std::move(query));
    return all.substr(0, all.size() - 3);
  });
  CHECK(s.why(kQuery, cut.target).starts_with("bad answer: "));
  UdpServer stranger([](std::string query) {
    query[0] = static_cast<char>(query[0] + 1);
    return answered(std::move(query));
  });
  CHECK(s.why(kQuery, stranger.target, 300) ==
        "timed out after 300ms, with 1 packets that answer another question");
  TcpServer half([](TcpConnection& c) { c.send(std::string("\0\x20" "abc", 5)); });
  CHECK(s.why("{prober: dns, dns: {query_name: a, transport_protocol: tcp}}", at(half)) ==
        "connection closed after 3 of 32 bytes");
}

TEST_CASE("the loopback answers an echo, or the missing right is named") {
  Stage s;
  const ProbeResult r = s.run("{prober: icmp, icmp: {payload_size: 1000, ttl: 9}}", "127.0.0.1");
  if (!r.success) {
    CHECK(r.reason().find("ping_group_range") != std::string::npos);
    CHECK(r.reason().find("cap_net_raw") != std::string::npos);
    return;
  }
  CHECK(r.find("probe_icmp_duration_seconds", {{"phase", "rtt"}})->value > 0);
}

TEST_CASE("gRPC: a server of HTTP/1.1, and none at all") {
  Stage s;
  TcpServer old([](TcpConnection& c) {
    c.read_request();
    c.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  });
  const ProbeResult r = s.run("{prober: grpc}", at(old));
  CHECK_FALSE(r.success);
  CHECK(r.find("probe_grpc_status_code")->value == 14);
  CHECK_FALSE(r.reason().empty());
  CHECK(s.why("{prober: grpc}", "127.0.0.1:" + std::to_string(testing::unused_port()))
            .find("Connection refused") != std::string::npos);
}

TEST_CASE("a stop ends a probe under way") {
  TcpServer silent([](TcpConnection& c) { c.pause(Duration(10'000)); });
  Stage s;
  StopSignal stop;
  for (const char* name : {"http_2xx", "ssh_banner", "grpc_plain"}) {
    std::thread later([&] {
      pollfd nobody{-1, 0, 0};
      ::poll(&nobody, 1, 100);
      stop.raise();
    });
    // That it was stopped and did not wait for its time is what the reason says.
    const ProbeResult r =
        run_probe(*builtin_probe_modules().at(name), at(silent), "", Duration(8000),
                  {*s.http, s.resolver, *s.clock}, &stop);
    CHECK_FALSE(r.success);
    CHECK(r.reason().find("stopped") != std::string::npos);
    later.join();
  }
}

}  // namespace
}  // namespace nines::collector
