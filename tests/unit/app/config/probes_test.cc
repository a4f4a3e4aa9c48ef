#include <doctest/doctest.h>

#include "app/config/config.h"
#include "tests/support/mem_fs.h"

namespace nines::config {
namespace {

struct Stage {
  Result<Config> load(const std::string& toml) {
    fs.put("/etc/nines/nines.toml", toml);
    return load_file(fs, "/etc/nines/nines.toml");
  }
  std::string mistake(const std::string& toml) {
    const auto config = load(toml);
    return config ? "" : config.error().what();
  }
  testing::MemFs fs;
};

constexpr const char* kJob = "[[probe_configs]]\njob_name = \"a\"\n";

TEST_CASE("modules come from TOML, from blackbox_exporter's file, and are there by themselves") {
  Stage s;
  s.fs.put("/etc/nines/blackbox.yml",
           "modules:\n  ping: {prober: icmp, icmp: {ttl: 3}}\n  http_2xx: {prober: http, http: "
           "{method: HEAD}}\n");
  const auto config = s.load(R"(
[probes]
module_files = ["blackbox.yml"]
max_concurrent = 7
timeout_offset = "1s"
[probes.modules.dns]
prober = "dns"
dns = { query_name = "nines.test", query_type = "A" }
[[probe_configs]]
job_name = "a"
module = "ping"
static_configs = [{ targets = ["127.0.0.1"] }]
[[probe_configs]]
job_name = "b"
static_configs = [{ targets = ["http://127.0.0.1"] }]
http = { valid_status_codes = [204], insecure_skip_verify = true }
[[probe_configs]]
job_name = "c"
module = "dns"
static_configs = [{ targets = ["127.0.0.1:53"] }]
)");
  REQUIRE_MESSAGE(config, config.error().what());
  CHECK(config->probe_options.max_concurrent == 7);
  CHECK(config->probe_options.timeout_offset == Duration(1000));
  REQUIRE(config->probes.size() == 3);
  CHECK(config->probes[0].definition->icmp.ttl == 3);
  CHECK(config->probes[1].definition->http.method == "HEAD");
  CHECK(config->probes[1].definition->http.expect.valid_status_codes == std::vector<int>{204});
  CHECK_FALSE(config->probes[1].definition->http.access.tls.verify);
  CHECK(config->probes[2].definition->dns.query_name == "nines.test");
  CHECK(config->probes[1].definition->fingerprint !=
        config->probe_modules.at("http_2xx")->fingerprint);
}

TEST_CASE("a mistake in probes names its file, line and remedy") {
  Stage s;
  const std::string targets = "static_configs = [{ targets = [\"http://x\"] }]\n";
  CHECK(s.mistake(kJob + targets + "module = \"htp_2xx\"\n").find("did you mean \"http_2xx\"?") !=
        std::string::npos);
  CHECK(s.mistake(kJob + targets + "http = { metod = \"GET\" }\n")
            .find(":4:18: unknown key `metod` in `http`; did you mean `method`?") !=
        std::string::npos);
  CHECK(s.mistake("[probes]\nmax_concurrent = 0\n").find("1 to 10000") != std::string::npos);
  CHECK(s.mistake("[probes]\nmax_concurrent = 10001\n").find("1 to 10000") != std::string::npos);
  CHECK(s.mistake("[probes]\nmax_concurrent = 10000\n") == "");
  CHECK(s.mistake("[probes]\nmax_scheduled = 0\n").find("`max_scheduled` in [probes] must be 1 to 10000") !=
        std::string::npos);
  CHECK(s.mistake("[probes]\nmax_scheduled = 10001\n").find("1 to 10000") != std::string::npos);
  CHECK(s.mistake("[probes]\nmax_scheduled = 10000\n") == "");
  CHECK(s.mistake("[probes]\nmodule_files = [\"no.yml\"]\n").find("cannot read \"no.yml\"") !=
        std::string::npos);
  s.fs.put("/etc/nines/b.yml", "modules:\n  a:\n    prober: nothing\n");
  CHECK(s.mistake("[probes]\nmodule_files = [\"b.yml\"]\n").find("b.yml:3:13: `prober`") !=
        std::string::npos);
  CHECK(s.mistake("[probes.modules.x]\nprober = \"scenario\"\n").find("`steps`") !=
        std::string::npos);
}

}  // namespace
}  // namespace nines::config
