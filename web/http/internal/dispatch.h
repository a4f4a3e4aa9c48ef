#pragma once
// From a framed request to a finished answer, without a socket and without a library.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/log/log.h"
#include "web/http/http.h"
#include "web/http/internal/framing.h"

namespace nines::web {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// What goes on every answer, refusals included.
HeaderList security_headers(const std::string& content_security_policy);

// The request as handlers see it: form fields ahead of those of the query, as Go's FormValue has
// them, when its route takes forms. Takes the body and the headers out of `framed`. kInvalid: a
// malformed form.
Result<Request> make_request(FramedRequest& framed, const Router& router);

// Runs the handler. 404 and 405 for what the router does not know, 204 for OPTIONS, 500 without a
// word of it for an exception (the log has the text).
Response dispatch(const Router& router, const Request& request, Log& log);

// Packs the body as the client's Accept-Encoding and its size ask for (406 when nothing will do);
// refuses answers past `bytes_max`; drops headers that would break the framing.
void finish(Response& response, const Request& request, std::size_t bytes_max);

std::string_view body_of(const Response& response);
std::string_view reason_of(int status);
std::string http_date(Timestamp at);  // Sun, 06 Nov 1994 08:49:37 GMT

// A whole answer as bytes, ending the connection: what the front says by itself.
std::string refusal_bytes(int status, std::string_view why, const HeaderList& security);

}  // namespace nines::web
