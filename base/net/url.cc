#include "base/net/url.h"

#include <memory>

#include <curl/curl.h>

namespace nines {
namespace {

using Handle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string part(const Handle& url, CURLUPart which, unsigned flags) {
  char* text = nullptr;
  std::string out;
  if (curl_url_get(url.get(), which, &text, flags) == CURLUE_OK) out = text;
  curl_free(text);
  return out;
}

Error bad_url(const std::string& text, const std::string& why) {
  return {ErrorCode::kInvalid, "bad URL \"" + text + "\": " + why};
}

}  // namespace

std::string HttpUrl::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return default_port ? name : name + ":" + port;
}

std::string HttpUrl::text(std::string_view host_instead) const {
  if (host_instead.empty()) return scheme + "://" + authority() + rest;
  HttpUrl other = *this;
  other.host = host_instead;
  return other.text();
}

Result<HttpUrl> parse_http_url(const std::string& text) {
  const Handle url(curl_url(), &curl_url_cleanup);
  if (const CURLUcode bad = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0); bad != 0) {
    return bad_url(text, curl_url_strerror(bad));
  }
  HttpUrl out;
  out.scheme = part(url, CURLUPART_SCHEME, 0);
  if (out.scheme != "http" && out.scheme != "https") {
    return bad_url(text, "only http:// and https:// are read");
  }
  out.host = part(url, CURLUPART_HOST, 0);
  if (out.host.starts_with('[')) out.host = out.host.substr(1, out.host.size() - 2);
  out.port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  out.default_port = out.port == (out.scheme == "http" ? "80" : "443");
  out.rest = part(url, CURLUPART_PATH, 0);
  if (out.rest.empty()) out.rest = "/";
  if (const std::string query = part(url, CURLUPART_QUERY, 0); !query.empty()) {
    out.rest += "?" + query;
  }
  return out;
}

Result<std::string> follow_link(const std::string& base, const std::string& link) {
  const Handle url(curl_url(), &curl_url_cleanup);
  CURLUcode bad = curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0);
  if (bad == 0) bad = curl_url_set(url.get(), CURLUPART_URL, link.c_str(), CURLU_URLENCODE);
  if (bad != 0) return bad_url(link, curl_url_strerror(bad));
  return part(url, CURLUPART_URL, 0);
}

std::optional<std::int64_t> parse_http_date(const std::string& text) {
  const time_t at = curl_getdate(text.c_str(), nullptr);
  if (at < 0) return std::nullopt;
  return static_cast<std::int64_t>(at);
}

}  // namespace nines
