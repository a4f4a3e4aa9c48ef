// Sources of targets, and what becomes of their troubles.
#include "collector/discovery/discovery.h"

#include <doctest/doctest.h>

#include "base/text/text.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/mem_fs.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::FakeHttpClient;
using testing::make_response;

// Answers from the test.
class FakeResolver final : public Resolver {
 public:
  Result<std::vector<std::string>> addresses(const std::string&, IpFamily,
                                             const Patience&) override {
    return Error(ErrorCode::kNotFound, "no such name");
  }
  Result<DnsMessage> ask(const std::string& name, std::uint16_t type,
                         const std::vector<std::string>&, const Patience&) override {
    asked.push_back(dns_type_name(type) + " " + name);
    const auto found = answers.find(name);
    if (found == answers.end()) return Error(ErrorCode::kUnavailable, "timed out after 10s");
    return found->second;
  }
  std::map<std::string, DnsMessage> answers;
  std::vector<std::string> asked;
};

DnsRecord record(std::uint16_t type, const std::string& host, std::uint16_t port = 0) {
  DnsRecord r;
  r.type = type;
  r.host = host;
  r.port = port;
  return r;
}

struct Stage {
  Result<TargetGroups> toml(std::string_view text) {
    if (text == "broken") return Error(ErrorCode::kInvalid, "1:7: expected =");
    return TargetGroups{{{std::string(text)}, {}}};
  }
  void write(const std::string& path, std::string_view text) {
    REQUIRE(write_file_atomically(fs, path, text));
  }
  void load(JobDiscovery job) { discovery.load({{"j", std::move(job)}}); }
  void load_files(std::vector<std::string> files) {
    JobDiscovery job;
    job.files.push_back({std::move(files), Duration(60'000)});
    load(std::move(job));
  }
  std::vector<std::string> targets() const {
    std::vector<std::string> out;
    for (const StaticConfig& group : found) {
      for (const std::string& target : group.targets) out.push_back(target);
    }
    return out;
  }
  SourceStatus status() const { return discovery.status().at(0); }

  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::MemFs fs;
  FakeHttpClient http;
  FakeResolver resolver;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  TargetGroups found;
  int told = 0;
  Discovery discovery{{fs, http, resolver, scheduler, executor, *log, *telemetry,
                       [this](const std::string&, std::string_view text) { return toml(text); }},
                      [this](const std::string&, TargetGroups groups) {
                        found = std::move(groups);
                        ++told;
                      }};
};

using Names = std::vector<std::string>;

TEST_CASE("files in three languages, found by pattern, with their path as a label") {
  Stage s;
  REQUIRE(s.fs.make_dirs("/sd"));
  s.write("/sd/a.json", R"([{"targets": ["a:1", "b:1"], "labels": {"env": "prod"}}])");
  s.write("/sd/b.yml", "- targets: ['c:1']\n  labels:\n    port: 80\n- targets: [d:1]\n");
  s.write("/sd/c.toml", "e:1");
  s.load_files({"/sd/*.json", "/sd/*.yml", "/sd/c.toml"});
  s.discovery.start();
  CHECK(s.targets() == Names{"a:1", "b:1", "c:1", "d:1", "e:1"});
  CHECK(s.found[0].labels ==
        std::map<std::string, std::string>{{"env", "prod"}, {"__meta_filepath", "/sd/a.json"}});
  CHECK(s.found[1].labels.at("port") == "80");
  CHECK(s.status().targets == 5);
  CHECK(s.status().errors.empty());
  CHECK(s.told == 1);
}

TEST_CASE("a broken file keeps its last good targets, is named and counted; others go on") {
  Stage s;
  REQUIRE(s.fs.make_dirs("/sd"));
  s.write("/sd/a.json", R"([{"targets": ["a:1"]}])");
  s.write("/sd/b.json", R"([{"targets": ["b:1"]}])");
  s.load_files({"/sd/*.json"});
  s.discovery.start();
  s.write("/sd/a.json", "[{\n\"targets\": [\"a:1\", ]}]");
  s.write("/sd/b.json", R"([{"targets": ["b:2"]}])");
  s.scheduler.run_for(Duration(60'000));
  CHECK(s.targets() == Names{"a:1", "b:2"});
  REQUIRE(s.status().errors.size() == 1);
  CHECK(s.status().errors[0].starts_with("/sd/a.json: line 2, column "));
  CHECK(s.status().failures == 1);
  CHECK(s.telemetry->text().find("prometheus_sd_refresh_failures_total{mechanism=\"file\"} 1") !=
        std::string::npos);
  s.write("/sd/a.json", "[]");
  REQUIRE(s.fs.remove("/sd/b.json"));
  s.scheduler.run_for(Duration(60'000));
  CHECK(s.targets().empty());
  CHECK(s.status().errors.empty());
}

TEST_CASE("what is no list of groups is refused with its place") {
  for (const auto& row :
       {std::tuple("/sd/x.json", "{}", "the whole must be a list"),
        {"/sd/x.json", "[1]", "group 1: a group is an object"},
        {"/sd/x.json", R"([{"targets": [1]}])", "group 1: `targets` holds"},
        {"/sd/x.json", R"([{"targets": [], "label": {}}])", "unknown key \"label\""},
        {"/sd/x.json", R"([{"labels": {"a-b": "c"}}])", "\"a-b\" is no label name"},
        {"/sd/x.json", R"([{"labels": {"a": 1}}])", "label \"a\" is no text"},
        {"/sd/x.yml", "targets: []", "line 1, column 1: the whole must be a list"},
        {"/sd/x.yml", "- targets: x", "line 1, column 12: `targets` is no list"},
        {"/sd/x.yml", "- target: [x]", "line 1, column 3: unknown key \"target\""},
        {"/sd/x.yml", "- targets: [x", "line"},
        {"/sd/x.toml", "broken", "1:7: expected ="}}) {
    const auto& file = std::get<0>(row);
    const auto& text = std::get<1>(row);
    const auto& want = std::get<2>(row);
    Stage s;
    REQUIRE(s.fs.make_dirs("/sd"));
    s.write(file, text);
    s.load_files({file});
    s.discovery.start();
    CAPTURE(text);
    REQUIRE(s.status().errors.size() == 1);
    CAPTURE(s.status().errors[0]);
    CHECK(s.status().errors[0].find(want) != std::string::npos);
  }
  Stage deep;
  REQUIRE(deep.fs.make_dirs("/sd"));
  deep.write("/sd/x.yml", std::string(100'000, '['));
  deep.load_files({"/sd/x.yml"});
  deep.discovery.start();
  CHECK(deep.status().errors.at(0) == "/sd/x.yml: nested too deeply");
}

JobDiscovery by_http() {
  JobDiscovery job;
  HttpSdConfig http;
  http.url = "http://sd/targets";
  http.access.bearer_token = "t";
  job.https.push_back(http);
  return job;
}

TEST_CASE("HTTP: the answer's groups with the URL as a label; a bad answer keeps those of before") {
  Stage s;
  const HttpHeaders json = {{"content-type", "application/json; charset=utf-8"}};
  s.http.answer_next(make_response(200, R"([{"targets": ["a:1"], "labels": {"x": "y"}}])", json));
  s.load(by_http());
  s.discovery.start();
  CHECK(s.targets() == Names{"a:1"});
  CHECK(s.found[0].labels.at("__meta_url") == "http://sd/targets");
  const HttpRequest asked = s.http.calls().at(0).request;
  CHECK(asked.headers ==
        HttpHeaders{{"Accept", "application/json"},
                    {"X-Prometheus-Refresh-Interval-Seconds", "60"},
                    {"Authorization", "Bearer t"}});
  const auto refused = [&](Result<HttpResponse> answer, const std::string& want) {
    s.http.answer_next(std::move(answer));
    s.scheduler.run_for(Duration(60'000));
    CHECK(s.targets() == Names{"a:1"});
    CHECK(s.status().errors.at(0) == "http://sd/targets: " + want);
  };
  refused(make_response(500, "[]", json), "HTTP status 500");
  refused(make_response(200, "[]", {{"content-type", "text/html"}}),
          "Content-Type is \"text/html\", it must be application/json");
  refused(make_response(200, "[", json),
          "line 1, column 2: Invalid value.");
  refused(Error(ErrorCode::kUnavailable, "connection refused"), "connection refused");
  CHECK(s.told == 1);
  s.http.answer_next(make_response(200, "[]", json));
  s.scheduler.run_for(Duration(60'000));
  CHECK(s.targets().empty());
  CHECK(s.told == 2);
}

JobDiscovery by_dns(const std::string& type, Names names, std::uint16_t port) {
  JobDiscovery job;
  DnsSdConfig dns;
  dns.type = type;
  dns.names = std::move(names);
  dns.port = port;
  job.dns.push_back(dns);
  return job;
}

TEST_CASE("DNS: each type becomes targets with its labels") {
  Stage s;
  s.resolver.answers["srv"].answers = {record(kDnsSrv, "b.example.", 8081),
                                       record(kDnsSrv, "a.example.", 8080),
                                       record(kDnsCname, "c.example.")};
  s.load(by_dns("SRV", {"srv"}, 0));
  s.discovery.start();
  CHECK(s.targets() == Names{"a.example:8080", "b.example:8081"});
  CHECK(s.found[0].labels == std::map<std::string, std::string>{
                                 {"__meta_dns_name", "srv"},
                                 {"__meta_dns_srv_record_target", "a.example."},
                                 {"__meta_dns_srv_record_port", "8080"}});
  s.resolver.answers["six"].answers = {record(kDnsAaaa, "2001:db8::1")};
  s.load(by_dns("AAAA", {"six"}, 9100));
  CHECK(s.targets() == Names{"[2001:db8::1]:9100"});
  s.resolver.answers["mx"].answers = {record(kDnsMx, "mail.example.")};
  s.load(by_dns("MX", {"mx"}, 25));
  CHECK(s.targets() == Names{"mail.example:25"});
  CHECK(s.found[0].labels.at("__meta_dns_mx_record_target") == "mail.example.");
  s.resolver.answers["ns"].answers = {record(kDnsNs, "ns1.example.")};
  s.load(by_dns("NS", {"ns"}, 53));
  CHECK(s.found[0].labels.at("__meta_dns_ns_record_target") == "ns1.example.");
  CHECK(s.resolver.asked == Names{"SRV srv", "AAAA six", "MX mx", "NS ns"});
}

TEST_CASE("DNS: silence and failure keep a name's targets, an unknown name has none") {
  Stage s;
  s.resolver.answers["a"].answers = {record(kDnsA, "192.0.2.1")};
  s.resolver.answers["b"].answers = {record(kDnsA, "192.0.2.2")};
  s.load(by_dns("A", {"a", "b"}, 80));
  s.discovery.start();
  CHECK(s.targets() == Names{"192.0.2.1:80", "192.0.2.2:80"});
  s.resolver.answers.erase("a");
  s.resolver.answers["b"].rcode = 2;
  s.resolver.answers["b"].answers.clear();
  s.scheduler.run_for(Duration(30'000));
  CHECK(s.targets() == Names{"192.0.2.1:80", "192.0.2.2:80"});
  CHECK(s.status().errors ==
        Names{"A a: timed out after 10s", "A b: DNS answered SERVFAIL"});
  s.resolver.answers["b"].rcode = 3;
  s.scheduler.run_for(Duration(30'000));
  CHECK(s.targets() == Names{"192.0.2.1:80"});
}

TEST_CASE("a source whose configuration stayed keeps what it knows; others are asked again") {
  Stage s;
  const HttpHeaders json = {{"content-type", "application/json"}};
  JobDiscovery job = by_http();
  s.http.answer_next(make_response(200, R"([{"targets": ["a:1"]}])", json));
  s.load(job);
  s.discovery.start();
  job.https.push_back(job.https[0]);
  job.https[1].url = "http://other/";
  s.load(job);  // the new one has not answered: nothing is told yet
  CHECK(s.http.call_count() == 2);
  CHECK(s.told == 1);
  s.http.answer_oldest(make_response(200, R"([{"targets": ["b:1"]}])", json));
  CHECK(s.targets() == Names{"a:1", "b:1"});
  job.https.erase(job.https.begin());
  s.load(job);
  CHECK(s.http.call_count() == 2);
  CHECK(s.targets() == Names{"b:1"});
  s.load({});
  CHECK(s.discovery.status().empty());
}

TEST_CASE("after stop nothing is asked and nothing told") {
  Stage s;
  s.load(by_http());
  s.discovery.start();
  s.discovery.stop();
  s.http.answer_oldest(make_response(200, "[]", {{"content-type", "application/json"}}));
  s.scheduler.run_for(Duration(600'000));
  CHECK(s.http.call_count() == 1);
  CHECK(s.told == 0);
}

}  // namespace
}  // namespace nines::collector
