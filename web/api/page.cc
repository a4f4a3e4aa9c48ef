// The page: embedded files, and index.html on the routes the page draws itself.
#include <string>
#include <string_view>

#include "base/text/text.h"
#include "web/api/internal/families.h"
#include "web/http/encoding.h"
#include "web/ui/assets.h"

namespace nines::web {
namespace {

Response serve_asset(const Request& request, const Asset& asset) {
  Response response;
  response.content_type = std::string(asset.content_type);
  response.headers.emplace_back("ETag", std::string(asset.etag));
  response.headers.emplace_back(
      "Cache-Control", asset.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  response.headers.emplace_back("Vary", "Accept-Encoding");
  // A list of tags, each perhaps marked weak: all of them are quoted, so the text is enough.
  if (request.header("if-none-match").find(asset.etag) != std::string_view::npos) {
    response.status = 304;
    return response;
  }
  const bool gzip = !asset.gzip.empty() && negotiate_coding(request.header("accept-encoding")).gzip;
  if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  response.static_body = gzip ? asset.gzip : asset.raw;
  return response;
}

}  // namespace

void add_page(Router& router) {
  const Handler index = [](const Request& request) {
    const Asset* asset = find_asset("/");
    return asset ? serve_asset(request, *asset) : text_response(404, "404 page not found\n");
  };
  // An explicit list: clients probe unknown paths and must get their 404.
  for (const char* route :
       {"/", "/slos", "/slos/*", "/alerts", "/incidents", "/incidents/*", "/remediation",
        "/maintenance", "/explore", "/logs", "/targets", "/rules", "/status", "/query"}) {
    router.add("GET", route, Pool::kFast, index);
  }
  for (const Asset& asset : ui_assets()) {
    if (asset.path == "/") continue;
    router.add("GET", std::string(asset.path), Pool::kFast,
               [&asset](const Request& request) { return serve_asset(request, asset); });
  }
  router.add("GET", "/graph", Pool::kFast, [](const Request& request) {
    Response response = text_response(302, "");
    const std::string_view query = request.param("g0.expr");
    response.headers.emplace_back("Location",
                                  query.empty() ? "/explore" : "/explore?q=" + url_encode(query));
    return response;
  });
}

}  // namespace nines::web
