// Getting at things over HTTP: who we are, whom we trust, which way we go.
#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "app/config/internal/collector_keys.h"
#include "base/net/oauth2.h"
#include "base/text/text.h"

namespace nines::config {
namespace {

// Headers that belong to the connection or to other options.
bool is_reserved_header(std::string_view name) {
  constexpr std::string_view kReserved[] = {
      "accept-encoding", "authorization",       "connection",        "content-length", "host",
      "keep-alive",      "proxy-authorization", "transfer-encoding", "upgrade"};
  const std::string plain = to_lower(name);
  return std::find(std::begin(kReserved), std::end(kReserved), plain) != std::end(kReserved);
}

// What a tls_config fills, wherever that is kept.
struct TlsKeys {
  HttpTlsFiles& files;
  std::string& server_name;
  std::string& min_version;
  std::string& max_version;
  bool& insecure_skip_verify;
};

void read_tls(TableReader& t, const TlsKeys& out, const Context& context) {
  t.table("tls_config", [&](TableReader& tls) {
    tls.read("ca_file", out.files.ca);
    tls.read("cert_file", out.files.cert);
    tls.read("key_file", out.files.key);
    tls.read("server_name", out.server_name);
    if (out.server_name.find_first_of("/:@?# \t") != std::string::npos) {
      tls.fail("server_name", "`server_name` " + quote_go(out.server_name) +
                                  " must be a name alone, such as \"shop.example\"");
    }
    tls.read("insecure_skip_verify", out.insecure_skip_verify);
    for (const auto& [key, version] :
         {std::pair<const char*, std::string*>{"min_version", &out.min_version},
          {"max_version", &out.max_version}}) {
      if (tls.has(key)) tls.read_one_of(key, *version, {"TLS10", "TLS11", "TLS12", "TLS13"});
    }
    if (!out.max_version.empty() && out.min_version > out.max_version) {
      tls.fail("max_version", "`max_version` must not be older than `min_version`");
    }
    if (out.files.cert.empty() != out.files.key.empty()) {
      tls.fail("cert_file", "`cert_file` and `key_file` need each other");
    }
  });
  for (std::string* path : {&out.files.ca, &out.files.cert, &out.files.key}) {
    *path = beside(context, std::move(*path));
  }
}

std::shared_ptr<const OAuth2Config> read_oauth2(TableReader& t, const Context& context) {
  OAuth2Config out;
  t.read("client_id", out.client_id);
  t.read_secret("client_secret", out.client_secret, context.read_secret);
  t.read("token_url", out.token_url);
  t.read("scopes", out.scopes);
  t.read("endpoint_params", out.endpoint_params);
  t.read("proxy_url", out.proxy);
  if (out.client_id.empty()) t.fail("client_id", "`client_id` is missing in " + t.name());
  if (out.client_secret.empty()) {
    t.fail("client_secret",
           "`client_secret` is missing in " + t.name() + ": give it, or `client_secret_file`");
  }
  if (out.token_url.empty()) {
    t.fail("token_url", "`token_url` is missing in " + t.name());
  } else {
    check_url(t, "token_url", out.token_url);
  }
  if (!out.proxy.empty()) check_url(t, "proxy_url", out.proxy);
  bool insecure = false;
  read_tls(t,
           {out.tls_files, out.tls_server_name, out.tls_min_version, out.tls_max_version, insecure},
           context);
  out.verify_tls = !insecure;
  return std::make_shared<const OAuth2Config>(std::move(out));
}

}  // namespace

void read_http_access(TableReader& t, collector::HttpAccess& s, const Context& context) {
  t.table("basic_auth", [&](TableReader& b) {
    b.read("username", s.basic_auth_username);
    b.read_secret("password", s.basic_auth_password, context.read_secret);
  });
  t.table("authorization", [&](TableReader& a) {
    a.read("type", s.authorization_type);
    if (s.authorization_type.empty() || to_lower(s.authorization_type) == "basic") {
      a.fail("type", "`type` must name a scheme, and Basic has its own `basic_auth`");
    }
    a.read_secret("credentials", s.bearer_token, context.read_secret);
  });
  t.table("oauth2", [&](TableReader& o) { s.oauth2 = read_oauth2(o, context); });
  if (!s.basic_auth_username.empty() + !s.bearer_token.empty() + (s.oauth2 != nullptr) > 1) {
    t.fail(s.oauth2 ? "oauth2" : "authorization",
           "`basic_auth`, `authorization` and `oauth2` exclude each other: keep one");
  }
  t.read("follow_redirects", s.follow_redirects);
  t.read("enable_http2", s.enable_http2);
  t.read("proxy_url", s.proxy_url);
  if (!s.proxy_url.empty()) check_url(t, "proxy_url", s.proxy_url);
  std::map<std::string, std::string> headers;
  t.read("http_headers", headers);
  for (const auto& [name, value] : headers) {
    if (is_reserved_header(name)) {
      t.fail("http_headers", "`http_headers` may not set " + quote_go(name) +
                                 ": it has its own option, or belongs to the connection");
    }
    s.http_headers.emplace_back(name, value);
  }
  read_tls(t,
           {s.tls_files, s.tls_server_name, s.tls_min_version, s.tls_max_version,
            s.insecure_skip_verify},
           context);
}

}  // namespace nines::config
