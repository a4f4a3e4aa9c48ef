#pragma once
// How to get at something over HTTP: who we are, whom we trust, which way we go.

#include <memory>
#include <string>

#include "base/net/http_client.h"
#include "base/net/oauth2.h"

namespace nines::collector {

struct HttpAccess {
  std::string basic_auth_username, basic_auth_password;
  std::string authorization_type = "Bearer";
  std::string bearer_token;  // the credentials of that type; empty: none
  std::shared_ptr<const OAuth2Config> oauth2;  // null: none; shared by the requests of a job
  HttpHeaders http_headers;                    // sent besides our own
  HttpTlsFiles tls_files;
  std::string tls_server_name;                   // empty: the host of the URL
  std::string tls_min_version, tls_max_version;  // "TLS12"; empty: the library's own
  bool insecure_skip_verify = false;
  bool enable_http2 = true;
  bool follow_redirects = true;
  std::string proxy_url;  // empty: none
};

// Adds all of it to a request.
void add_access(const HttpAccess& access, HttpRequest& request);

// Everything in it as one text: equal texts, equal access.
std::string to_key(const HttpAccess& access);

}  // namespace nines::collector
