#include "collector/probe/prober.h"

#include <functional>

#include <doctest/doctest.h>

#include "collector/probe/module_config.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/fake_resolver.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::FakeHttpClient;
using testing::make_response;
using testing::RecordingAppender;

const std::string kMine = "instance=\"https://shop/health\", job=\"shop\"";
std::string series(const std::string& name) {
  return name + "{" + kMine + "}";
}
std::string phase(const std::string& name) {
  return "probe_http_duration_seconds{" + kMine + ", phase=\"" + name + "\"}";
}

struct Stage {
  Stage() { resolver.names = {{"shop", {"192.0.2.1"}}, {"plain", {"192.0.2.2"}}}; }
  ProbeConfig config() const {
    ProbeConfig c;
    c.job_name = "shop";
    c.static_configs = {{{"https://shop/health"}, {}}};
    return c;
  }
  // The job with `http` in front of what http_2xx means.
  ProbeConfig with_http(const std::function<void(HttpProbe&)>& change) const {
    ProbeConfig c = config();
    auto module = std::make_shared<ProbeModule>(*builtin_probe_modules().at("http_2xx"));
    change(module->http);
    c.definition = module;
    return c;
  }
  void begin(ProbeConfig c) {
    prober.load({std::move(c)}, {});
    prober.start();
  }
  RecordingAppender::Batch turn(Result<HttpResponse> answer) {
    http.answer_next(std::move(answer));
    scheduler.run_for(Duration(15'000));
    return store.last();
  }
  TargetStatus status() const { return prober.targets().at(0); }

  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  FakeHttpClient http;
  RecordingAppender store;
  std::unique_ptr<Log> log = make_null_log();
  testing::FakeResolver resolver;
  Prober prober{{store, http, resolver, scheduler, executor, *log}};
};

HttpResponse good() {
  HttpResponse r = make_response(200, "all well", {{"content-length", "8"}});
  using us = std::chrono::microseconds;
  r.phases = {us(1000), us(2000), us(3000), us(4000), us(5000), us(15000)};
  r.remote_ip = "192.0.2.1";
  r.tls.used = true;
  r.tls.version = "TLS 1.3";
  r.tls.earliest_expiry = 1'800'000'000;
  return r;
}

TEST_CASE("a good answer is a success with status, phases and certificate") {
  Stage s;
  s.begin(s.config());
  const auto batch = s.turn(good());
  CHECK(batch.value(series("up")) == 1);
  CHECK(batch.value(series("probe_success")) == 1);
  CHECK(batch.value(series("probe_http_status_code")) == 200);
  CHECK(batch.value(series("probe_http_version")) == 1.1);
  CHECK(batch.value(series("probe_http_ssl")) == 1);
  CHECK(batch.value(series("probe_http_redirects")) == 0);
  CHECK(batch.value(series("probe_http_content_length")) == 8);
  CHECK(batch.value(series("probe_http_uncompressed_body_length")) == 8);
  CHECK(batch.value(series("probe_failed_due_to_regex")) == 0);
  CHECK(batch.value(series("probe_ssl_earliest_cert_expiry")) == 1'800'000'000);
  CHECK(batch.value(series("probe_dns_lookup_time_seconds")) == 0);
  CHECK(batch.value("probe_tls_version_info{" + kMine + ", version=\"TLS 1.3\"}") == 1);
  CHECK(batch.value(series("probe_ip_protocol")) == 4);
  CHECK(batch.value(series("probe_duration_seconds")) == 0);
  CHECK(batch.value(phase("resolve")) == 0.001);
  CHECK(batch.value(phase("connect")) == 0.002);
  CHECK(batch.value(phase("tls")) == 0.003);
  CHECK(batch.value(phase("processing")) == 0.004);
  CHECK(batch.value(phase("transfer")) == 0.005);
  CHECK(s.status().health == TargetHealth::kUp);
  CHECK(s.status().kind == "probe");
}

TEST_CASE(
    "without an answer success is 0, the numbers are zeros and the certificate's series ends") {
  Stage s;
  s.begin(s.config());
  s.turn(good());
  const auto batch = s.turn(Error(ErrorCode::kUnavailable, "timed out after 10s while connecting"));
  CHECK(batch.value(series("up")) == 1);
  CHECK(batch.value(series("probe_success")) == 0);
  CHECK(batch.value(series("probe_http_status_code")) == 0);
  CHECK(batch.value(series("probe_http_version")) == 0);
  CHECK(batch.value(phase("connect")) == 0);
  CHECK(batch.stale(series("probe_ssl_earliest_cert_expiry")));
  CHECK(batch.value(series("probe_ip_protocol")) == 4);
  CHECK(s.status().health == TargetHealth::kDown);
  CHECK(s.status().last_error == "timed out after 10s while connecting");
}

TEST_CASE("2xx is good unless the module lists what is") {
  for (const auto& one : {std::tuple(std::vector<int>{}, 200, 1),
                          {{}, 299, 1},
                          {{}, 300, 0},
                          {{}, 199, 0},
                          {{401, 403}, 403, 1},
                          {{401, 403}, 200, 0}}) {
    const auto& codes = std::get<0>(one);
    const int status = std::get<1>(one);
    const int want = std::get<2>(one);
    Stage s;
    s.begin(s.with_http([&](HttpProbe& http) { http.expect.valid_status_codes = codes; }));
    CAPTURE(status);
    CHECK(s.turn(make_response(status)).value(series("probe_success")) == want);
    if (want == 0) CHECK(s.status().last_error == "HTTP status " + std::to_string(status));
  }
}

TEST_CASE("the body is held against both kinds of regex") {
  Stage s;
  s.begin(s.with_http([](HttpProbe& http) {
    http.expect.fail_if_body_matches = {*Regex::compile("(?i)error", RegexAnchor::kNone)};
    http.expect.fail_if_body_not_matches = {*Regex::compile("well", RegexAnchor::kNone)};
  }));
  CHECK(s.turn(make_response(200, "all well")).value(series("probe_success")) == 1);
  auto batch = s.turn(make_response(200, "well, an ERROR"));
  CHECK(batch.value(series("probe_success")) == 0);
  CHECK(batch.value(series("probe_failed_due_to_regex")) == 1);
  CHECK(s.status().last_error == "body matches \"(?i)error\"");
  batch = s.turn(make_response(200, "nothing"));
  CHECK(batch.value(series("probe_failed_due_to_regex")) == 1);
  CHECK(s.status().last_error == "body does not match \"well\"");
}

TEST_CASE("the request is the module's, on a connection of its own") {
  Stage s;
  ProbeConfig c = s.with_http([](HttpProbe& http) {
    http.method = "POST";
    http.body = "ping";
    http.headers = {{"Host", "shop"}};
    http.access.tls.verify = false;
  });
  c.static_configs = {{{"plain:8080/x"}, {{"env", "prod"}}}};
  c.scrape_timeout = Duration(3000);
  s.begin(c);
  const auto batch = s.turn(good());
  const HttpRequest request = s.http.calls().at(0).request;
  CHECK(request.url == "http://plain:8080/x");
  CHECK(request.address == "192.0.2.2");
  CHECK(request.method == "POST");
  CHECK(request.body == "ping");
  CHECK(request.headers == HttpHeaders{{"Host", "shop"}});
  CHECK_FALSE(request.follow_redirects);
  CHECK_FALSE(request.tls.verify);
  CHECK(request.fresh_connection);
  CHECK(request.timeout == Duration(3000));
  CHECK(batch.value("up{env=\"prod\", instance=\"plain:8080/x\", job=\"shop\"}") == 1);
}

TEST_CASE("a removed probe ends its series") {
  Stage s;
  s.begin(s.config());
  s.turn(good());
  s.prober.load({}, {});
  CHECK(s.store.last().stale(series("probe_success")));
  CHECK(s.store.last().stale(phase("tls")));
  CHECK(s.store.open_groups() == 0);
  CHECK(s.prober.targets().empty());
}

TEST_CASE("redirects are followed, their phases summed, credentials kept for the first host") {
  Stage s;
  s.resolver.names["other"] = {"2001:db8::1", "192.0.2.9"};
  s.begin(s.with_http([](HttpProbe& http) {
    http.access.authorization = "Bearer secret";
    http.method = "POST";
    http.body = "x";
  }));
  HttpResponse away = make_response(302, "", {{"location", "http://other/next?a=b"},
                                              {"set-cookie", "id=7; Path=/"}});
  away.phases.connect = std::chrono::milliseconds(500);
  s.http.answer_next(away);
  HttpResponse there = make_response(200, "fine");
  there.phases.connect = std::chrono::milliseconds(250);
  const auto batch = s.turn(there);
  CHECK(batch.value(series("probe_success")) == 1);
  CHECK(batch.value(series("probe_http_redirects")) == 1);
  CHECK(batch.value(phase("connect")) == 0.75);
  CHECK(batch.value(series("probe_ip_protocol")) == 4);  // the first host's
  const auto calls = s.http.calls();
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].request.headers == HttpHeaders{{"Authorization", "Bearer secret"}});
  CHECK(calls[1].request.url == "http://other/next?a=b");
  CHECK(calls[1].request.method == "GET");
  CHECK(calls[1].request.body.empty());
  CHECK(calls[1].request.headers.empty());
  CHECK(calls[1].request.address == "2001:db8::1");
}

TEST_CASE("ten redirects are followed, the eleventh is one too many") {
  for (const int hops : {10, 11}) {
    Stage s;
    s.begin(s.config());
    for (int i = 0; i < hops; ++i) {
      s.http.answer_next(make_response(301, "", {{"location", "/again"}}));
    }
    const auto batch = s.turn(make_response(200));
    CHECK(batch.value(series("probe_success")) == (hops == 10 ? 1 : 0));
    CHECK(batch.value(series("probe_http_redirects")) == hops);  // as blackbox_exporter counts
    if (hops == 11) CHECK(s.status().last_error == "stopped after 10 redirects");
  }
}

TEST_CASE("a probe on demand needs a free place, and its name a module") {
  Stage s;
  CHECK(s.prober.module("icmp") != nullptr);
  CHECK(s.prober.module("nothing") == nullptr);
  s.prober.set_modules({}, {.max_concurrent = 1});
  const auto module = s.prober.module("http_2xx");
  Result<ProbeResult> second = ProbeResult();
  s.http.set_handler([&](const HttpRequest&) -> std::optional<Result<HttpResponse>> {
    second = s.prober.probe_now(*module, "http://shop", "", Duration(1000), {});
    return make_response(200);
  });
  const auto first = s.prober.probe_now(*module, "http://shop", "", Duration(1000), {});
  REQUIRE(first);
  CHECK(first->success);
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == ErrorCode::kLimit);
  s.prober.stop();
  CHECK_FALSE(s.prober.probe_now(*module, "http://shop", "", Duration(1000), {}));
}

}  // namespace
}  // namespace nines::collector
