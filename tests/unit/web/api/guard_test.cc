#include "web/api/internal/guard.h"

#include <doctest/doctest.h>

namespace nines::web {
namespace {

int status_for(std::vector<std::pair<std::string, std::string>> headers) {
  Request request;
  request.headers = std::move(headers);
  request.headers.emplace_back("host", "localhost:9999");
  return same_origin_only([](const Request&) { return text_response(200, ""); })(request).status;
}

TEST_CASE("a page of another site may not change anything; our own page and tools may") {
  CHECK(status_for({}) == 200);  // curl, amtool
  CHECK(status_for({{"origin", "http://localhost:9999"}, {"sec-fetch-site", "same-origin"}}) ==
        200);
  CHECK(status_for({{"sec-fetch-site", "none"}}) == 200);  // typed into the address bar
  CHECK(status_for({{"sec-fetch-site", "cross-site"}}) == 403);
  CHECK(status_for({{"sec-fetch-site", "same-site"}}) == 403);
  CHECK(status_for({{"origin", "http://evil.example"}}) == 403);
  CHECK(status_for({{"origin", "http://localhost:8080"}}) == 403);
  CHECK(status_for({{"origin", "null"}}) == 403);
}

}  // namespace
}  // namespace nines::web
