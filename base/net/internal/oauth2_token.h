#pragma once
// What is said to a token's server, and what it answers.

#include <optional>
#include <string>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/net/http_client.h"
#include "base/net/oauth2.h"

namespace nines::net {

struct OAuth2Token {
  std::string authorization;     // the header's value: "Bearer abc"
  std::optional<Duration> life;  // nothing: it does not end
};

// `in_body`: the credentials stand in the form, not in a header.
Result<HttpRequest> token_request(const OAuth2Config& config, bool in_body, const OAuth2Options& options);

// RFC 6749, sections 5.1 and 5.2. kUnavailable: refused, or no token in it.
Result<OAuth2Token> read_token(const Result<HttpResponse>& answer);

}  // namespace nines::net
