#include "app/server/internal/flags.h"

#include <algorithm>
#include <map>
#include <string>

#include "doctest/doctest.h"

namespace nines::app {
namespace {

std::map<std::string, std::string> flags_of(const config::Config& config) {
  const auto flags = prometheus_flags(config);
  std::map<std::string, std::string> out(flags.begin(), flags.end());
  REQUIRE(out.size() == flags.size());  // each once
  return out;
}

TEST_CASE("flags are sorted by name, each once, and none is without a value") {
  const auto flags = prometheus_flags({});
  CHECK(std::is_sorted(flags.begin(), flags.end()));
  for (const auto& row : flags) {
    const auto& name = row.first;
    const auto& value = row.second;
    CAPTURE(name);
    if (name != "config.file" && name != "storage.tsdb.path" && name != "web.external-url")
      CHECK(!value.empty());
  }
}

TEST_CASE("the flags that clients read have Prometheus's names and forms") {
  const auto usual = flags_of({});
  CHECK(usual.at("query.lookback-delta") == "5m");
  CHECK(usual.at("query.timeout") == "2m");
  CHECK(usual.at("query.max-samples") == "50000000");
  CHECK(usual.at("query.max-concurrency") == "4");
  CHECK(usual.at("query.threads") == "2");
  CHECK(usual.at("storage.tsdb.retention.time") == "0s");
  CHECK(usual.at("web.enable-admin-api") == "false");
  CHECK(usual.at("web.route-prefix") == "/");
  CHECK(usual.at("agent") == "false");
}

TEST_CASE("flags have the values in force") {
  config::Config config;
  config.file = "/etc/nines/nines.toml";
  config.promql.lookback_delta = Duration(90'000);
  config.promql.timeout = Duration(1'500);
  config.promql.samples_max = 7;
  config.promql.series_max = 8;
  config.promql.points_max = 9;
  config.promql.depth_max = 10;
  config.promql.threads = 3;
  config.web.slow_workers = 11;
  config.web.connections_max = 12;
  config.admin_api = true;
  config.external_url = "https://nines.example/";
  const auto flags = flags_of(config);
  CHECK(flags.at("config.file") == "/etc/nines/nines.toml");
  CHECK(flags.at("query.lookback-delta") == "1m30s");
  CHECK(flags.at("query.timeout") == "1s500ms");
  CHECK(flags.at("query.max-samples") == "7");
  CHECK(flags.at("query.max-series") == "8");
  CHECK(flags.at("query.max-points") == "9");
  CHECK(flags.at("query.max-depth") == "10");
  CHECK(flags.at("query.threads") == "3");
  CHECK(flags.at("query.max-concurrency") == "11");
  CHECK(flags.at("web.max-connections") == "12");
  CHECK(flags.at("web.enable-admin-api") == "true");
  CHECK(flags.at("web.external-url") == "https://nines.example/");
}

}  // namespace
}  // namespace nines::app
