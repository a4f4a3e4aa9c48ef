// /probe?target=&module=: a probe on demand, answered as blackbox_exporter answers.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "web/api/internal/families.h"

namespace nines::web {
namespace {

constexpr Duration kTimeoutDefault{120'000};  // for whoever announces none

Response refuse(int status, const std::string& text) {
  return text_response(status, text + "\n");
}

// What the scraper announces, less the offset, so that the answer gets there in time. nullopt: it
// is no number.
std::optional<Duration> timeout_of(const Request& request, Duration offset) {
  const std::string_view text = request.header("x-prometheus-scrape-timeout-seconds");
  double announced = to_seconds(kTimeoutDefault);
  if (!text.empty()) {
    const auto number = parse_double(text);
    if (!number || !(*number >= 0)) return std::nullopt;
    if (*number > 0) announced = std::min(*number, to_seconds(kTimeoutDefault));
  }
  const Duration all(static_cast<Duration::rep>(announced * 1000));
  return offset < all ? all - offset : all;
}

const std::string* host_header(const collector::ProbeModule& module) {
  for (const auto& [name, value] : module.http.headers) {
    if (to_lower(name) == "host") return &value;
  }
  return nullptr;
}

std::string debug_text(const collector::ProbeModule& module, const std::string& target,
                       const collector::ProbeResult& result) {
  std::string out = "Logs for the probe:\n";
  for (const std::string& line : result.log()) out += "target=" + target + " " + line + "\n";
  out += "\n\n\nMetrics that would have been returned:\n" + to_exposition(result);
  return out + "\n\n\nModule configuration:\n" + module.definition;
}

Response probe(const ApiParts& parts, const Request& request) {
  std::string name(request.param("module"));
  if (name.empty()) name = "http_2xx";
  const auto module = parts.prober.module(name);
  if (!module) return refuse(400, "Unknown module " + quote_go(name));
  const std::optional<Duration> timeout =
      timeout_of(request, parts.prober.options().timeout_offset);
  if (!timeout) {
    const std::string_view text = request.header("x-prometheus-scrape-timeout-seconds");
    return refuse(500,
                  "Failed to parse timeout from Prometheus header: strconv.ParseFloat: parsing " +
                      quote_go(text) + ": invalid syntax");
  }
  const std::string target(request.param("target"));
  if (target.empty()) return refuse(400, "Target parameter is missing");
  const std::string hostname(request.param("hostname"));
  if (module->kind == collector::ProberKind::kHttp && !hostname.empty()) {
    const std::string* own = host_header(*module);
    if (own != nullptr && *own != hostname) {
      return refuse(400, "host header defined both in module configuration (" + *own +
                             ") and with URL-parameter 'hostname' (" + hostname + ")");
    }
  }
  const auto watch = [&request](std::function<void()> end) {
    if (request.client) request.client->when_gone(std::move(end));
  };
  const Result<collector::ProbeResult> result =
      parts.prober.probe_now(*module, target, hostname, *timeout, watch);
  if (request.client) request.client->when_gone({});
  if (!result) {
    Response busy = refuse(503, result.error().what());
    busy.headers.emplace_back("Retry-After", "1");
    return busy;
  }
  if (request.param("debug") == "true") {
    Response debug = text_response(200, debug_text(*module, target, *result));
    debug.content_type = "text/plain";
    return debug;
  }
  Response response = text_response(200, to_exposition(*result));
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

}  // namespace

void add_probe(Router& router, const Parts& parts) {
  router.add("GET", "/probe", Pool::kWaiting,
             [parts](const Request& request) { return probe(*parts, request); });
}

}  // namespace nines::web
