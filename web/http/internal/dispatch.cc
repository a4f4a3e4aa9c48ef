#include "web/http/internal/dispatch.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <exception>

#include "base/text/text.h"
#include "web/http/encoding.h"

namespace nines::web {
namespace {

constexpr std::size_t kCompressFrom = 1024;  // bytes; a packet holds smaller ones anyway

bool pays_to_compress(std::string_view type) {
  return type.starts_with("text/") || type.starts_with("application/json") ||
         type.starts_with("application/javascript") ||
         type.starts_with("application/openmetrics") || type.starts_with("image/svg");
}

bool has_header(const Response& response, std::string_view lower_name) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [&](const auto& h) { return to_lower(h.first) == lower_name; });
}

bool breaks_framing(const std::pair<std::string, std::string>& header) {
  const auto bad = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  const std::string name = to_lower(header.first);
  return std::any_of(header.first.begin(), header.first.end(), bad) ||
         std::any_of(header.second.begin(), header.second.end(), bad) || name == "content-length" ||
         name == "transfer-encoding" || name == "connection";
}

// A preflight request gets the methods, but no Access-Control-Allow-Origin: pages of other origins
// may not read what a loopback server without a login says.
Response options_response(const Router& router, const Request& request) {
  Response response;
  response.status = 204;
  const Router::Match match = router.find("OPTIONS", request.path);
  if (match.allow.empty() && request.path != "/") return text_response(404, "404 page not found\n");
  response.headers.emplace_back("Allow", match.allow);
  if (request.path.starts_with("/api/v1/")) {
    response.headers.emplace_back("Access-Control-Allow-Headers",
                                  "Accept, Authorization, Content-Type, Origin");
    response.headers.emplace_back("Access-Control-Allow-Methods", match.allow);
    response.headers.emplace_back("Access-Control-Expose-Headers", "Date");
  }
  return response;
}

Response route(const Router& router, const Request& request) {
  const Router::Match match =
      router.find(request.method == "HEAD" ? "GET" : request.method, request.path);
  if (match.handler != nullptr) {
    const std::string coding = to_lower(request.header("content-encoding"));
    if (match.body != BodyUse::kRaw && !coding.empty() && coding != "identity")
      return text_response(415, "encoded request bodies are not taken here\n");
    return (*match.handler)(request);
  }
  if (request.method == "OPTIONS") return options_response(router, request);
  if (match.allow.empty() && match.stream == nullptr) {
    return text_response(404, "404 page not found\n");
  }
  Response response = text_response(405, "method not allowed\n");
  response.headers.emplace_back("Allow", match.allow.empty() ? "GET" : match.allow);
  return response;
}

}  // namespace

HeaderList security_headers(const std::string& content_security_policy) {
  return {{"Content-Security-Policy", content_security_policy},
          {"X-Content-Type-Options", "nosniff"},
          {"Referrer-Policy", "no-referrer"},
          {"Cross-Origin-Opener-Policy", "same-origin"},
          {"X-Frame-Options", "DENY"}};
}

Result<Request> make_request(FramedRequest& framed, const Router& router) {
  Request request;
  request.method = framed.method;
  request.path = framed.path;
  request.remote = framed.remote;
  request.client = framed.client;
  const std::string type = to_lower(framed.header("content-type"));
  const bool raw = router.find(framed.method, framed.path).body == BodyUse::kRaw;
  if (!raw && trim(split(type, ';').front()) == "application/x-www-form-urlencoded" &&
      !parse_form(framed.body, request.params)) {
    return Error(ErrorCode::kInvalid, "malformed form");
  }
  if (!parse_form(framed.query(), request.params)) {
    return Error(ErrorCode::kInvalid, "malformed query string");
  }
  request.headers = std::move(framed.headers);
  request.body = std::move(framed.body);
  return request;
}

Response dispatch(const Router& router, const Request& request, Log& log) {
  try {
    return route(router, request);
  } catch (const std::exception& e) {
    log.error("http", "{} {} failed: {}", request.method, request.path, e.what());
  } catch (...) {
    log.error("http", "{} {} failed", request.method, request.path);
  }
  return text_response(500, "internal server error\n");
}

std::string_view body_of(const Response& response) {
  return response.static_body.data() != nullptr ? response.static_body
                                                : std::string_view(response.body);
}

void finish(Response& response, const Request& request, std::size_t bytes_max) {
  std::erase_if(response.headers, breaks_framing);
  if (body_of(response).size() > bytes_max) {
    response = text_response(
        500, "the answer is larger than " + std::to_string(bytes_max) + " bytes; ask for less\n");
  }
  if (body_of(response).empty() || has_header(response, "content-encoding")) return;
  const Acceptance taken = negotiate_coding(request.header("accept-encoding"));
  const bool pays =
      pays_to_compress(response.content_type) && body_of(response).size() > kCompressFrom;
  if ((pays || !taken.plain) && !has_header(response, "vary")) {
    response.headers.emplace_back("Vary", "Accept-Encoding");
  }
  if (taken.coding == Coding::kNone) {
    const HeaderList vary{{"Vary", "Accept-Encoding"}};
    response = text_response(
        406, "no content coding of this server is acceptable; it has zstd, gzip and identity\n");
    response.headers = vary;
    return;
  }
  if (taken.coding == Coding::kIdentity || (!pays && taken.plain)) return;
  std::string packed;
  const bool done = taken.coding == Coding::kZstd ? zstd(body_of(response), packed)
                                                  : gzip(body_of(response), packed);
  if (!done) return;
  response.static_body = {};
  response.body = std::move(packed);
  response.headers.emplace_back("Content-Encoding", to_string(taken.coding));
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Payload Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}

std::string http_date(Timestamp at) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  std::tm utc{};
  if (gmtime_r(&seconds, &utc) == nullptr) return {};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                     kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
}

std::string refusal_bytes(int status, std::string_view why, const HeaderList& security) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: text/plain; charset=utf-8\r\n",
                                status, reason_of(status));
  for (const auto& [name, value] : security) out += fmt::format("{}: {}\r\n", name, value);
  if (status == 503) out += "Retry-After: 1\r\n";
  out += fmt::format("Connection: close\r\nContent-Length: {}\r\n\r\n{}\n", why.size() + 1, why);
  return out;
}

}  // namespace nines::web
