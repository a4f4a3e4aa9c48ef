#pragma once
// How to get at something over HTTP: who we are, whom we trust, which way we go.

#include <memory>
#include <string>

#include "base/net/http_client.h"
#include "base/net/oauth2.h"

namespace nines::collector {

struct HttpAccess {
  std::string basic_auth_username, basic_auth_password;
  std::string basic_auth_password_file;  // read for every request, when not empty
  std::string authorization_type = "Bearer";
  std::string bearer_token;  // the credentials of that type; empty: none
  std::string bearer_token_file;               // read for every request, when not empty
  std::shared_ptr<const OAuth2Config> oauth2;  // null: none; shared by the requests of a job
  HttpHeaders http_headers;                    // sent besides our own
  TlsOptions tls;
  bool enable_http2 = true;
  bool follow_redirects = true;
  HttpProxy proxy;
};

// Adds all of it to a request.
void add_access(const HttpAccess& access, HttpRequest& request);

// Everything in it as one text: equal texts, equal access.
std::string to_key(const HttpAccess& access);

}  // namespace nines::collector
