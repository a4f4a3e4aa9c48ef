#pragma once
// Requests that show a token of OAuth 2.0, which we get with credentials of our own: RFC 6749,
// section 4.4, "Client Credentials Grant".

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/scheduler.h"
#include "base/net/http_client.h"

namespace nines {

// Under Prometheus's names (configuration, "oauth2").
struct OAuth2Config {
  std::string token_url, client_id, client_secret;
  std::string client_secret_file;  // where the secret stands, when not empty: read for every token
  std::vector<std::string> scopes;
  std::map<std::string, std::string> endpoint_params;  // sent to the token's server besides
  // How to get to the token's server.
  TlsOptions tls;
  HttpProxy proxy;
};

// Everything in it as one text: equal texts share a token.
std::string to_key(const OAuth2Config& config);

struct OAuth2Options {
  Duration early{10'000};          // a token is renewed so long before its end, or at half its life
  Duration token_timeout{10'000};  // of asking for one
  Duration pause{1'000};           // after a failure, and before a refused token is renewed
  std::size_t tokens_max = 10'000;          // kept; the one not used for longest goes first
  std::size_t answer_bytes_max = 1u << 20;  // of the token's server
};

// Sends what has no `oauth2` as it is. For the rest it asks the token's server first, unless it has
// a token that lives: one request for all that wait. Credentials go in the Authorization header
// (Basic); a server that refuses that is asked again with them in the body, and so from then on.
// An answer of 401 renews the token and sends the request once more, unless the token is younger
// than the pause. The request's timeout covers all of it. kUnavailable: there is no token; the text
// begins with "oauth2: ".
//
// `scheduler` must outlive it; a `done` may run on its thread.
std::unique_ptr<HttpClient> make_oauth2_http_client(std::unique_ptr<HttpClient> inner,
                                                    Scheduler& scheduler,
                                                    const OAuth2Options& options = {});

}  // namespace nines
