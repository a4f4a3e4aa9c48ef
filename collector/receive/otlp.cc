#include "collector/receive/otlp.h"

#include <utility>

#include <protozero/pbf_writer.hpp>

#include "base/text/json.h"
#include "base/text/text.h"
#include "collector/receive/internal/otlp_translate.h"
#include "collector/receive/internal/unpack.h"

namespace nines::collector {
namespace {

constexpr const char* kComponent = "receive";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kProtobuf = "application/x-protobuf";

struct Counters {
  explicit Counters(Telemetry& t)
      : points(t.counter("nines_otlp_points_total", "OTLP data points received.")),
        refused(t.counter("nines_otlp_points_refused_total",
                          "OTLP data points, or samples made of them, that were refused.")),
        bad(t.counter("nines_otlp_bad_requests_total", "OTLP requests that could not be read.")),
        delta_series(t.gauge("nines_otlp_delta_series", "Series whose deltas are added up.")) {}
  Counter& points;
  Counter& refused;
  Counter& bad;
  Gauge& delta_series;
};

// ExportMetricsServiceResponse; an empty one when nothing was refused.
std::string response_body(bool json, const PushOutcome& outcome) {
  const std::string why = join(outcome.reasons, "; ");
  const bool whole = outcome.refused == 0 && why.empty();
  if (json) {
    JsonWriter out;
    out.begin_object();
    if (!whole) {
      out.key("partialSuccess").begin_object();
      out.field("rejectedDataPoints", std::to_string(outcome.refused)).field("errorMessage", why);
      out.end_object();
    }
    return out.end_object().take();
  }
  std::string out;
  if (!whole) {
    // The writers end before `out` is returned, and with that perhaps moved: they write lengths.
    protozero::pbf_writer message(out);
    protozero::pbf_writer partial(message, 1);
    partial.add_int64(1, static_cast<std::int64_t>(outcome.refused));
    partial.add_string(2, why);
  }
  return out;
}

// google.rpc.Status.
std::string status_body(bool json, int code, const std::string& why) {
  if (json) {
    JsonWriter out;
    return out.begin_object().field("code", code).field("message", why).end_object().take();
  }
  std::string out;
  protozero::pbf_writer message(out);
  message.add_int32(1, code);
  message.add_string(2, why);
  return out;
}

}  // namespace

struct OtlpReceiver::Impl {
  Impl(OtlpParts p, OtlpOptions o)
      : parts(p),
        options(std::move(o)),
        counters(p.telemetry),
        groups(p.appender, p.clock, "otlp",
               {options.labels_max, options.label_bytes_max, options.groups_max,
                options.group_idle_max}),
        deltas(p.clock, options.delta_series_max, options.delta_idle_max) {}

  // gRPC's codes: 3 invalid argument, 8 resource exhausted, 14 unavailable.
  OtlpAnswer refuse(bool json, int status, const std::string& why) {
    counters.bad.add();
    parts.log.debug(kComponent, "otlp status={} why=\"{}\"", status, why);
    const int code = status == 503 ? 14 : status == 413 ? 8 : 3;
    return {status, std::string(json ? kJson : kProtobuf), status_body(json, code, why)};
  }

  OtlpAnswer write(OtlpRequest& request, bool json) {
    PushOutcome outcome;
    OtlpTranslated made = OtlpTranslator(options, groups.limits(), deltas, outcome).run(request);
    groups.write(std::move(made.series), outcome);
    for (const auto& [family, metadata] : made.metadata)
      parts.appender.set_metadata(family, metadata);
    counters.points.add(static_cast<double>(made.points));
    counters.delta_series.set(static_cast<double>(deltas.size()));
    if (outcome.refused != 0) {
      counters.refused.add(static_cast<double>(outcome.refused));
      parts.log.debug(kComponent, "otlp refused={} why=\"{}\"", outcome.refused,
                      join(outcome.reasons, "; "));
    }
    if (outcome.again) return refuse(json, 503, join(outcome.reasons, "; "));
    return {200, std::string(json ? kJson : kProtobuf), response_body(json, outcome)};
  }

  const OtlpParts parts;
  const OtlpOptions options;
  Counters counters;
  GroupTable groups;
  DeltaSums deltas;
};

OtlpReceiver::OtlpReceiver(OtlpParts parts, OtlpOptions options)
    : impl_(std::make_unique<Impl>(parts, std::move(options))) {}
OtlpReceiver::~OtlpReceiver() = default;

OtlpAnswer OtlpReceiver::take(std::string_view content_type, std::string_view content_encoding,
                              std::string_view body) {
  const std::string lower = to_lower(content_type);
  const std::string_view type = trim(split(lower, ';').front());
  const bool json = type == kJson;
  if (!json && type != kProtobuf) {
    return impl_->refuse(false, 415, "Content-Type " + quote_go(type) +
                                         " is neither application/x-protobuf nor application/json");
  }
  const OtlpOptions& options = impl_->options;
  std::string room;
  const Result<std::string_view> message = unpack(
      content_encoding, body, json ? options.json_bytes_max : options.decoded_bytes_max, room);
  const auto status_of = [](const Error& error) {
    if (error.code() == ErrorCode::kLimit) return 413;
    return error.code() == ErrorCode::kNotFound ? 415 : 400;
  };
  if (!message) return impl_->refuse(json, status_of(message.error()), message.error().what());
  const OtlpLimits limits{options.parts_max};
  Result<OtlpRequest> request =
      json ? read_otlp_json(*message, limits) : read_otlp_protobuf(*message, limits);
  if (!request) return impl_->refuse(json, status_of(request.error()), request.error().what());
  return impl_->write(*request, json);
}

}  // namespace nines::collector
