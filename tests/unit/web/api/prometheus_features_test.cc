#include <doctest/doctest.h>

#include "base/text/json.h"
#include "tests/unit/web/api/ask.h"
#include "web/api/internal/families.h"

namespace nines::web {
namespace {

TEST_CASE(
    "features are a map of categories to names that are there or not, every function among them") {
  Router router;
  add_prometheus_features(router);
  const testing::Ask ask{router};
  const Response r = ask.get("/api/v1/features");
  CHECK(r.status == 200);
  const auto has = [&](std::string_view text) { return r.body.find(text) != std::string::npos; };
  CHECK(has(R"({"status":"success","data":{"api":{)"));
  CHECK(has(R"("promql_functions":{"abs":true,)"));
  for (const std::string_view function : promql::function_names()) {
    CHECK_MESSAGE(has("\"" + std::string(function) + "\":true"), function);
  }
  CHECK(has(R"("per_step_stats":true)"));
  CHECK(has(R"("admin":false)"));
  CHECK_FALSE(has("kubernetes"));
}

}  // namespace
}  // namespace nines::web
