// POST /api/nines/v1/import: samples with times of their own.
#include <string>

#include "base/text/json.h"
#include "collector/backfill/backfill.h"
#include "web/api/internal/families.h"
#include "web/api/internal/guard.h"

namespace nines::web {
namespace {

Response failed(int status, const std::string& error) {
  JsonWriter json;
  json.begin_object().field("error", error).end_object();
  return json_response(status, json.take());
}

Response import_samples(const ApiParts& parts, const Request& request) {
  Result<collector::ExpositionFormat> format = collector::exposition_format(
      request.header("content-type"), collector::ScrapeProtocol::kOpenMetricsText100);
  if (!format) return failed(415, format.error().what());
  if (const std::string name(request.param("format")); !name.empty()) {
    if (name != "openmetrics" && name != "prometheus")
      return failed(400, "format must be `openmetrics` or `prometheus`, not `" + name + "`");
    format = name == "prometheus" ? collector::ExpositionFormat::kText004
                                  : collector::ExpositionFormat::kOpenMetrics;
  }
  collector::BackfillOptions options;
  options.name = "import/" + std::to_string(parts.clock.now_nanos().time_since_epoch().count());
  const auto report = collector::backfill(request.body, *format, parts.appender, options);
  if (!report) {
    const ErrorCode code = report.error().code();
    return failed(code == ErrorCode::kInvalid ? 400 : 503, report.error().what());
  }
  JsonWriter json;
  json.begin_object()
      .field("series", report->series)
      .field("samples", report->samples)
      .field("appended", report->appended)
      .field("exemplars", report->exemplars);
  if (report->samples > 0) {
    json.field("oldest_ms", report->oldest_ms).field("newest_ms", report->newest_ms);
  }
  json.key("refused")
      .begin_object()
      .field("duplicate", report->duplicates)
      .field("conflict", report->conflicts)
      .field("out_of_order", report->out_of_order)
      .field("too_far_ahead", report->too_far_ahead)
      .field("limit", report->samples_refused)
      .field("limit_series", report->series_refused)
      .field("exemplars", report->exemplars_refused)
      .end_object();
  json.field("first_refusal", report->refusal).end_object();
  return json_response(200, json.take());
}

}  // namespace

void add_import(Router& router, const Parts& parts) {
  router.add("POST", "/api/nines/v1/import", Pool::kSlow,
             same_origin_only([parts](const Request& r) { return import_samples(*parts, r); }));
}

}  // namespace nines::web
