// What others push: remote write 1.0 and 2.0, OTLP, Pushgateway's API, InfluxDB's line protocol.
#include <string>
#include <utility>

#include "base/text/json.h"
#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"

namespace nines::web {

namespace {

Response data_response(const std::string& data) {
  return json_response(200, R"({"status":"success","data":)" + data + "}");
}

void add_push(Router& router, const Parts& parts) {
  static constexpr std::string_view kRoot = "/metrics/";
  const auto add = [&](const char* method, collector::PushKind kind) {
    const auto push = [parts, kind](const Request& request) {
      const std::string_view key = std::string_view(request.path).substr(kRoot.size());
      const collector::PushAnswer answer = parts->receivers.push.push(
          kind, key, request.header("content-type"), request.header("content-encoding"),
          request.body);
      return text_response(answer.status, answer.text.empty() ? "" : answer.text + "\n");
    };
    for (const char* pattern : {"/metrics/job/*", "/metrics/job@base64/*"})
      router.add(method, pattern, Pool::kFast, same_origin_only(push), BodyUse::kRaw);
  };
  add("PUT", collector::PushKind::kReplaceGroup);
  add("POST", collector::PushKind::kReplaceFamilies);
  add("DELETE", collector::PushKind::kDelete);
  router.add("GET", "/api/v1/metrics", Pool::kFast, [parts](const Request&) {
    return data_response(parts->receivers.push.metrics_json());
  });
  const auto wipe = [parts](const Request&) {
    if (!parts->admin_api)
      return text_response(404, "set `enable_admin_api = true` in [web] to wipe pushed groups\n");
    const Result<void> done = parts->receivers.push.wipe();
    return done ? text_response(202, "") : text_response(503, done.error().what() + "\n");
  };
  router.add("PUT", "/api/v1/admin/wipe", Pool::kFast, same_origin_only(wipe));
}

void add_influx(Router& router, const Parts& parts) {
  const auto write = [parts](const Request& request) {
    const collector::InfluxAnswer answer =
        parts->receivers.influx.take(request.param("db"), request.param("precision"),
                                     request.header("content-encoding"), request.body);
    if (answer.status == 204) return text_response(204, "");
    JsonWriter json;
    json.begin_object().field("error", answer.text).end_object();
    return json_response(answer.status, json.take());
  };
  for (const char* path : {"/write", "/api/v2/write", "/influx/write", "/influx/api/v2/write"})
    router.add("POST", path, Pool::kFast, same_origin_only(write), BodyUse::kRaw);
  // What Telegraf and other clients ask before they write: is anybody there, and may they make a
  // database (there are none to be made).
  for (const char* path : {"/ping", "/influx/ping"})
    router.add("GET", path, Pool::kFast, [](const Request&) { return text_response(204, ""); });
  for (const char* path : {"/query", "/influx/query"}) {
    router.add("POST", path, Pool::kFast, same_origin_only([](const Request&) {
                 return json_response(200, R"({"results":[{"statement_id":0}]})");
               }));
  }
}

}  // namespace

void add_receive(Router& router, const Parts& parts) {
  const auto write = [parts](const Request& request) {
    const collector::RemoteWriteAnswer answer = parts->receivers.remote_write.take(
        request.header("content-type"), request.header("content-encoding"), request.body);
    Response response = text_response(answer.status, answer.text.empty() ? "" : answer.text + "\n");
    if (answer.counted) {
      const std::string prefix = "X-Prometheus-Remote-Write-";
      response.headers.emplace_back(prefix + "Samples-Written", std::to_string(answer.samples));
      response.headers.emplace_back(prefix + "Histograms-Written",
                                    std::to_string(answer.histograms));
      response.headers.emplace_back(prefix + "Exemplars-Written", std::to_string(answer.exemplars));
    }
    return response;
  };
  router.add("POST", "/api/v1/write", Pool::kFast, same_origin_only(write), BodyUse::kRaw);

  const auto otlp = [parts](const Request& request) {
    collector::OtlpAnswer answer = parts->receivers.otlp.take(
        request.header("content-type"), request.header("content-encoding"), request.body);
    Response response;
    response.status = answer.status;
    response.content_type = std::move(answer.content_type);
    response.body = std::move(answer.body);
    if (answer.status == 503) response.headers.emplace_back("Retry-After", "5");
    return response;
  };
  router.add("POST", "/api/v1/otlp/v1/metrics", Pool::kFast, same_origin_only(otlp),
             BodyUse::kRaw);
  add_push(router, parts);
  add_influx(router, parts);
}

}  // namespace nines::web
