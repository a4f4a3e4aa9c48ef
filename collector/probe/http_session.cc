#include "collector/probe/internal/http_session.h"

#include <algorithm>
#include <utility>

#include "base/net/url.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

constexpr int kRedirectsMax = 10;

const std::string* header_in(const std::map<std::string, std::string>& headers,
                             std::string_view lower_name) {
  for (const auto& [name, value] : headers) {
    if (to_lower(name) == lower_name) return &value;
  }
  return nullptr;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string version_name(int version) {
  return "HTTP/" + std::to_string(version / 10) + "." + std::to_string(version % 10);
}

void check_headers(const HttpExpectation& expect, const HttpResponse& response,
                   std::vector<Assertion>& out) {
  Assertion a{"header", true, true, ""};
  const auto check = [&](const HeaderMatch& match, bool wanted) {
    bool any = false;
    bool there = false;
    for (const auto& [name, value] : response.headers) {
      if (name != match.header) continue;
      there = true;
      any = any || match.regexp->matches(value);
    }
    if (!a.holds || (!there && match.allow_missing)) return;
    if (!there) {
      a = {"header", false, true, "header " + match.header + " is missing"};
    } else if (any != wanted) {
      a = {"header", false, true,
           "header " + match.header + (any ? " matches " : " does not match ") +
               quote_go(match.regexp->pattern())};
    }
  };
  for (const HeaderMatch& match : expect.fail_if_header_matches) check(match, false);
  for (const HeaderMatch& match : expect.fail_if_header_not_matches) check(match, true);
  out.push_back(std::move(a));
}

void check_body(const HttpExpectation& expect, const HttpResponse& response,
                std::vector<Assertion>& out) {
  Assertion a{"body", true, true, ""};
  for (const RegexPtr& regex : expect.fail_if_body_matches) {
    if (!a.holds || !regex->matches(response.body)) continue;
    a = {"body", false, true, "body matches " + quote_go(regex->pattern())};
  }
  for (const RegexPtr& regex : expect.fail_if_body_not_matches) {
    if (!a.holds || regex->matches(response.body)) continue;
    a = {"body", false, true, "body does not match " + quote_go(regex->pattern())};
  }
  out.push_back(std::move(a));
}

}  // namespace

std::vector<Assertion> judge(const HttpExpectation& expect, const HttpOutcome& outcome) {
  const HttpResponse& r = outcome.response;
  std::vector<Assertion> out;
  if (!r.failure.empty()) out.push_back({"transfer", false, false, r.failure});
  if (r.status == 0) return out;
  const auto& codes = expect.valid_status_codes;
  const bool good = codes.empty() ? r.status >= 200 && r.status < 300
                                  : std::find(codes.begin(), codes.end(), r.status) != codes.end();
  out.push_back({"status", good, false, "HTTP status " + std::to_string(r.status)});
  // The rest of an answer is not looked at when it is the wrong one.
  if (!good) return out;
  const auto& versions = expect.valid_http_versions;
  if (!versions.empty()) {
    const std::string version = version_name(r.http_version);
    out.push_back({"http_version",
                   std::find(versions.begin(), versions.end(), version) != versions.end(), false,
                   "the answer is " + version + ", none of " + join(versions, ", ")});
  }
  if (expect.fail_if_ssl) out.push_back({"ssl", !outcome.tls, false, "the answer came over TLS"});
  if (expect.fail_if_not_ssl) {
    out.push_back({"ssl", outcome.tls, false, "the answer did not come over TLS"});
  }
  if (!expect.fail_if_header_matches.empty() || !expect.fail_if_header_not_matches.empty()) {
    check_headers(expect, r, out);
  }
  if (!expect.fail_if_body_matches.empty() || !expect.fail_if_body_not_matches.empty()) {
    check_body(expect, r, out);
  }
  return out;
}

Result<HttpRequest> HttpSession::request(const HttpAsk& ask, HttpPhases& phases) {
  NINES_TRY(const HttpUrl url, parse_http_url(ask.url));
  if (first_host_.empty()) first_host_ = url.host;
  const bool first = url.host == first_host_;
  HttpRequest request;
  request.method = ask.method;
  request.body = ask.body;
  request.body_bytes_max = body_bytes_max_;
  request.http2 = ask.http2;
  request.accept_compressed = ask.compression == "gzip";
  request.fresh_connection = true;  // what a new visitor would see
  request.keep_partial = true;
  request.tls_details = true;
  request.tls = access_.tls;
  request.tls.server_name.clear();  // stands in the URL, see below
  request.proxy = access_.proxy;
  for (const auto& [name, value] : ask.headers) {
    if (to_lower(name) == "host" && !first) continue;
    request.headers.emplace_back(name, value);
  }
  if (ask.compression == "identity" && header_in(ask.headers, "accept-encoding") == nullptr) {
    request.headers.emplace_back("Accept-Encoding", "identity");
  }
  if (first) {
    request.basic_user = access_.basic_user;
    request.basic_password = access_.basic_password;
    request.basic_password_file = access_.basic_password_file;
    request.credentials_type = access_.credentials_type;
    request.credentials_file = access_.credentials_file;
    request.oauth2 = access_.oauth2;
    if (!access_.authorization.empty()) {
      request.headers.emplace_back("Authorization", access_.authorization);
    }
  }
  if (const auto known = cookies_.find(url.host); known != cookies_.end()) {
    std::string all;
    for (const auto& [name, value] : known->second) {
      all += (all.empty() ? "" : "; ") + name + "=" + value;
    }
    if (!all.empty()) request.headers.emplace_back("Cookie", all);
  }
  request.url = url.text();
  if (!access_.proxy.empty()) return request;
  NINES_TRY(const ChosenAddress chosen, choose_address(call_, url.host, ip_, !std::exchange(told_, true)));
  request.address = chosen.ip;
  phases.resolve += std::chrono::duration_cast<std::chrono::microseconds>(chosen.took);
  // The name asked for in the handshake is what stands in the URL; the address is given apart.
  const std::string* host = header_in(ask.headers, "host");
  std::string name = access_.tls.server_name;
  if (name.empty() && host != nullptr) {
    if (const Result<HostPort> parts = split_host_port(*host, 0)) name = parts->host;
  }
  if (first && url.scheme == "https" && !name.empty() && name != url.host) {
    request.url = url.text(name);
    if (host == nullptr) request.headers.emplace_back("Host", url.authority());
  }
  return request;
}

void HttpSession::keep_cookies(const std::string& host, const HttpResponse& response) {
  for (const auto& [name, value] : response.headers) {
    if (name != "set-cookie") continue;
    const std::string_view pair = trim(std::string_view(value).substr(0, value.find(';')));
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos || equals == 0) continue;
    cookies_[host][std::string(pair.substr(0, equals))] = std::string(pair.substr(equals + 1));
  }
}

Result<HttpOutcome> HttpSession::ask(HttpAsk ask) {
  HttpOutcome out;
  HttpPhases all;
  for (;;) {
    NINES_TRY(HttpRequest request, this->request(ask, all));
    call_.out.info("\"Making HTTP request\" url=" + ask.url);
    Result<HttpResponse> answer =
        send_and_wait(call_.tools.http, std::move(request), call_.patience);
    if (!answer) {
      out.response.status = 0;
      out.response.http_version = 0;
      out.response.failure = answer.error().what();
      out.response.phases = all;
      return out;
    }
    const HttpPhases& p = answer->phases;
    all.resolve += p.resolve;
    all.connect += p.connect;
    all.tls += p.tls;
    all.processing += p.processing;
    all.transfer += p.transfer;
    out.response = *std::move(answer);
    out.response.phases = all;
    if (out.response.status == 0) out.response.http_version = 0;
    out.url = ask.url;
    out.tls = out.response.tls.used;
    const HttpUrl url = *parse_http_url(ask.url);
    keep_cookies(url.host, out.response);
    if (out.response.status != 0) {
      call_.out.info("\"Received HTTP response\" status_code=" +
                     std::to_string(out.response.status));
    }
    const std::string location(out.response.header("location"));
    if (!is_redirect(out.response.status) || location.empty() || !out.response.failure.empty())
      return out;
    ++out.redirects;  // one that is not followed counts, too
    if (!ask.follow_redirects) return out;
    if (out.redirects > kRedirectsMax) {
      out.response.failure = "stopped after " + std::to_string(kRedirectsMax) + " redirects";
      return out;
    }
    NINES_TRY(ask.url, follow_link(ask.url, location));
    if (out.response.status != 307 && out.response.status != 308) {
      if (ask.method != "HEAD") ask.method = "GET";
      ask.body.clear();
    }
  }
}

}  // namespace nines::collector
