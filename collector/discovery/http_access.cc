#include "collector/discovery/http_access.h"

namespace nines::collector {

void add_access(const HttpAccess& access, HttpRequest& request) {
  if (!access.bearer_token.empty()) {
    request.headers.emplace_back("Authorization",
                                 access.authorization_type + " " + access.bearer_token);
  }
  request.headers.insert(request.headers.end(), access.http_headers.begin(),
                         access.http_headers.end());
  request.credentials_type = access.authorization_type;
  request.credentials_file = access.bearer_token_file;
  request.basic_user = access.basic_auth_username;
  request.basic_password = access.basic_auth_password;
  request.basic_password_file = access.basic_auth_password_file;
  request.follow_redirects = access.follow_redirects;
  request.tls = access.tls;
  request.oauth2 = access.oauth2;
  request.http2 = access.enable_http2;
  request.proxy = access.proxy;
}

std::string to_key(const HttpAccess& c) {
  std::string all;
  for (const std::string* part :
       {&c.basic_auth_username, &c.basic_auth_password, &c.basic_auth_password_file,
        &c.authorization_type, &c.bearer_token, &c.bearer_token_file}) {
    add_to_key(*part, all);
  }
  add_to_key(c.http_headers, all);
  add_to_key(c.tls, all);
  add_to_key(c.oauth2 ? to_key(*c.oauth2) : "", all);
  add_to_key(std::to_string(c.enable_http2) + std::to_string(c.follow_redirects), all);
  add_to_key(c.proxy, all);
  return all;
}

}  // namespace nines::collector
