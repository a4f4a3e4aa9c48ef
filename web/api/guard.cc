#include "web/api/internal/guard.h"

#include <string_view>
#include <utility>

#include "base/text/text.h"

namespace nines::web {

bool is_same_origin(const Request& request) {
  const std::string_view site = request.header("sec-fetch-site");
  if (site == "cross-site" || site == "same-site") return false;  // same-site: another port or name
  const std::string_view origin = request.header("origin");
  if (origin.empty()) return true;
  const std::size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return false;  // "null": a sandbox or a local file
  return to_lower(origin.substr(scheme + 3)) == to_lower(request.header("host"));
}

Handler same_origin_only(Handler handler) {
  return [handler = std::move(handler)](const Request& request) {
    if (is_same_origin(request)) return handler(request);
    return text_response(403, "a page of another site may not change anything here\n");
  };
}

}  // namespace nines::web
