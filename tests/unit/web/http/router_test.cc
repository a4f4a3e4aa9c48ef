#include <doctest/doctest.h>

#include "web/http/http.h"

namespace nines::web {
namespace {

Handler says(std::string text) {
  return [text](const Request&) { return text_response(200, text); };
}

std::string body_at(const Router& router, std::string_view method, std::string_view path) {
  const Router::Match match = router.find(method, path);
  return match.handler == nullptr ? "" : (*match.handler)({}).body;
}

TEST_CASE("an exact path wins over a prefix, a longer prefix over a shorter one") {
  Router router;
  router.add("GET", "/a/*", Pool::kFast, says("short"));
  router.add("GET", "/a/b/*", Pool::kSlow, says("long"));
  router.add("GET", "/a/b/c", Pool::kFast, says("exact"));
  CHECK(body_at(router, "GET", "/a/x") == "short");
  CHECK(body_at(router, "GET", "/a/b/x") == "long");
  CHECK(body_at(router, "GET", "/a/b/c") == "exact");
  CHECK(router.find("GET", "/a/b/x").pool == Pool::kSlow);
  CHECK(body_at(router, "GET", "/a").empty());
}

TEST_CASE("a known path with another method names the methods it has; an unknown path none") {
  Router router;
  router.add("GET", "/q", Pool::kFast, says("get"));
  router.add("POST", "/q", Pool::kFast, says("post"));
  CHECK(router.find("DELETE", "/q").allow == "GET, HEAD, POST, OPTIONS");
  CHECK(router.find("GET", "/q").allow.empty());
  CHECK(router.find("GET", "/other").allow.empty());
  CHECK(router.routes().size() == 2);
}

TEST_CASE("a request gives the first of equal parameters, and all of them in order") {
  Request request;
  request.params = {{"match[]", "a"}, {"x", "1"}, {"match[]", "b"}, {"empty", ""}};
  CHECK(request.param("match[]") == "a");
  CHECK(request.all("match[]") == std::vector<std::string_view>{"a", "b"});
  CHECK(request.has_param("empty"));
  CHECK_FALSE(request.has_param("none"));
}

}  // namespace
}  // namespace nines::web
