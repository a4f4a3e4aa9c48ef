#include <doctest/doctest.h>

#include "tests/unit/web/api/ask.h"
#include "web/api/internal/families.h"
#include "web/ui/assets.h"

namespace nines::web {
namespace {

struct Page {
  Page() { add_page(router); }
  Router router;
  testing::Ask ask{router};
};

std::string header_of(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

TEST_CASE("the page answers on the paths it draws, and on no other") {
  Page page;
  for (const char* path :
       {"/", "/slos", "/slos/a/b", "/alerts", "/incidents", "/incidents/x", "/remediation",
        "/explore", "/logs", "/targets", "/rules", "/status", "/query"}) {
    CHECK_MESSAGE(page.ask.get(path).status == 200, path);
  }
  // Grafana takes a 200 at the first of these for another product.
  for (const char* path : {"/alertmanager/api/v2/status", "/api", "/x", "/slosx", "/assets/none"}) {
    CHECK_MESSAGE(page.ask.get(path).status == 404, path);
  }
}

TEST_CASE("a browser that has the file already gets 304") {
  Page page;
  const Response first = page.ask.get("/");
  const std::string etag = header_of(first, "ETag");
  REQUIRE_FALSE(etag.empty());
  CHECK(header_of(first, "Cache-Control") == "no-cache");
  for (const std::string& tags : {etag, "W/" + etag, "\"other\", " + etag}) {
    const Response again = page.ask("GET", "/", {}, {}, {{"if-none-match", tags}});
    CHECK(again.status == 304);
    CHECK(again.static_body.empty());
  }
  CHECK(page.ask("GET", "/", {}, {}, {{"if-none-match", "\"other\""}}).status == 200);
}

TEST_CASE("files whose names change with their content may be kept for ever, and come compressed") {
  Page page;
  for (const Asset& asset : ui_assets()) {
    if (!asset.immutable || asset.gzip.empty()) continue;
    const Response r =
        page.ask("GET", std::string(asset.path), {}, {}, {{"accept-encoding", "br, gzip"}});
    CHECK(header_of(r, "Cache-Control") == "public, max-age=31536000, immutable");
    CHECK(header_of(r, "Content-Encoding") == "gzip");
    CHECK(r.static_body.data() == asset.gzip.data());
    CHECK(page.ask.get(std::string(asset.path)).static_body.data() == asset.raw.data());
  }
}

TEST_CASE("links of Prometheus's old page lead to the query on ours") {
  Page page;
  const Response r = page.ask.get("/graph", {{"g0.expr", "up == 0"}, {"g0.tab", "1"}});
  CHECK(r.status == 302);
  CHECK(header_of(r, "Location") == "/explore?q=up%20%3D%3D%200");
  CHECK(header_of(page.ask.get("/graph"), "Location") == "/explore");
}

}  // namespace
}  // namespace nines::web
