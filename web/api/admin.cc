// /api/v1/admin/tsdb/*, as Prometheus answers it.
// Source: prometheus.io/docs/prometheus/latest/querying/api, "TSDB Admin APIs".
#include <string>
#include <vector>

#include "web/api/internal/encode.h"
#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"

namespace nines::web {
namespace {

Response done() {
  Response response;
  response.status = 204;
  return response;
}

Response delete_series(const AdminParts& parts, const Request& request) {
  const std::vector<std::string_view> texts = request.all("match[]");
  if (texts.empty()) return failure("bad_data", "no match[] parameter provided");
  const auto from = time_param(request, "start", kEarliest);
  if (!from) return bad_parameter("start", from.error().what());
  const auto to = time_param(request, "end", kLatest);
  if (!to) return bad_parameter("end", to.error().what());
  std::vector<std::vector<Matcher>> sets;
  for (const std::string_view text : texts) {
    Result<std::vector<Matcher>> matchers = parse_selector(text);
    if (!matchers) return bad_parameter("match[]", matchers.error().what());
    sets.push_back(*std::move(matchers));
  }
  if (auto deleted = parts.deleter.delete_series(sets, {*from, *to}); !deleted)
    return failure(deleted.error());
  return done();
}

Response clean(const AdminParts& parts) {
  if (auto cleaned = parts.deleter.clean_deletions(); !cleaned) return failure(cleaned.error());
  return done();
}

}  // namespace

void add_admin(Router& router, const AdminParts& parts) {
  const auto add = [&](const std::string& name, Handler handler) {
    const Handler guarded =
        same_origin_only([enabled = parts.enabled, handler](const Request& request) {
          return enabled ? handler(request) : failure("unavailable", "admin APIs disabled");
        });
    for (const char* method : {"POST", "PUT"})
      router.add(method, "/api/v1/admin/tsdb/" + name, Pool::kSlow, guarded);
  };
  add("delete_series", [parts](const Request& r) { return delete_series(parts, r); });
  add("clean_tombstones", [parts](const Request&) { return clean(parts); });
  add("snapshot", [](const Request&) {
    return failure(
        "unavailable",
        "a snapshot would not fit the budget: `nines backup DIR` copies a running folder");
  });
}

}  // namespace nines::web
