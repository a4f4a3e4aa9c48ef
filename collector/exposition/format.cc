// Content negotiation.
#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "base/text/text.h"
#include "collector/exposition/parser.h"

namespace nines::collector {
namespace {

constexpr std::size_t kShownMax = 100;  // bytes of the target's text in a message

// By ScrapeProtocol.
constexpr std::array<std::string_view, 5> kNames = {"PrometheusText0.0.4", "PrometheusText1.0.0",
                                                    "OpenMetricsText0.0.1", "OpenMetricsText1.0.0",
                                                    "PrometheusProto"};
constexpr std::array<std::string_view, 5> kAccepted = {
    "text/plain;version=0.0.4", "text/plain;version=1.0.0",
    "application/openmetrics-text;version=0.0.1", "application/openmetrics-text;version=1.0.0",
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"};
constexpr std::array<std::string_view, 4> kEscapings = {"allow-utf-8", "underscores", "dots",
                                                        "values"};

bool takes_escaping(ScrapeProtocol protocol) {
  return protocol == ScrapeProtocol::kPrometheusText100 ||
         protocol == ScrapeProtocol::kOpenMetricsText100 ||
         protocol == ScrapeProtocol::kPrometheusProto;
}

bool is_token_char(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kOthers.find(c) != kOthers.npos;
}

// Takes a token of RFC 9110 off the front; empty when there is none.
std::string_view take_token(std::string_view& rest) {
  std::size_t n = 0;
  while (n < rest.size() && is_token_char(rest[n])) ++n;
  const std::string_view token = rest.substr(0, n);
  rest.remove_prefix(n);
  return token;
}

// Takes a parameter's value, a token or quoted text as it stands, off the front; empty when there is
// none.
std::string_view take_value(std::string_view& rest) {
  if (!rest.starts_with('"')) return take_token(rest);
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      const std::string_view quoted = rest.substr(0, i + 1);
      rest.remove_prefix(i + 1);
      return quoted;
    }
  }
  return {};
}

// The media type in lower case; nothing when the header is not one with its parameters.
std::optional<std::string> media_type(std::string_view header) {
  std::string_view rest = trim(header.substr(0, header.find(';')));
  const std::string type = to_lower(rest);
  if (take_token(rest).empty()) return std::nullopt;
  if (!rest.empty()) {
    if (!rest.starts_with('/')) return std::nullopt;
    rest.remove_prefix(1);
    if (take_token(rest).empty() || !rest.empty()) return std::nullopt;
  }
  std::map<std::string, std::string_view> values;
  const std::size_t semicolon = header.find(';');
  rest = semicolon == header.npos ? std::string_view() : header.substr(semicolon);
  while (!trim(rest).empty()) {
    rest = trim(rest);
    if (!rest.starts_with(';')) return std::nullopt;
    rest = trim(rest.substr(1));
    if (rest.empty()) break;  // a semicolon at the end is common
    std::string name = to_lower(take_token(rest));
    if (name.empty() || !rest.starts_with('=')) return std::nullopt;
    rest.remove_prefix(1);
    const std::string_view value = take_value(rest);
    if (value.empty()) return std::nullopt;
    // The same thing said twice does no harm.
    if (values.emplace(std::move(name), value).first->second != value) return std::nullopt;
  }
  return type;
}

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
  switch (protocol) {
    case ScrapeProtocol::kOpenMetricsText001:
    case ScrapeProtocol::kOpenMetricsText100:
      return ExpositionFormat::kOpenMetrics;
    case ScrapeProtocol::kPrometheusProto:
      return ExpositionFormat::kProtobuf;
    case ScrapeProtocol::kPrometheusText004:
    case ScrapeProtocol::kPrometheusText100:
      break;
  }
  return ExpositionFormat::kText004;
}

std::string_view to_string(NameEscaping escaping) noexcept {
  return kEscapings[static_cast<std::size_t>(escaping)];
}

std::optional<NameEscaping> name_escaping(std::string_view name) {
  const auto found = std::find(kEscapings.begin(), kEscapings.end(), name);
  if (found == kEscapings.end()) return std::nullopt;
  return static_cast<NameEscaping>(found - kEscapings.begin());
}

std::vector<ScrapeProtocol> default_scrape_protocols(bool native_histograms) {
  std::vector<ScrapeProtocol> all = {
      ScrapeProtocol::kOpenMetricsText100, ScrapeProtocol::kOpenMetricsText001,
      ScrapeProtocol::kPrometheusText100, ScrapeProtocol::kPrometheusText004};
  if (native_histograms) all.insert(all.begin(), ScrapeProtocol::kPrometheusProto);
  return all;
}

// Weights as Prometheus gives them: one more than there are protocols for the first, one less for
// each after it, and whatever else there is last.
std::string accept_header(std::span<const ScrapeProtocol> protocols, NameEscaping escaping) {
  std::string out;
  std::size_t weight = kNames.size() + 1;
  for (const ScrapeProtocol protocol : protocols) {
    out += kAccepted[static_cast<std::size_t>(protocol)];
    if (takes_escaping(protocol)) out += ";escaping=" + std::string(to_string(escaping));
    out += ";q=0." + std::to_string(weight) + ",";
    if (weight > 1) --weight;
  }
  return out + "*/*;q=0." + std::to_string(weight);
}

Result<ExpositionFormat> exposition_format(std::string_view content_type,
                                           std::optional<ScrapeProtocol> fallback) {
  const std::optional<std::string> type = media_type(content_type);
  if (type == "application/openmetrics-text") return ExpositionFormat::kOpenMetrics;
  if (type == "text/plain") return ExpositionFormat::kText004;
  if (type == "application/vnd.google.protobuf") return ExpositionFormat::kProtobuf;
  if (fallback) return format_of(*fallback);
  // In Prometheus's words, which people look for; what helps stands behind them.
  const std::string shown = quote_go(content_type.substr(0, kShownMax));
  std::string got = "non-compliant scrape target sending blank Content-Type";
  if (type) {
    got = "received unsupported Content-Type " + shown;
  } else if (!trim(content_type).empty()) {
    got = "cannot parse Content-Type " + shown;
  }
  return Error(ErrorCode::kInvalid,
               got + " and no fallback_scrape_protocol specified for target; "
                     "fallback_scrape_protocol = \"PrometheusText0.0.4\" reads it as text");
}

}  // namespace nines::collector
