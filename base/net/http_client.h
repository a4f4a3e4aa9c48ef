#pragma once
// Outbound HTTP, as an interface; the real one drives libcurl multi from few threads.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/net/tls_info.h"
#include "base/net/wait.h"

namespace nines {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;  // in order, names as given

// Files in PEM. One that has changed counts from the next request on, which then does not go over a
// kept connection: a renewed certificate needs no restart.
struct HttpTlsFiles {
  std::string ca;         // whom to trust in place of the system's authorities
  std::string cert, key;  // who we are, when the server asks
};

struct TlsOptions {
  // Asked for (SNI) and expected in the certificate, in place of the name the peer is called by.
  std::string server_name;
  bool verify = true;
  HttpTlsFiles files;
  std::string min_version, max_version;  // "TLS12"; empty: the library's own
};

// Which way a request goes. The environment is not read.
struct HttpProxy {
  std::string url, secure_url;  // for http:// and for https://; empty: none
  std::string except;  // names, domains, addresses and networks asked directly, with commas between
  HttpHeaders connect_headers;  // for the proxy alone, on the way to https://

  bool empty() const { return url.empty() && secure_url.empty(); }
};

// Each appends all of its part to a text: equal texts, equal configurations.
void add_to_key(std::string_view part, std::string& key);
void add_to_key(const HttpHeaders& headers, std::string& key);
void add_to_key(const TlsOptions& tls, std::string& key);
void add_to_key(const HttpProxy& proxy, std::string& key);

struct OAuth2Config;  // base/net/oauth2.h

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http:// or https:// only
  HttpHeaders headers;
  std::string body;
  Duration timeout{10'000};                // of the whole exchange, connect to last byte
  std::size_t body_bytes_max = 16u << 20;  // of the answer, after decompression; beyond: kLimit
  std::size_t header_bytes_max = 64u << 10;
  bool follow_redirects = false;  // at most 10, http(s) only
  bool accept_compressed =
      false;  // gzip; inflated with the cap above and a ratio cap of 100:1 past 1 MiB
  TlsOptions tls;
  bool http2 = true;                       // offered over TLS
  bool fresh_connection = false;           // a probe wants DNS, connect and TLS phases of its own
  std::string basic_user, basic_password;  // used when basic_user is not empty
  // Where the password stands, or the credentials of an Authorization header and their type: read
  // for every request, spaces around it dropped. Empty: nowhere.
  std::string basic_password_file;
  std::string credentials_type, credentials_file;
  HttpProxy proxy;
  std::string address;     // to connect to, in place of what the URL's host resolves to
  std::string source_ip;   // to connect from; empty: any
  bool http2_only = false;  // HTTP/2 without asking first, in plain text too
  bool tls_details = false;                      // fills HttpResponse::tls
  // What failed after the request had begun is told in HttpResponse::failure beside what had come
  // until then, not as an error.
  bool keep_partial = false;
  // The token to show. Only a client made by make_oauth2_http_client() looks at it; shared by all
  // requests of a job, immutable.
  std::shared_ptr<const OAuth2Config> oauth2;
};

struct HttpPhases {  // each the time spent in that phase, zero when it did not happen
  std::chrono::microseconds resolve{}, connect{}, tls{}, processing{}, transfer{}, total{};
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  // of the last response when redirected, names in lower case
  std::string body;
  HttpPhases phases;
  int redirects = 0;
  int http_version = 11;  // 10, 11, 20
  std::string remote_ip;
  std::int64_t tls_not_after =
      0;  // seconds since the epoch, of the earliest-expiring peer certificate; 0 without TLS
  TlsInfo tls;               // with tls_details
  std::size_t wire_bytes = 0;  // of the body, before it was inflated
  std::string failure;       // with keep_partial: why the answer is not whole; `status` may be 0

  // The first header of that (lower case) name, or empty.
  std::string_view header(std::string_view name) const;
};

enum class HttpCallId : std::uint64_t { kNone = 0 };
using HttpDone = std::function<void(Result<HttpResponse>)>;

// Thread-safe. Each call ends in exactly one `done`, on one of the client's own threads (do not
// block there; post to an Executor) unless cancelled first. Errors: kUnavailable (refused, reset,
// timed out, DNS: the text says which and after how long), kLimit (answer too large),
// kInvalid (bad URL). Any HTTP status is an answer, not an error.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual HttpCallId send(HttpRequest request, HttpDone done) = 0;
  // `done` is not called after cancel() has returned: one that is running is waited for (except
  // from inside itself), so hold no lock here that a `done` takes.
  virtual void cancel(HttpCallId call) = 0;
};

struct HttpClientOptions {
  int threads = 2;
  std::size_t handles_per_shard = 500;  // one libcurl multi grows slower than linear beyond
  std::string user_agent = "nines/0.1.0";
};

// Over libcurl multi with epoll. The destructor drops what is under way without calling `done`.
std::unique_ptr<HttpClient> make_curl_http_client(const HttpClientOptions& options);

// send() and wait, for the command line. Never call it from a callback.
Result<HttpResponse> send_and_wait(HttpClient& client, HttpRequest request);
// The same for as long as the patience lasts: the request's timeout is what is left of it, and a
// raised stop cancels the call.
Result<HttpResponse> send_and_wait(HttpClient& client, HttpRequest request,
                                   const Patience& patience);

}  // namespace nines
