#pragma once
// Against cross-site request forgery: who may change something from a browser.

#include "web/http/http.h"

namespace nines::web {

// Does the request come from a page of this very server, or from no page at all (curl, amtool)?
// Browsers say where a request comes from in Sec-Fetch-Site and Origin, and pages cannot forge
// them.
bool is_same_origin(const Request& request);

// For whatever changes something: pages of other sites are answered 403.
Handler same_origin_only(Handler handler);

}  // namespace nines::web
