// Targets that misbehave, over real sockets: each is down with its reason, none disturbs another,
// and what they send is not kept.
#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <zlib.h>

#include <doctest/doctest.h>

#include "base/core/real_clock.h"
#include "collector/scrape/scraper.h"
#include "tests/support/recording_appender.h"
#include "tests/support/tcp_server.h"

namespace nines::collector {
namespace {

using testing::RecordingAppender;
using testing::TcpConnection;
using testing::TcpServer;

// ThreadSanitizer makes everything about five times slower; what is bounded by the clock gets as
// much more time there.
#if defined(__SANITIZE_THREAD__)
constexpr int kSlower = 5;
#else
constexpr int kSlower = 1;
#endif
constexpr Duration kInterval{1000 * kSlower};
constexpr Duration kTimeout{700 * kSlower};

std::string ok(std::string_view body, std::string_view type = "text/plain") {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

TcpServer::Handler always(std::string answer) {
  return [answer = std::move(answer)](TcpConnection& c) {
    while (!c.read_request().empty()) {
      if (!c.send(answer)) return;
    }
  };
}

// Sends `head`, then `piece` for ever.
TcpServer::Handler endless(std::string head, std::string piece) {
  return [head = std::move(head), piece = std::move(piece)](TcpConnection& c) {
    if (c.read_request().empty() || !c.send(head)) return;
    while (c.send(piece)) {
    }
  };
}

std::string gzip_of_zeros(std::size_t bytes) {
  z_stream z{};
  deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string zeros(1u << 20, '0');
  std::string out(bytes / 500 + 4096, '\0');
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  for (std::size_t done = 0; done < bytes; done += zeros.size()) {
    z.next_in = reinterpret_cast<Bytef*>(zeros.data());
    z.avail_in = static_cast<uInt>(zeros.size());
    deflate(&z, Z_NO_FLUSH);
  }
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

// A line of /proc/self/status, in MiB. A sanitizer's own memory says nothing, so its builds do not
// ask.
[[maybe_unused]] double memory_mib(const std::string& field) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) / 1024;
  }
  return 0;
}
[[maybe_unused]] void forget_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

struct Stage {
  std::unique_ptr<Clock> clock = make_real_clock();
  std::unique_ptr<Scheduler> scheduler = make_real_scheduler(*clock);
  std::unique_ptr<Executor> executor = make_thread_pool("collect", 2, 10'000);
  std::unique_ptr<HttpClient> http = make_curl_http_client({});
  RecordingAppender store;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  Scraper scraper{{store, *http, *scheduler, *executor, *log, *telemetry}};

  ~Stage() { scraper.stop(); }

  static ScrapeConfig job(const std::string& name, const TcpServer& server) {
    ScrapeConfig c;
    c.job_name = name;
    c.scrape_interval = kInterval;
    c.scrape_timeout = kTimeout;
    c.static_configs = {{{"127.0.0.1:" + std::to_string(server.port())}, {}}};
    return c;
  }

  TargetStatus status(const std::string& job) const {
    for (TargetStatus& s : scraper.targets()) {
      if (s.pool == job) return std::move(s);
    }
    return {};
  }

  // Once the target is as wanted; as it stands after a minute otherwise. A busy machine may let a
  // scrape time out that would have been told the reason: the next one is.
  template <typename Wanted>
  TargetStatus once(const std::string& job, const Wanted& wanted) const {
    for (int i = 0; i < 6000; ++i) {
      TargetStatus s = status(job);
      if (wanted(s)) return s;
      std::this_thread::sleep_for(Duration(10));
    }
    return status(job);
  }
};

struct Hostile {
  const char* what;
  TcpServer::Handler handler;
  std::vector<std::string> reasons;  // one of them stands in the error
};

std::vector<Hostile> hostile_targets() {
  const std::string bomb = gzip_of_zeros(64u << 20);
  return {
      {"garbage",
       always(ok(std::string("\x00\xff\x7f{{{==\n", 9))),
       {"line 1, column 1: expected"}},
      {"no HTTP", always("SSH-2.0-OpenSSH_9.2p1\r\n\r\n"), {"answer is not HTTP", "HTTP/0.9"}},
      {"endless line",
       endless("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", std::string(65536, 'a')),
       {"body_size_limit exceeded"}},
      {"endless body",
       endless("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", "some_metric 1\n"),
       {"body_size_limit exceeded", "timed out after " + std::to_string(kTimeout.count()) + "ms"}},
      {"endless headers",
       endless("HTTP/1.1 200 OK\r\n", "X-Fill: " + std::string(1000, 'x') + "\r\n"),
       {"bytes of headers", "Too large"}},
      {"gzip bomb",
       always("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/plain\r\n"
              "Content-Length: " +
              std::to_string(bomb.size()) + "\r\n\r\n" + bomb),
       {"100 times its size", "body_size_limit exceeded"}},
      {"drip",
       [](TcpConnection& c) {
         if (c.read_request().empty()) return;
         const std::string answer = ok("up_to_now 1\n");
         for (const char byte : answer) {
           if (!c.send({&byte, 1}) || !c.pause(kInterval)) return;
         }
       },
       {"timed out after " + std::to_string(kTimeout.count()) + "ms"}},
      {"silence",
       [](TcpConnection& c) {
         while (!c.read_request().empty()) continue;
       },
       {"timed out after " + std::to_string(kTimeout.count()) + "ms while waiting for the answer"}},
      {"reset",
       [](TcpConnection& c) { c.pause(Duration(20)); },
       {"reset", "connection closed without an answer", "Recv failure"}},
      {"reset in the middle",
       [](TcpConnection& c) {
         c.read_request();
         c.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\na 1\n");
       },
       {"closed with 996 bytes remaining"}},
      {"HTML",
       always(ok("<html><body>It works</body></html>", "text/html")),
       {"Content-Type \"text/html\""}},
      {"JSON", always(ok("{\"a\": 1}", "application/json")), {"Content-Type \"application/json\""}},
      {"no type", always("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na 1\n"), {"blank Content-Type"}},
      {"redirect loop",
       always("HTTP/1.1 302 Found\r\nLocation: /metrics\r\nContent-Length: 0\r\n\r\n"),
       {"redirects"}},
      {"redirect to a file",
       always("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
       {"file", "rotocol"}},
      {"long status line",
       always("HTTP/1.1 200 " + std::string(60'000, 'K') +
              "\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n=1\n"),
       {"line 1, column 1"}},
      {"too long a status line",
       endless("HTTP/1.1 200 ", std::string(60'000, 'K')),
       {"bytes of headers", "header line of more than"}},
  };
}

struct Turns {
  std::size_t count = 0;
  Duration worst{0};  // between two of them, off their 100 ms
};
Turns turns_of(const Stage& stage) {
  Turns out;
  std::optional<Timestamp> before;
  for (const auto& batch : stage.store.batches()) {
    if (!batch.group.starts_with("scrape/healthy/")) continue;
    if (before)
      out.worst = std::max(out.worst, std::chrono::abs(batch.at - *before - Duration(100)));
    before = batch.at;
    ++out.count;
  }
  return out;
}

TEST_CASE(
    "each kind of hostile target is down with its reason, and a healthy one is not disturbed") {
  std::vector<Hostile> hostiles = hostile_targets();
  std::vector<std::unique_ptr<TcpServer>> servers;
  for (const Hostile& h : hostiles) servers.push_back(std::make_unique<TcpServer>(h.handler));
  TcpServer healthy(always(ok("fine 1\n")));
  Stage stage;
  std::vector<ScrapeConfig> jobs;
  for (std::size_t i = 0; i < hostiles.size(); ++i) {
    jobs.push_back(Stage::job(hostiles[i].what, *servers[i]));
  }
  ScrapeConfig quick = Stage::job("healthy", healthy);
  quick.scrape_interval = Duration(100);
  quick.scrape_timeout = Duration(90);
  jobs.push_back(quick);
  Stage control;
  control.scraper.load({quick}, {});
  stage.scraper.load(std::move(jobs), {});
  control.scraper.start();
  stage.scraper.start();
  std::this_thread::sleep_for(Duration(3500 * kSlower));

  for (const Hostile& h : hostiles) {
    CAPTURE(h.what);
    const auto has_reason = [&](const TargetStatus& s) {
      return std::any_of(h.reasons.begin(), h.reasons.end(), [&](const std::string& reason) {
        return s.last_error.find(reason) != std::string::npos;
      });
    };
    const TargetStatus s = stage.once(h.what, has_reason);
    CAPTURE(s.last_error);
    CHECK(s.health == TargetHealth::kDown);
    CHECK(has_reason(s));
    CHECK(s.last_error.size() < 400);
    CHECK(s.body_start.size() <= 1024);
  }
  const auto is_up = [](const TargetStatus& s) { return s.health == TargetHealth::kUp; };
  CHECK(is_up(stage.once("healthy", is_up)));
  stage.scraper.stop();

  // The healthy target had its turns, each at its time: as with nobody else about. Another process
  // may have the processor for a while; a target that is waited for would cost half a second of
  // every turn.
  control.scraper.stop();
  const Turns with = turns_of(stage), without = turns_of(control);
  MESSAGE("healthy: " << with.count << " turns, off by at most " << with.worst.count()
                      << " ms; without the others " << without.count << ", "
                      << without.worst.count() << " ms");
  REQUIRE(without.count > 5);
  CHECK(with.count * 2 >= without.count);
}

TEST_CASE(
    "what a hostile target sends is not kept: memory is where it was, and its peak is bounded") {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  for (const std::string what : {"endless line", "endless body", "gzip bomb", "endless headers"}) {
    CAPTURE(what);
    std::vector<Hostile> hostiles = hostile_targets();
    const auto h = std::find_if(hostiles.begin(), hostiles.end(),
                                [&](const Hostile& x) { return x.what == what; });
    TcpServer server(h->handler);
    Stage stage;
    stage.scraper.load({Stage::job(what, server)}, {});
    stage.scraper.start();
    const auto is_asked = [](const TargetStatus& t) { return t.health != TargetHealth::kUnknown; };
    REQUIRE(is_asked(stage.once(what, is_asked)));
    const double before = memory_mib("VmRSS");
    forget_peak();
    std::this_thread::sleep_for(Duration(3000));
    CHECK(stage.status(what).health == TargetHealth::kDown);
    const double peak = memory_mib("VmHWM") - before;
    MESSAGE(what << ": " << before << " MiB before, peak +" << peak << " MiB over three scrapes");
    CHECK(peak <= 20);
  }
#endif
}

}  // namespace
}  // namespace nines::collector
