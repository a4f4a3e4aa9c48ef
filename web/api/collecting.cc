// /api/nines/v1/discovery: where targets come from, and how that goes.
#include "web/api/internal/encode.h"
#include "web/api/internal/families.h"
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

}  // namespace

void add_collecting(Router& router, const Parts& parts) {
  router.add("GET", "/api/nines/v1/discovery", Pool::kFast,
             [parts](const Request&) { return list_sources(*parts); });
}

}  // namespace nines::web
