// Consul's HTTP API, played by the test.
#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/text/text.h"
#include "collector/discovery/discovery.h"
#include "collector/discovery/internal/consul_answer.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/fake_resolver.h"
#include "tests/support/mem_fs.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::FakeHttpClient;
using testing::make_response;
using Names = std::vector<std::string>;

HttpResponse indexed(int index, const std::string& body) {
  return make_response(200, body, {{"x-consul-index", std::to_string(index)}});
}

std::string instance(const std::string& node_address, const std::string& address, int port,
                     const std::string& more = "") {
  return R"({"Node":{"Node":"n1","Address":")" + node_address + R"("},"Service":{"ID":"web-)" +
         std::to_string(port) + R"(","Service":"web","Address":")" + address + R"(","Port":)" +
         std::to_string(port) + more + R"(},"Checks":[{"CheckID":"c","Status":"passing"}]})";
}

struct Stage {
  void load(ConsulSdConfig config) {
    JobDiscovery job;
    job.consuls.push_back(std::move(config));
    discovery.load({{"j", std::move(job)}});
    discovery.start();
  }
  // Answers the oldest question that is held and whose URL holds `part`.
  void answer(const std::string& part, Result<HttpResponse> with) {
    for (const FakeHttpClient::Call& call : http.calls()) {
      if (call.answered || call.cancelled || call.request.url.find(part) == std::string::npos)
        continue;
      REQUIRE(http.answer(call.id, std::move(with)));
      return;
    }
    FAIL("nobody asks " << part);
  }
  // URLs of the questions that are held.
  Names asked() const {
    Names out;
    for (const FakeHttpClient::Call& call : http.calls()) {
      if (!call.answered && !call.cancelled) out.push_back(call.request.url);
    }
    return out;
  }
  Names targets() const {
    Names out;
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
  testing::FakeResolver resolver;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  TargetGroups found;
  int told = 0;
  Discovery discovery{
      {fs, http, resolver, scheduler, executor, *log, *telemetry,
       [](const std::string&, std::string_view) -> Result<TargetGroups> { return TargetGroups(); }},
      [this](const std::string&, TargetGroups groups) {
        found = std::move(groups);
        ++told;
      }};
};

ConsulSdConfig at_home() {
  ConsulSdConfig c;
  c.server = "consul:8500";
  c.datacenter = "home";
  return c;
}

TEST_CASE("what an instance is called, with all its labels") {
  const auto groups = read_consul_instances(
      R"([{"Node":{"ID":"x","Node":"host-1","Address":"10.0.0.1","Datacenter":"home",
          "TaggedAddresses":{"lan":"10.0.0.1","wan-v4":"1.2.3.4"},"Meta":{"rack.no":"7"}},
          "Service":{"ID":"web1","Service":"web","Tags":["v1","eu"],"Address":"10.0.0.9","Port":8080,
          "Meta":{"version":"2"},"Namespace":"ns","Partition":"p"},
          "Checks":[{"CheckID":"a","Status":"passing"},{"CheckID":"b","Status":"warning"}]}])",
      "web", "home", ",");
  REQUIRE_MESSAGE(groups, (groups ? "" : groups.error().what()));
  REQUIRE(groups->size() == 1);
  CHECK(groups->at(0).targets == Names{"10.0.0.9:8080"});
  CHECK(groups->at(0).labels ==
        std::map<std::string, std::string>{{"__meta_consul_address", "10.0.0.1"},
                                           {"__meta_consul_dc", "home"},
                                           {"__meta_consul_health", "warning"},
                                           {"__meta_consul_metadata_rack_no", "7"},
                                           {"__meta_consul_namespace", "ns"},
                                           {"__meta_consul_node", "host-1"},
                                           {"__meta_consul_partition", "p"},
                                           {"__meta_consul_service", "web"},
                                           {"__meta_consul_service_address", "10.0.0.9"},
                                           {"__meta_consul_service_id", "web1"},
                                           {"__meta_consul_service_metadata_version", "2"},
                                           {"__meta_consul_service_port", "8080"},
                                           {"__meta_consul_tagged_address_lan", "10.0.0.1"},
                                           {"__meta_consul_tagged_address_wan_v4", "1.2.3.4"},
                                           {"__meta_consul_tags", ",v1,eu,"}});
}

TEST_CASE("the address of the node stands in for one that is missing; IPv6 has its brackets") {
  const auto groups = read_consul_instances(
      "[" + instance("10.0.0.1", "", 80) + "," + instance("fe80::1", "", 81) + "]", "web", "d",
      ";");
  REQUIRE(groups);
  CHECK(groups->at(0).targets == Names{"10.0.0.1:80"});
  CHECK(groups->at(1).targets == Names{"[fe80::1]:81"});
  CHECK(groups->at(0).labels.at("__meta_consul_tags") == ";;");
}

TEST_CASE("health is that of the worst check, and maintenance is worse") {
  const auto health = [](const std::string& checks) {
    const auto groups = read_consul_instances(
        R"([{"Node":{},"Service":{},"Checks":[)" + checks + "]}]", "s", "d", ",");
    REQUIRE(groups);
    return groups->at(0).labels.at("__meta_consul_health");
  };
  const std::string passing = R"({"Status":"passing"})", warning = R"({"Status":"warning"})",
                    critical = R"({"Status":"critical"})";
  CHECK(health("") == "passing");
  CHECK(health(passing) == "passing");
  CHECK(health(passing + "," + warning) == "warning");
  CHECK(health(critical + "," + warning) == "critical");
  CHECK(health(critical + R"(,{"CheckID":"_node_maintenance","Status":"critical"})") ==
        "maintenance");
  CHECK(health(R"({"CheckID":"_service_maintenance:web1","Status":"critical"})") == "maintenance");
  CHECK(health(passing + R"(,{"Status":"odd"})").empty());
}

TEST_CASE("what is no answer of Consul is refused") {
  for (const char* text : {"", "{}", "[1]", R"([{"Node":{}}])"}) {
    CHECK_FALSE(read_consul_instances(text, "s", "d", ","));
  }
  CHECK_FALSE(read_consul_services("[]"));
  CHECK_FALSE(read_consul_datacenter(R"({"Config":{}})"));
}

TEST_CASE("all services, each watched by a blocking query; news is told at the interval") {
  Stage s;
  ConsulSdConfig c = at_home();
  c.token = "secret";
  s.load(c);
  CHECK(s.asked() == Names{"http://consul:8500/v1/catalog/services?dc=home&stale=&wait=120000ms"});
  const HttpRequest request = s.http.calls().at(0).request;
  CHECK(request.headers.back() == std::pair<std::string, std::string>{"X-Consul-Token", "secret"});
  CHECK(request.timeout > Duration(127'500));
  s.answer("/catalog/", indexed(10, R"({"web":["a"],"a b":[]})"));
  REQUIRE(s.asked().size() == 2);
  CHECK(s.asked()[0] == "http://consul:8500/v1/health/service/a%20b?dc=home&stale=&wait=120000ms");
  s.answer("/service/web", indexed(11, "[" + instance("10.0.0.1", "", 80) + "]"));
  CHECK(s.told == 0);  // the other has not been heard
  s.answer("/service/a%20b", indexed(12, "[]"));
  CHECK(s.told == 1);
  CHECK(s.targets() == Names{"10.0.0.1:80"});
  CHECK(s.asked().empty());
  s.scheduler.run_for(Duration(30'000));
  REQUIRE(s.asked().size() == 3);
  CHECK(s.asked()[0].ends_with("&index=10&wait=120000ms"));
  CHECK(s.asked()[2].ends_with("&index=11&wait=120000ms"));
  s.answer("/service/web", indexed(13, "[" + instance("10.0.0.2", "", 80) + "," +
                                           instance("10.0.0.1", "", 80) + "]"));
  CHECK(s.targets() == Names{"10.0.0.1:80", "10.0.0.2:80"});
  CHECK(s.told == 2);
  // The others go on waiting; only this one is asked anew.
  s.scheduler.run_for(Duration(30'000));
  CHECK(s.asked().size() == 3);
  s.answer("/service/web", indexed(13, "no news, and so not read"));
  CHECK(s.status().errors.empty());
  CHECK(s.told == 2);
  // A change between two rounds is told in the next.
  s.answer("/service/a%20b", indexed(14, "[" + instance("10.0.0.3", "", 90) + "]"));
  CHECK(s.told == 2);
  s.scheduler.run_for(Duration(30'000));
  CHECK(s.told == 3);
  CHECK(s.targets().size() == 3);
}

TEST_CASE("a service that goes takes its targets and its query with it, a new one comes whole") {
  Stage s;
  s.load(at_home());
  s.answer("/catalog/", indexed(1, R"({"old":[]})"));
  s.answer("/service/old", indexed(2, "[" + instance("10.0.0.1", "", 80) + "]"));
  s.scheduler.run_for(Duration(30'000));
  s.answer("/catalog/", indexed(3, R"({"new":[]})"));
  CHECK(s.told == 1);
  CHECK(s.asked() ==
        Names{"http://consul:8500/v1/health/service/new?dc=home&stale=&wait=120000ms"});
  s.answer("/service/new", indexed(4, "[" + instance("10.0.0.2", "", 80) + "]"));
  CHECK(s.told == 2);
  CHECK(s.targets() == Names{"10.0.0.2:80"});
}

TEST_CASE("services by name need no catalog; by tags they do, and are asked for by tag") {
  Stage named;
  ConsulSdConfig c = at_home();
  c.services = {"b", "a"};
  c.node_meta = {{"rack", "1"}};
  c.allow_stale = false;
  c.ns = "team";
  named.load(c);
  CHECK(
      named.asked() ==
      Names{
          "http://consul:8500/v1/health/service/a?dc=home&ns=team&node-meta=rack%3A1&wait=120000ms",
          "http://consul:8500/v1/health/service/"
          "b?dc=home&ns=team&node-meta=rack%3A1&wait=120000ms"});
  Stage tagged;
  c = at_home();
  c.tags = {"x", "y"};
  c.services = {"one", "two", "three"};
  tagged.load(c);
  tagged.answer("/catalog/", indexed(1, R"({"one":["x"],"two":["y","x","z"],"four":["x","y"]})"));
  CHECK(tagged.asked() ==
        Names{"http://consul:8500/v1/health/service/two?dc=home&stale=&tag=x&tag=y&wait=120000ms"});
}

TEST_CASE("without a datacenter the agent says where it is") {
  Stage s;
  ConsulSdConfig c = at_home();
  c.datacenter.clear();
  c.scheme = "https";
  c.path_prefix = "/consul";
  c.services = {"web"};
  s.load(c);
  CHECK(s.asked() == Names{"https://consul:8500/consul/v1/agent/self"});
  s.answer("/agent/self", make_response(200, R"({"Config":{"Datacenter":"far"}})"));
  s.answer("/service/web?dc=far", indexed(5, "[" + instance("10.0.0.1", "", 80) + "]"));
  CHECK(s.found.at(0).labels.at("__meta_consul_dc") == "far");
}

TEST_CASE("what fails is named, keeps its targets and is asked again at the interval") {
  Stage s;
  ConsulSdConfig c = at_home();
  c.services = {"web"};
  s.load(c);
  s.answer("/service/web", indexed(5, "[" + instance("10.0.0.1", "", 80) + "]"));
  s.scheduler.run_for(Duration(30'000));
  s.answer("/service/web", make_response(403, "Permission denied\n"));
  CHECK(s.targets() == Names{"10.0.0.1:80"});
  REQUIRE(s.status().errors.size() == 1);
  CHECK(s.status().errors[0] ==
        "consul:8500/v1/health/service/web: HTTP status 403: Permission denied");
  // From the beginning: an answer comes at once, and with it the end of the error.
  s.scheduler.run_for(Duration(30'000));
  CHECK(s.asked().at(0).ends_with("?dc=home&stale=&wait=120000ms"));
  s.answer("/service/web", Error(ErrorCode::kUnavailable, "refused"));
  CHECK(s.status().failures == 2);
  s.scheduler.run_for(Duration(30'000));
  s.answer("/service/web", indexed(5, "[" + instance("10.0.0.2", "", 80) + "]"));
  CHECK(s.targets() == Names{"10.0.0.2:80"});
  CHECK(s.status().errors.empty());
  // An index that goes back is forgotten.
  s.scheduler.run_for(Duration(30'000));
  CHECK(s.asked().at(0).ends_with("&index=5&wait=120000ms"));
  s.answer("/service/web", indexed(3, "[]"));
  CHECK(s.targets().empty());
  s.scheduler.run_for(Duration(30'000));
  CHECK(s.asked().at(0).ends_with("?dc=home&stale=&wait=120000ms"));
}

TEST_CASE("a token that stands in a file is read for every question, and a missing one is named") {
  Stage s;
  ConsulSdConfig c = at_home();
  c.services = {"web"};
  c.token_file = "/etc/token";
  s.load(c);
  CHECK(s.asked().empty());
  REQUIRE(s.status().errors.size() == 1);
  CHECK(s.status().errors[0].starts_with("token_file: "));
  CHECK(s.status().errors[0].find("/etc/token") != std::string::npos);
  s.fs.put("/etc/token", "one\n");
  const auto token = [&] {
    const HttpRequest request = s.http.calls().back().request;
    const auto at = std::find_if(request.headers.begin(), request.headers.end(),
                                 [](const auto& one) { return one.first == "X-Consul-Token"; });
    return at == request.headers.end() ? std::string() : at->second;
  };
  s.scheduler.run_for(Duration(30'000));
  CHECK(token() == "one");
  s.answer("/service/web", indexed(5, "[" + instance("10.0.0.1", "", 80) + "]"));
  CHECK(s.status().errors.empty());
  s.fs.put("/etc/token", "two");
  s.scheduler.run_for(Duration(30'000));
  CHECK(token() == "two");
  s.answer("/service/web", indexed(6, "[" + instance("10.0.0.2", "", 80) + "]"));
  // Without it nothing is asked, and what is known stays.
  REQUIRE(s.fs.remove("/etc/token"));
  const std::size_t before = s.http.call_count();
  s.scheduler.run_for(Duration(30'000));
  CHECK(s.http.call_count() == before);
  CHECK(s.status().errors.size() == 1);
  CHECK(s.targets() == Names{"10.0.0.2:80"});
  // Another file is another source.
  c.token_file = "/etc/other";
  s.fs.put("/etc/other", "three");
  s.load(c);
  CHECK(token() == "three");
}

TEST_CASE("a source that is configured no more calls off its questions") {
  Stage s;
  s.load(at_home());
  CHECK(s.http.held_count() == 1);
  s.discovery.load({});
  CHECK(s.http.held_count() == 0);
}

}  // namespace
}  // namespace nines::collector
