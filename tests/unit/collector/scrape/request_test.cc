// What a scrape's options make of its request.
#include <doctest/doctest.h>

#include "collector/scrape/internal/scrape_target.h"

namespace nines::collector {
namespace {

HttpRequest request_of(ScrapeConfig config, const std::string& address = "example.org:1") {
  config.job_name = "j";
  config.static_configs = {{{address}, {}}};
  return targets_of(std::make_shared<const ScrapeConfig>(std::move(config)), {})
      .targets.at(0)
      .request();
}

std::string header(const HttpRequest& request, std::string_view name) {
  for (const auto& [n, value] : request.headers) {
    if (n == name) return value;
  }
  return {};
}

TEST_CASE("options of the connection go into the request") {
  ScrapeConfig c;
  c.follow_redirects = false;
  c.enable_http2 = false;
  c.tls.verify = false;
  c.proxy.url = "http://proxy:3128";
  c.tls.files = {"/ca", "/cert", "/key"};
  c.http_headers = {{"X-A", "b"}};
  c.authorization_type = "Token";
  c.bearer_token = "t";
  const HttpRequest r = request_of(c);
  CHECK_FALSE(r.follow_redirects);
  CHECK_FALSE(r.http2);
  CHECK_FALSE(r.tls.verify);
  CHECK(r.proxy.url == "http://proxy:3128");
  CHECK(r.tls.files.ca == "/ca");
  CHECK(r.tls.files.cert == "/cert");
  CHECK(r.tls.files.key == "/key");
  CHECK(header(r, "X-A") == "b");
  CHECK(header(r, "Authorization") == "Token t");
  const HttpRequest plain = request_of({});
  CHECK(plain.follow_redirects);
  CHECK(plain.http2);
  CHECK(plain.tls.verify);
}

TEST_CASE("near addresses are asked for plain text, others may compress, and the option wins") {
  for (const char* near :
       {"127.0.0.1:9100", "localhost:1", "10.1.2.3", "192.168.0.1:80", "172.16.0.1",
        "172.31.255.1:1", "[::1]:9100", "[fd00::1]:1", "169.254.0.1"}) {
    CAPTURE(near);
    CHECK(header(request_of({}, near), "Accept-Encoding") == "identity");
  }
  for (const char* far : {"example.org:1", "8.8.8.8:1", "172.32.0.1", "11.0.0.1", "[2001:db8::1]:1",
                          "10.example.org", "127.0.0.1.example.org"}) {
    CAPTURE(far);
    CHECK(header(request_of({}, far), "Accept-Encoding").empty());
  }
  ScrapeConfig c;
  c.enable_compression = true;
  CHECK(header(request_of(c, "127.0.0.1:1"), "Accept-Encoding").empty());
  c.enable_compression = false;
  CHECK(header(request_of(c, "8.8.8.8:1"), "Accept-Encoding") == "identity");
}

}  // namespace
}  // namespace nines::collector
