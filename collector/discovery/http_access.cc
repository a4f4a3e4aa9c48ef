#include "collector/discovery/http_access.h"

namespace nines::collector {

void add_access(const HttpAccess& access, HttpRequest& request) {
  if (!access.bearer_token.empty()) {
    request.headers.emplace_back("Authorization",
                                 access.authorization_type + " " + access.bearer_token);
  }
  request.headers.insert(request.headers.end(), access.http_headers.begin(),
                         access.http_headers.end());
  request.basic_user = access.basic_auth_username;
  request.basic_password = access.basic_auth_password;
  request.follow_redirects = access.follow_redirects;
  request.verify_tls = !access.insecure_skip_verify;
  request.tls_files = access.tls_files;
  request.tls_server_name = access.tls_server_name;
  request.tls_min_version = access.tls_min_version;
  request.tls_max_version = access.tls_max_version;
  request.oauth2 = access.oauth2;
  request.http2 = access.enable_http2;
  request.proxy = access.proxy_url;
}

std::string to_key(const HttpAccess& c) {
  std::string all;
  const auto add = [&all](const std::string& part) {
    all += part;
    all += '\0';
  };
  add(c.basic_auth_username);
  add(c.basic_auth_password);
  add(c.authorization_type);
  add(c.bearer_token);
  for (const auto& [name, value] : c.http_headers) {
    add(name);
    add(value);
  }
  add(c.tls_files.ca);
  add(c.tls_files.cert);
  add(c.tls_files.key);
  add(c.tls_server_name);
  add(c.tls_min_version);
  add(c.tls_max_version);
  if (c.oauth2) add(to_key(*c.oauth2));
  add(std::to_string(c.insecure_skip_verify) + std::to_string(c.enable_http2) +
      std::to_string(c.follow_redirects));
  add(c.proxy_url);
  return all;
}

}  // namespace nines::collector
