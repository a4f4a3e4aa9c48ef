// Getting at things over HTTP: who we are, whom we trust, which way we go.
#include <algorithm>
#include <cstdlib>
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

void read_tls(TableReader& t, TlsOptions& out, const Context& context) {
  t.table("tls_config", [&](TableReader& tls) {
    tls.read("ca_file", out.files.ca);
    tls.read("cert_file", out.files.cert);
    tls.read("key_file", out.files.key);
    tls.read("server_name", out.server_name);
    if (out.server_name.find_first_of("/:@?# \t") != std::string::npos) {
      tls.fail("server_name", "`server_name` " + quote_go(out.server_name) +
                                  " must be a name alone, such as \"shop.example\"");
    }
    bool insecure = false;
    tls.read("insecure_skip_verify", insecure);
    out.verify = !insecure;
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

std::string from_environment(const char* name) {
  for (const std::string& one : {std::string(name), to_lower(name)}) {
    if (const char* value = std::getenv(one.c_str()); value != nullptr && *value != '\0') return value;
  }
  return "";
}

// What is asked directly though there is a proxy; this machine always is.
std::string exceptions(const std::string& named) {
  if (trim(named) == "*") return "*";
  return (named.empty() ? "" : named + ",") + "localhost,127.0.0.0/8,::1";
}

void read_connect_headers(TableReader& t, HttpProxy& out) {
  t.table("proxy_connect_header", [&](TableReader& headers) {
    for (auto&& [key, value] : headers.raw()) {
      headers.accept(key.str());
      const toml::array one{value.value<std::string>().value_or("")};
      const toml::array* all = value.is_string() ? &one : value.as_array();
      for (std::size_t i = 0; all != nullptr && i < all->size(); ++i) {
        const auto text = (*all)[i].value<std::string>();
        if (!text) all = nullptr;
        if (text) out.connect_headers.emplace_back(std::string(key.str()), *text);
      }
      if (all == nullptr) {
        headers.fail(key.str(), "`" + std::string(key.str()) +
                                    "` in proxy_connect_header must be a string, or a list of them");
      }
    }
  });
}

void read_proxy(TableReader& t, HttpProxy& out) {
  t.read("proxy_url", out.url);
  if (!out.url.empty()) check_url(t, "proxy_url", out.url);
  out.secure_url = out.url;
  std::string except;
  t.read("no_proxy", except);
  if (!except.empty()) out.except = exceptions(except);
  bool environment = false;
  t.read("proxy_from_environment", environment);
  read_connect_headers(t, out);
  if (environment && (!out.url.empty() || !except.empty())) {
    t.fail("proxy_from_environment",
           "`proxy_from_environment` excludes `proxy_url` and `no_proxy`: keep one of them");
  } else if (!environment && out.url.empty() && !except.empty()) {
    t.fail("no_proxy", "`no_proxy` needs `proxy_url`");
  } else if (!environment && out.url.empty() && !out.connect_headers.empty()) {
    t.fail("proxy_connect_header",
           "`proxy_connect_header` needs `proxy_url` or `proxy_from_environment`");
  }
  if (!environment) return;
  out.url = from_environment("HTTP_PROXY");
  out.secure_url = from_environment("HTTPS_PROXY");
  out.except = exceptions(from_environment("NO_PROXY"));
}

// A secret, or the file that is read for every request; it must be there at the start, too.
void read_secret(TableReader& t, const std::string& key, const Context& context, std::string& out,
                 std::string& file) {
  t.read_secret(key, out, context.read_secret, &file);
  file = beside(context, std::move(file));
}

std::shared_ptr<const OAuth2Config> read_oauth2(TableReader& t, const Context& context) {
  OAuth2Config out;
  t.read("client_id", out.client_id);
  read_secret(t, "client_secret", context, out.client_secret, out.client_secret_file);
  t.read("token_url", out.token_url);
  t.read("scopes", out.scopes);
  t.read("endpoint_params", out.endpoint_params);
  read_proxy(t, out.proxy);
  if (out.client_id.empty()) t.fail("client_id", "`client_id` is missing in " + t.name());
  if (out.client_secret.empty() && out.client_secret_file.empty()) {
    t.fail("client_secret",
           "`client_secret` is missing in " + t.name() + ": give it, or `client_secret_file`");
  }
  if (out.token_url.empty()) {
    t.fail("token_url", "`token_url` is missing in " + t.name());
  } else {
    check_url(t, "token_url", out.token_url);
  }
  read_tls(t, out.tls, context);
  return std::make_shared<const OAuth2Config>(std::move(out));
}

}  // namespace

void read_http_access(TableReader& t, collector::HttpAccess& s, const Context& context) {
  t.table("basic_auth", [&](TableReader& b) {
    b.read("username", s.basic_auth_username);
    read_secret(b, "password", context, s.basic_auth_password, s.basic_auth_password_file);
  });
  t.table("authorization", [&](TableReader& a) {
    a.read("type", s.authorization_type);
    if (s.authorization_type.empty() || to_lower(s.authorization_type) == "basic") {
      a.fail("type", "`type` must name a scheme, and Basic has its own `basic_auth`");
    }
    read_secret(a, "credentials", context, s.bearer_token, s.bearer_token_file);
  });
  t.table("oauth2", [&](TableReader& o) { s.oauth2 = read_oauth2(o, context); });
  const bool credentials = !s.bearer_token.empty() || !s.bearer_token_file.empty();
  if (!s.basic_auth_username.empty() + credentials + (s.oauth2 != nullptr) > 1) {
    t.fail(s.oauth2 ? "oauth2" : "authorization",
           "`basic_auth`, `authorization` and `oauth2` exclude each other: keep one");
  }
  t.read("follow_redirects", s.follow_redirects);
  t.read("enable_http2", s.enable_http2);
  read_proxy(t, s.proxy);
  std::map<std::string, std::string> headers;
  t.read("http_headers", headers);
  for (const auto& [name, value] : headers) {
    if (is_reserved_header(name)) {
      t.fail("http_headers", "`http_headers` may not set " + quote_go(name) +
                                 ": it has its own option, or belongs to the connection");
    }
    s.http_headers.emplace_back(name, value);
  }
  read_tls(t, s.tls, context);
}

}  // namespace nines::config
