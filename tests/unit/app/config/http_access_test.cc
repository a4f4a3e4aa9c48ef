// Getting at things over HTTP, and Consul, as they stand in a file.
#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "app/config/config.h"
#include "base/fs/fs.h"
#include "base/net/oauth2.h"
#include "tests/support/mem_fs.h"

namespace nines::config {
namespace {

const std::string kJob = "[[scrape_configs]]\njob_name = \"a\"\n";
const std::string kTargets = "static_configs = [{ targets = [\"a:1\"] }]\n";

Result<Config> read(const std::string& text) {
  testing::MemFs fs;
  REQUIRE(fs.make_dirs("/etc/nines"));
  REQUIRE(write_file_atomically(fs, "/etc/nines/secret", "from file\n"));
  return load_text(fs, "/etc/nines/n.toml", text);
}

std::string problem(const std::string& lines) {
  const auto config = read(kJob + kTargets + lines);
  return config ? "" : config.error().what();
}

TEST_CASE("oauth2 and all of tls_config, of a scrape, of discovery and of remote write") {
  const std::string oauth2 =
      "oauth2 = { client_id = \"me\", client_secret_file = \"secret\", token_url = "
      "\"https://id/t\", "
      "scopes = [\"a\", \"b\"], endpoint_params = { audience = \"x\" }, proxy_url = "
      "\"http://p:1\", "
      "tls_config = { ca_file = \"id.pem\", server_name = \"id.local\", min_version = \"TLS13\" } "
      "}\n";
  const auto config = read(kJob + kTargets + oauth2 +
                           "tls_config = { server_name = \"shop.local\", min_version = \"TLS12\", "
                           "max_version = \"TLS13\" }\n"
                           "[[scrape_configs]]\njob_name = "
                           "\"b\"\n[[scrape_configs.http_sd_configs]]\nurl = \"http://sd/\"\n" +
                           oauth2 + "[[remote_write]]\nurl = \"http://w/\"\n" + oauth2);
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  const collector::ScrapeConfig& s = config->scrapes.at(0);
  CHECK(s.tls.server_name == "shop.local");
  CHECK(s.tls.min_version == "TLS12");
  CHECK(s.tls.max_version == "TLS13");
  for (const collector::HttpAccess* access :
       {static_cast<const collector::HttpAccess*>(&s),
        &config->scrapes.at(1).discovery.https.at(0).access, &config->remote_writes.at(0).access}) {
    REQUIRE(access->oauth2);
    const OAuth2Config& o = *access->oauth2;
    CHECK(o.client_id == "me");
    CHECK(o.client_secret.empty());
    CHECK(o.client_secret_file == "/etc/nines/secret");
    CHECK(o.token_url == "https://id/t");
    CHECK(o.scopes == std::vector<std::string>{"a", "b"});
    CHECK(o.endpoint_params == std::map<std::string, std::string>{{"audience", "x"}});
    CHECK(o.proxy.secure_url == "http://p:1");
    CHECK(o.tls.files.ca == "/etc/nines/id.pem");
    CHECK(o.tls.server_name == "id.local");
    CHECK(o.tls.min_version == "TLS13");
    CHECK(o.tls.verify);
  }
}

TEST_CASE("secrets in files are read when they are used; proxies have exceptions and headers") {
  const auto one = [](const std::string& lines) {
    const auto config = read(kJob + kTargets + lines);
    REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
    return config->scrapes.at(0);
  };
  const auto basic = one("basic_auth = { username = \"u\", password_file = \"secret\" }\n");
  CHECK(basic.basic_auth_password.empty());
  CHECK(basic.basic_auth_password_file == "/etc/nines/secret");
  CHECK(one("authorization = { credentials_file = \"secret\" }\n").bearer_token_file ==
        "/etc/nines/secret");
  CHECK(problem("authorization = { credentials_file = \"none\" }\n").find("cannot read") !=
        std::string::npos);
  const auto proxied = one(
      "proxy_url = \"http://p:1\"\nno_proxy = \"a.example,10.0.0.0/8\"\n"
      "proxy_connect_header = { X-One = \"1\", X-Two = [\"2\", \"3\"] }\n");
  CHECK(proxied.proxy.url == "http://p:1");
  CHECK(proxied.proxy.except == "a.example,10.0.0.0/8,localhost,127.0.0.0/8,::1");
  CHECK(proxied.proxy.connect_headers == HttpHeaders{{"X-One", "1"}, {"X-Two", "2"}, {"X-Two", "3"}});
  CHECK(one("proxy_url = \"http://p:1\"\n").proxy.except.empty());
  CHECK(one("proxy_url = \"http://p:1\"\nno_proxy = \"*\"\n").proxy.except == "*");
  ::setenv("HTTPS_PROXY", "http://secure:2", 1);
  ::setenv("HTTP_PROXY", "", 1);
  ::setenv("http_proxy", "http://plain:1", 1);
  ::setenv("NO_PROXY", "b.example", 1);
  const auto around = one("proxy_from_environment = true\n");
  CHECK(around.proxy.url == "http://plain:1");
  CHECK(around.proxy.secure_url == "http://secure:2");
  CHECK(around.proxy.except == "b.example,localhost,127.0.0.0/8,::1");
  CHECK(one("").proxy.empty());
  for (const char* name : {"HTTPS_PROXY", "HTTP_PROXY", "http_proxy", "NO_PROXY"}) ::unsetenv(name);
  CHECK(problem("no_proxy = \"a\"\n").find(":4:12: `no_proxy` needs `proxy_url`") !=
        std::string::npos);
  CHECK(problem("proxy_from_environment = true\nproxy_url = \"http://p:1\"\n")
            .find("keep one of them") != std::string::npos);
  CHECK(problem("proxy_connect_header = { A = \"b\" }\n").find("`proxy_connect_header` needs") !=
        std::string::npos);
  CHECK(problem("proxy_url = \"http://p:1\"\nproxy_connect_header = { A = 1 }\n")
            .find("must be a string") != std::string::npos);
}

TEST_CASE("mistakes in oauth2 and tls_config are named with their place and what helps") {
  CHECK(problem("oauth2 = { client_id = \"a\", client_secret = \"b\" }\n") ==
        "/etc/nines/n.toml:4:10: `token_url` is missing in oauth2");
  CHECK(problem("oauth2 = { client_id = \"a\", token_url = \"https://t/\" }\n")
            .find("give it, or `client_secret_file`") != std::string::npos);
  CHECK(problem("oauth2 = { client_secret = \"a\", token_url = \"https://t/\" }\n")
            .find("`client_id` is missing") != std::string::npos);
  CHECK(problem("oauth2 = { client_id = \"a\", client_secret = \"b\", token_url = \"t\" }\n")
            .find(":4:") != std::string::npos);
  CHECK(problem("oauth2 = { client_id = \"a\", client_secret = \"b\", token_url = \"https://t/\", "
                "scope = \"x\" }\n")
            .find("did you mean `scopes`?") != std::string::npos);
  const std::string good =
      "oauth2 = { client_id = \"a\", client_secret = \"b\", token_url = \"https://t/\" }\n";
  CHECK(problem(good).empty());
  CHECK(problem(good + "basic_auth = { username = \"u\", password = \"p\" }\n")
            .find("exclude each other") != std::string::npos);
  CHECK(problem(good + "authorization = { credentials = \"p\" }\n").find("exclude each other") !=
        std::string::npos);
  CHECK(problem("tls_config = { min_version = \"1.2\" }\n").find(":4:") != std::string::npos);
  CHECK(problem("tls_config = { min_version = \"TLS13\", max_version = \"TLS12\" }\n")
            .find("`max_version` must not be older than `min_version`") != std::string::npos);
  CHECK(problem("tls_config = { server_name = \"a:443\" }\n").find("must be a name alone") !=
        std::string::npos);
}

TEST_CASE("secrets of a token's server and of Consul are not shown") {
  const auto config = read(
      kJob +
      "oauth2 = { client_id = \"a\", client_secret = \"hidden1\", token_url = \"https://t/\" }\n"
      "consul_sd_configs = [{ server = \"c:1\", token = \"hidden2\" }]\n");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  CHECK(config->toml.find("hidden") == std::string::npos);
  CHECK(config->toml.find("https://t/") != std::string::npos);
}

TEST_CASE("where receivers and remediations have a secret in a file, both are known") {
  const std::string receiver =
      "[[receivers]]\nname = \"r\"\n[[receivers.webhook_configs]]\n";
  testing::MemFs fs;
  REQUIRE(fs.make_dirs("/etc/nines"));
  REQUIRE(write_file_atomically(fs, "/etc/nines/url", "http://page:1/hidden1\n"));
  REQUIRE(write_file_atomically(fs, "/etc/nines/secret", "hidden2\n"));
  REQUIRE(write_file_atomically(fs, "/etc/nines/no-url", "page\n"));
  const auto load = [&](const std::string& text) {
    return load_text(fs, "/etc/nines/n.toml", text);
  };
  const auto config = load("[route]\nreceiver = \"r\"\n" + receiver +
                           "url_file = \"url\"\nsecret_file = \"/etc/nines/secret\"\n"
                           "[[remediations]]\nname = \"x\"\nmatchers = ['alertname=\"a\"']\n"
                           "mode = \"auto\"\n"
                           "action = { webhook = { url_file = \"url\", secret_file = \"secret\" } }\n"
                           "verify = { expr = \"up == 1\" }\n");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  const notify::WebhookConfig& hook = config->notify.receivers.at(0).webhook_configs.at(0);
  CHECK(hook.url == "http://page:1/hidden1");
  CHECK(hook.url_file == "/etc/nines/url");
  CHECK(hook.secret == "hidden2");
  CHECK(hook.secret_file == "/etc/nines/secret");
  const auto& action = config->remediations.at(0).action;
  CHECK(action.url_file == "/etc/nines/url");
  CHECK(action.secret == "hidden2");
  CHECK(action.secret_file == "/etc/nines/secret");
  const auto mistake = [&](const std::string& lines) {
    const auto wrong = load("[route]\nreceiver = \"r\"\n" + receiver + lines);
    return wrong ? "" : wrong.error().what();
  };
  CHECK(mistake("url_file = \"none\"\n").find("/etc/nines/n.toml:6:") != std::string::npos);
  CHECK(mistake("url_file = \"none\"\n").find("cannot read \"none\"") != std::string::npos);
  CHECK(mistake("url = \"http://a/\"\nurl_file = \"url\"\n").find("not both") !=
        std::string::npos);
  CHECK_FALSE(mistake("url_file = \"no-url\"\n").empty());
}

TEST_CASE("every option of Consul is read; what is absent has its default") {
  const auto config = read(kJob + R"(
[[scrape_configs.consul_sd_configs]]
[[scrape_configs.consul_sd_configs]]
server = "consul:8501"
scheme = "https"
path_prefix = "/c/"
token_file = "secret"
datacenter = "dc1"
namespace = "ns"
partition = "p"
services = ["a"]
tags = ["x"]
node_meta = { rack = "1" }
filter = "f"
tag_separator = ";"
allow_stale = false
refresh_interval = "5s"
basic_auth = { username = "u", password = "p" }
tls_config = { ca_file = "ca.pem" }
)");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  const auto& all = config->scrapes.at(0).discovery.consuls;
  REQUIRE(all.size() == 2);
  CHECK(all[0].server == "localhost:8500");
  CHECK(all[0].scheme == "http");
  CHECK(all[0].allow_stale);
  CHECK(all[0].tag_separator == ",");
  CHECK(all[0].refresh_interval == Duration(30'000));
  CHECK(all[1].server == "consul:8501");
  CHECK(all[1].path_prefix == "/c");
  CHECK(all[1].token.empty());
  CHECK(all[1].token_file == "/etc/nines/secret");
  CHECK(all[1].datacenter == "dc1");
  CHECK(all[1].ns == "ns");
  CHECK(all[1].services == std::vector<std::string>{"a"});
  CHECK(all[1].tags == std::vector<std::string>{"x"});
  CHECK(all[1].node_meta == std::map<std::string, std::string>{{"rack", "1"}});
  CHECK_FALSE(all[1].allow_stale);
  CHECK(all[1].access.basic_auth_username == "u");
  CHECK(all[1].access.tls.files.ca == "/etc/nines/ca.pem");
}

TEST_CASE("mistakes in Consul's options are named with their place and what helps") {
  const auto of = [](const std::string& options) {
    return problem("consul_sd_configs = [{ " + options + " }]\n");
  };
  CHECK(of("server = \"http://c:1\"").find("must be host:port alone") != std::string::npos);
  CHECK(of("server = \"\"").find("must be host:port alone") != std::string::npos);
  CHECK(of("scheme = \"ftp\"").find("n.toml:4:") != std::string::npos);
  CHECK(of("path_prefix = \"x\"").find("must begin with /") != std::string::npos);
  CHECK(of("services = [\"\"]").find("empty name") != std::string::npos);
  CHECK(of("refresh_interval = \"10ms\"").find("at least 100ms") != std::string::npos);
  CHECK(of("tokens = \"x\"").find("did you mean `token`?") != std::string::npos);
  CHECK(of("token_file = \"none\"").find("cannot read \"none\"") != std::string::npos);
}

}  // namespace
}  // namespace nines::config
