// Content negotiation.
#include <algorithm>
#include <array>
#include <string>

#include "base/text/text.h"
#include "collector/exposition/parser.h"

namespace nines::collector {
namespace {

constexpr std::size_t kShownMax = 100;  // bytes of the target's text in a message

// By ScrapeProtocol.
constexpr std::array<std::string_view, 4> kNames = {"PrometheusText0.0.4", "PrometheusText1.0.0",
                                                    "OpenMetricsText0.0.1", "OpenMetricsText1.0.0"};
constexpr std::array<std::string_view, 4> kAccepted = {
    "text/plain;version=0.0.4", "text/plain;version=1.0.0;escaping=allow-utf-8",
    "application/openmetrics-text;version=0.0.1",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8"};

}  // namespace

std::string_view to_string(ScrapeProtocol protocol) noexcept {
  return kNames[static_cast<std::size_t>(protocol)];
}

std::optional<ScrapeProtocol> scrape_protocol(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<ScrapeProtocol>(found - kNames.begin());
}

std::span<const std::string_view> scrape_protocol_names() noexcept {
  return kNames;
}

ExpositionFormat format_of(ScrapeProtocol protocol) noexcept {
  return protocol == ScrapeProtocol::kOpenMetricsText001 ||
                 protocol == ScrapeProtocol::kOpenMetricsText100
             ? ExpositionFormat::kOpenMetrics
             : ExpositionFormat::kText004;
}

std::vector<ScrapeProtocol> default_scrape_protocols() {
  return {ScrapeProtocol::kOpenMetricsText100, ScrapeProtocol::kOpenMetricsText001,
          ScrapeProtocol::kPrometheusText100, ScrapeProtocol::kPrometheusText004};
}

// Weights as Prometheus gives them: one more than there are protocols for the first, one less for
// each after it, and whatever else there is last.
std::string accept_header(std::span<const ScrapeProtocol> protocols) {
  std::string out;
  std::size_t weight = std::min<std::size_t>(9, kNames.size() + 2);
  for (const ScrapeProtocol protocol : protocols) {
    out += kAccepted[static_cast<std::size_t>(protocol)];
    out += ";q=0." + std::to_string(weight) + ",";
    if (weight > 1) --weight;
  }
  return out + "*/*;q=0." + std::to_string(weight);
}

Result<ExpositionFormat> exposition_format(std::string_view content_type,
                                           std::optional<ScrapeProtocol> fallback) {
  const std::string type = to_lower(trim(content_type.substr(0, content_type.find(';'))));
  if (type == "application/openmetrics-text") return ExpositionFormat::kOpenMetrics;
  if (type == "text/plain") return ExpositionFormat::kText004;
  if (fallback) return format_of(*fallback);
  const std::string got = trim(content_type).empty()
                              ? "answer has no Content-Type"
                              : "answer has the Content-Type " +
                                    quote_go(content_type.substr(0, kShownMax)) +
                                    ", which is no exposition";
  return Error(ErrorCode::kInvalid,
               got + "; fallback_scrape_protocol = \"PrometheusText0.0.4\" reads it as text");
}

}  // namespace nines::collector
