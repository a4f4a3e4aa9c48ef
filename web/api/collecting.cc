// /api/nines/v1/discovery: where targets come from, and how that goes; targets/scrape: one of them now.
#include <string>

#include "web/api/internal/encode.h"
#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"
#include "web/api/internal/native_encode.h"

namespace nines::web {
namespace {

Response list_sources(const ApiParts& parts) {
  JsonWriter json;
  json.begin_object().key("sources").begin_array();
  for (const collector::SourceStatus& source : parts.discovery.status()) {
    json.begin_object()
        .field("pool", source.pool)
        .field("kind", source.kind)
        .field("source", source.what)
        .field("targets", source.targets)
        .field("failures", source.failures);
    json.key("last_refresh");
    write_time_or_null(json, source.last_refresh);
    json.key("last_success");
    write_time_or_null(json, source.last_success);
    json.key("errors").begin_array();
    for (const std::string& error : source.errors) json.value(error);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return json_response(200, json.take());
}

// Scrapes or probes out of turn and answers what came of it.
Response scrape_now(const ApiParts& parts, const Request& request) {
  const std::string pool(request.param("pool"));
  const std::string target(request.param("target"));
  if (target.empty()) {
    return native_error(Error(ErrorCode::kInvalid,
                              "`target` is missing: give the URL or the instance of a target, and "
                              "`pool` where several jobs have it"));
  }
  Result<collector::TargetStatus> status = parts.scraper.scrape_now(pool, target);
  if (!status && status.error().code() == ErrorCode::kNotFound) {
    status = parts.prober.turn_now(pool, target);
  }
  if (!status) return native_error(status.error());
  JsonWriter json;
  json.begin_object().key("target");
  write_target(json, *status);
  json.end_object();
  return json_response(200, json.take());
}

}  // namespace

void add_collecting(Router& router, const Parts& parts) {
  router.add("GET", "/api/nines/v1/discovery", Pool::kFast,
             [parts](const Request&) { return list_sources(*parts); });
  router.add("POST", "/api/nines/v1/targets/scrape", Pool::kWaiting,
             same_origin_only([parts](const Request& r) { return scrape_now(*parts, r); }));
}

}  // namespace nines::web
