#include "base/net/internal/transfer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <openssl/asn1.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/net/internal/http_text.h"
#include "base/net/internal/tls_session.h"
#include "base/text/text.h"

namespace nines::net {
namespace {

constexpr long kRedirectsMax = 10;
constexpr long kReadBytes = 64 * 1024;  // at once; a scrape's usual body

std::string seconds(Duration d) {
  const auto ms = d.count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms";
}

std::chrono::microseconds time_of(CURL* easy, CURLINFO what) {
  curl_off_t us = 0;
  curl_easy_getinfo(easy, what, &us);
  return std::chrono::microseconds(us);
}

// "http://host:port" of a URL without anything in it that a parser is needed for: nearly all that
// are asked again and again. Empty for any other.
std::string plain_origin(std::string_view url) {
  const bool tls = url.starts_with("https://");
  if (!tls && !url.starts_with("http://")) return {};
  const std::size_t from = tls ? 8 : 7;
  std::size_t at = from;
  const auto is_host = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  while (at < url.size() && is_host(url[at])) ++at;
  if (at == from) return {};
  const std::size_t host_end = at;
  if (at < url.size() && url[at] == ':') {
    while (++at < url.size() && url[at] >= '0' && url[at] <= '9') {
    }
    const std::string_view port = url.substr(host_end + 1, at - host_end - 1);
    if (port.empty() || port.size() > 5 || port[0] == '0') return {};
    if (port.size() == 5 && port > "65535") return {};
  }
  const std::size_t end = at;
  if (at < url.size() && url[at] != '/') return {};
  const bool plain = std::all_of(url.begin() + static_cast<std::ptrdiff_t>(at), url.end(),
                                 [](char c) { return c > ' ' && c < 127 && c != '\\'; });
  if (!plain) return {};
  std::string origin(url.substr(0, end));
  if (end == host_end) origin += tls ? ":443" : ":80";
  return origin;
}

}  // namespace

Result<std::string> header_line(const std::string& name, const std::string& value) {
  if (!is_token(name) || !is_field_value(value)) {
    return Error(ErrorCode::kInvalid, "bad HTTP header \"" + name + "\"");
  }
  // libcurl's own way of writing a header without a value.
  return value.empty() ? name + ";" : name + ": " + value;
}

Result<std::string> origin_of(const std::string& url) {
  if (std::string origin = plain_origin(url); !origin.empty()) return origin;
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  if (const CURLUcode bad = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0); bad != 0) {
    return Error(ErrorCode::kInvalid, "bad URL \"" + url + "\": " + curl_url_strerror(bad));
  }
  const auto part = [&](CURLUPart which, unsigned flags) {
    char* text = nullptr;
    std::string out;
    if (curl_url_get(parsed.get(), which, &text, flags) == CURLUE_OK) out = text;
    curl_free(text);
    return out;
  };
  const std::string scheme = part(CURLUPART_SCHEME, 0);
  if (scheme != "http" && scheme != "https") {
    return Error(ErrorCode::kInvalid,
                 "bad URL \"" + url + "\": only http:// and https:// are read");
  }
  return scheme + "://" + part(CURLUPART_HOST, 0) + ":" + part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

Transfer::Transfer(HttpCallId id, HttpRequest request, HttpDone done)
    : id_(id),
      request_(std::move(request)),
      done_(std::move(done)),
      patience_(std::max(Duration(1), request_.timeout)) {}

Transfer::~Transfer() {
  curl_slist_free_all(headers_);
  curl_slist_free_all(way_);
  curl_slist_free_all(proxy_headers_);
}

bool Transfer::plain() const {
  const HttpRequest& r = request_;
  const bool as_is = r.body.empty() && r.basic_user.empty() && r.proxy.empty() &&
                     r.address.empty() && r.source_ip.empty() && r.tls.server_name.empty() &&
                     r.tls.min_version.empty() && r.tls.max_version.empty() &&
                     r.tls.files.ca.empty() && r.tls.files.cert.empty() && r.tls.files.key.empty();
  return as_is && r.method == "GET" && r.url.starts_with("http://") && r.tls.verify && r.http2 &&
         !r.http2_only && !r.fresh_connection && !r.tls_details;
}

bool Transfer::simple() const {
  return plain() && !request_.keep_partial && request_.credentials_file.empty() &&
         request_.oauth2 == nullptr;
}

void Transfer::spend(std::chrono::nanoseconds time) {
  patience_ = std::max(Duration(1), patience_ - std::chrono::floor<Duration>(time));
}

Error Transfer::timed_out(const char* during) const {
  return {ErrorCode::kUnavailable, "timed out after " + seconds(request_.timeout) + " " + during};
}

// What differs between two plain transfers, beside the headers.
void Transfer::set_own() {
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(easy_, option, value); };
  const auto timeout = static_cast<long>(patience_.count());
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_TIMEOUT_MS, timeout);
  set(CURLOPT_CONNECTTIMEOUT_MS, timeout);
  set(CURLOPT_FOLLOWLOCATION, request_.follow_redirects ? 1L : 0L);
  set(CURLOPT_ERRORBUFFER, message_);
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
}

Result<void> Transfer::prepare(CURL* easy, const std::string& user_agent, TlsFiles& files,
                               bool had_plain) {
  easy_ = easy;
  if (!is_token(request_.method)) {
    return Error(ErrorCode::kInvalid, "bad HTTP method \"" + request_.method + "\"");
  }
  if (Result<void> read = read_secrets(files); !read) return read;
  set_own();
  if (had_plain) return set_headers();
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(easy_, option, value); };
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_BUFFERSIZE, kReadBytes);
  set(CURLOPT_QUICK_EXIT, 1L);  // a resolver that hangs must not hold the worker at the deadline
  set(CURLOPT_MAXREDIRS, kRedirectsMax);
  set(CURLOPT_SSL_VERIFYPEER, request_.tls.verify ? 1L : 0L);
  set(CURLOPT_SSL_VERIFYHOST, request_.tls.verify ? 2L : 0L);
  set(CURLOPT_HTTP_VERSION,
      static_cast<long>(request_.http2_only ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
                        : request_.http2    ? CURL_HTTP_VERSION_2TLS
                                            : CURL_HTTP_VERSION_1_1));
  // Who wants HTTP/2 would be given a kept connection of HTTP/1.1. OpenSSL has no use for this
  // option, but libcurl shares no connection between those that differ in it.
  if (!request_.http2) set(CURLOPT_SSL_OPTIONS, static_cast<long>(CURLSSLOPT_NO_REVOKE));
  if (Result<void> way = set_way(); !way) return way;
  set_tls_versions();
  if (Result<void> named = set_server_name(); !named) return named;
  if (Result<void> read = set_tls_files(files); !read) return read;
  set(CURLOPT_USERAGENT, user_agent.c_str());
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  if (request_.fresh_connection) {
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
    set(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
  }
  if (!request_.basic_user.empty()) {
    set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    set(CURLOPT_USERNAME, request_.basic_user.c_str());
    set(CURLOPT_PASSWORD, request_.basic_password.c_str());
  }
  set_method();
  return set_headers();
}

void Transfer::set_method() {
  const std::string& method = request_.method;
  if (!request_.body.empty() || method == "POST") {
    curl_easy_setopt(easy_, CURLOPT_POST, 1L);
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, request_.body.c_str());
    if (method != "POST") curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, method.c_str());
  } else if (method == "HEAD") {
    curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
  } else if (method != "GET") {
    curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, method.c_str());
  }
}

Result<void> Transfer::set_headers() {
  bool has_type = false;
  bool has_encoding = false;
  bool has_host = false;
  for (const auto& [name, value] : request_.headers) {
    NINES_TRY(const std::string line, header_line(name, value));
    const std::string plain = to_lower(name);
    has_type = has_type || plain == "content-type";
    has_encoding = has_encoding || plain == "accept-encoding";
    has_host = has_host || plain == "host";
    headers_ = curl_slist_append(headers_, line.c_str());
  }
  if (request_.accept_compressed && !has_encoding) {
    headers_ = curl_slist_append(headers_, "Accept-Encoding: gzip");
  }
  if (!host_header_.empty() && !has_host) {
    headers_ = curl_slist_append(headers_, ("Host: " + host_header_).c_str());
  }
  // Without these lines libcurl adds a form's content type and waits for "100 Continue".
  if (!has_type) headers_ = curl_slist_append(headers_, "Content-Type:");
  headers_ = curl_slist_append(headers_, "Expect:");
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
  return {};
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  Result<void> taken = transfer.take_header({data, size * count});
  if (taken) return size * count;
  transfer.broken_ = std::move(taken).error();
  return CURL_WRITEFUNC_ERROR;
}

std::size_t Transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  Result<void> taken = transfer.take_body({data, size * count});
  if (taken) return size * count;
  transfer.broken_ = std::move(taken).error();
  return CURL_WRITEFUNC_ERROR;
}

Result<void> Transfer::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > request_.header_bytes_max) {
    return Error(
        ErrorCode::kLimit,
        "answer has more than " + std::to_string(request_.header_bytes_max) + " bytes of headers");
  }
  if (line.starts_with("HTTP/")) {
    begin_response();
    return {};
  }
  if (trim(line).empty()) return {};
  if ((line[0] == ' ' || line[0] == '\t') && !response_.headers.empty()) {
    response_.headers.back().second.append(" ").append(trim(line));  // a folded line
    return {};
  }
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return {};
  response_.headers.emplace_back(to_lower(trim(line.substr(0, colon))),
                                 std::string(trim(line.substr(colon + 1))));
  return {};
}

// The first of several (100 Continue, redirects), or the last.
void Transfer::begin_response() {
  response_.headers.clear();
  response_.body.clear();
  response_.wire_bytes = 0;
  inflater_.reset();
  has_body_ = false;
  read_certificates();
}

// libcurl's TLS session can only be looked at from inside a callback.
void Transfer::read_certificates() {
  response_.tls_not_after = 0;
  curl_tlssessioninfo* session = nullptr;
  if (curl_easy_getinfo(easy_, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || session == nullptr ||
      session->backend != CURLSSLBACKEND_OPENSSL || session->internals == nullptr) {
    return;
  }
  const auto* tls = static_cast<SSL*>(session->internals);
  if (request_.tls_details) response_.tls = read_tls(tls, request_.tls.verify);
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(tls);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    std::tm at{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(chain, i)), &at) != 1) continue;
    const std::int64_t expires = ::timegm(&at);
    if (response_.tls_not_after == 0 || expires < response_.tls_not_after) {
      response_.tls_not_after = expires;
    }
  }
}

Result<void> Transfer::take_body(std::string_view bytes) {
  response_.wire_bytes += bytes.size();
  if (!has_body_) {
    has_body_ = true;
    const std::string encoding = to_lower(response_.header("content-encoding"));
    if (request_.accept_compressed && (encoding == "gzip" || encoding == "x-gzip")) {
      inflater_ = std::make_unique<GzipInflater>(request_.body_bytes_max);
    } else {
      curl_off_t announced = -1;
      curl_easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
      const auto want = static_cast<std::size_t>(std::max<curl_off_t>(0, announced));
      if (want <= request_.body_bytes_max)
        response_.body.reserve(std::min<std::size_t>(want, 1u << 20));
    }
  }
  if (inflater_) return inflater_->feed(bytes, response_.body);
  if (response_.body.size() + bytes.size() > request_.body_bytes_max) {
    response_.body.append(bytes.substr(0, request_.body_bytes_max - response_.body.size()));
    return Error(ErrorCode::kLimit,
                 "answer is larger than " + std::to_string(request_.body_bytes_max) + " bytes");
  }
  response_.body.append(bytes);
  return {};
}

void Transfer::read_phases() {
  using std::chrono::microseconds;
  const auto between = [](microseconds from, microseconds to) {
    return std::max(microseconds(0), to - from);
  };
  const microseconds resolved = time_of(easy_, CURLINFO_NAMELOOKUP_TIME_T);
  const microseconds connected = time_of(easy_, CURLINFO_CONNECT_TIME_T);
  const microseconds secured = time_of(easy_, CURLINFO_APPCONNECT_TIME_T);
  const microseconds sent = time_of(easy_, CURLINFO_PRETRANSFER_TIME_T);
  const microseconds answered = time_of(easy_, CURLINFO_STARTTRANSFER_TIME_T);
  HttpPhases& p = response_.phases;
  p.total = time_of(easy_, CURLINFO_TOTAL_TIME_T);
  long connects = 0;
  curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connects);
  if (connects > 0) {  // over a kept connection these phases did not happen
    p.resolve = resolved;
    p.connect = between(resolved, connected);
    if (secured.count() > 0) p.tls = between(connected, secured);
  }
  p.processing = between(sent, answered);
  if (answered.count() > 0) p.transfer = between(answered, p.total);
}

Result<HttpResponse> Transfer::finish(CURLcode code) {
  std::optional<Error> failed = std::move(broken_);
  if (!failed && code == CURLE_OK && inflater_) {
    if (Result<void> whole = inflater_->finish(); !whole) failed = std::move(whole).error();
  }
  if (!failed && code != CURLE_OK) failed = failure(code);
  if (failed && (!request_.keep_partial || failed->code() == ErrorCode::kInvalid)) {
    return *std::move(failed);
  }
  if (failed) response_.failure = failed->what();
  long number = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &number);
  response_.status = static_cast<int>(number);
  curl_easy_getinfo(easy_, CURLINFO_REDIRECT_COUNT, &number);
  response_.redirects = static_cast<int>(number);
  curl_easy_getinfo(easy_, CURLINFO_HTTP_VERSION, &number);
  response_.http_version = number == CURL_HTTP_VERSION_1_0   ? 10
                           : number == CURL_HTTP_VERSION_2_0 ? 20
                                                             : 11;
  const char* ip = nullptr;
  curl_easy_getinfo(easy_, CURLINFO_PRIMARY_IP, &ip);
  if (ip != nullptr) response_.remote_ip = ip;
  read_phases();
  return std::move(response_);
}

Error Transfer::failure(CURLcode code) const {
  const std::string detail = message_[0] != '\0' ? message_ : curl_easy_strerror(code);
  long os_error = 0;
  curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
  switch (code) {
    case CURLE_URL_MALFORMAT:
      return {ErrorCode::kInvalid, "bad URL: " + detail};
    case CURLE_UNSUPPORTED_PROTOCOL:  // of the answer; the request's own is checked before
      return {ErrorCode::kUnavailable, header_bytes_ == 0 ? "answer is not HTTP" : detail};
    case CURLE_OPERATION_TIMEDOUT: {
      const char* during = "while waiting for the answer";
      if (time_of(easy_, CURLINFO_NAMELOOKUP_TIME_T).count() == 0) {
        during = "while resolving the name";
      } else if (time_of(easy_, CURLINFO_CONNECT_TIME_T).count() == 0) {
        during = "while connecting";
      } else if (time_of(easy_, CURLINFO_PRETRANSFER_TIME_T).count() == 0) {
        during = "during the TLS handshake";
      } else if (time_of(easy_, CURLINFO_STARTTRANSFER_TIME_T).count() != 0) {
        during = "while reading the answer";
      }
      return timed_out(during);
    }
    case CURLE_COULDNT_CONNECT:
      if (os_error != 0) {
        return {ErrorCode::kUnavailable,
                detail + " (" + std::strerror(static_cast<int>(os_error)) + ")"};
      }
      return {ErrorCode::kUnavailable, detail};
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return {ErrorCode::kUnavailable, "DNS: " + detail};
    case CURLE_OUT_OF_MEMORY:  // so libcurl calls a header line past its own bound, too
      return {ErrorCode::kLimit, "answer has a header line of more than 100 KiB"};
    case CURLE_GOT_NOTHING:
      return {ErrorCode::kUnavailable, "connection closed without an answer"};
    default:
      return {ErrorCode::kUnavailable, detail};
  }
}

}  // namespace nines::net
