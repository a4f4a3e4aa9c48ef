#pragma once
// URLs and dates as HTTP writes them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/core/result.h"

namespace nines {

struct HttpUrl {
  std::string scheme, host, port;  // an IPv6 host has no brackets; the port is always there
  bool default_port = false;       // the scheme's own
  std::string rest;                // path and query; never empty
  // The whole, with another host when one is given.
  std::string text(std::string_view host_instead = {}) const;
  std::string authority() const;  // "host" or "host:port", as a Host header has it
};

// kInvalid: no URL, or neither http nor https.
Result<HttpUrl> parse_http_url(const std::string& text);
// Where a link leads that stands at `base`.
Result<std::string> follow_link(const std::string& base, const std::string& link);

// "Sun, 06 Nov 1994 08:49:37 GMT" as seconds since the epoch.
std::optional<std::int64_t> parse_http_date(const std::string& text);

}  // namespace nines
