#pragma once
// One HTTP exchange on one libcurl easy handle: what is asked, and what has come back so far.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <curl/curl.h>

#include "base/core/result.h"
#include "base/net/http_client.h"
#include "base/net/inflate.h"
#include "base/net/internal/tls_files.h"

namespace nines::net {

// "http://host:port": requests of one origin share connections. kInvalid for a URL that is none, or
// is neither http nor https.
Result<std::string> origin_of(const std::string& url);

// A header as libcurl takes it. kInvalid: it would break out of its line.
Result<std::string> header_line(const std::string& name, const std::string& value);

// Owned by the worker that drives it; one thread. `this` must not move while prepared.
class Transfer {
 public:
  Transfer(HttpCallId id, HttpRequest request, HttpDone done);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Of a scrape as most are: GET in plain text, with nothing special about it. Such requests differ
  // in few options, and a handle that has had one of them can have the next.
  bool plain() const;
  // Plain, and with nothing to look up or to read before it can be asked.
  bool simple() const;
  // Sets every option of a fresh or reset handle; of one that a plain transfer had before this
  // plain one, as `had_plain` says, those that differ. kInvalid: method or header that would break
  // out of its line. kUnavailable: a TLS file or a secret's cannot be read.
  Result<void> prepare(CURL* easy, const std::string& user_agent, TlsFiles& files, bool had_plain);
  // The answer, or why there is none, once libcurl said `code`.
  Result<HttpResponse> finish(CURLcode code);

  // Time that was needed elsewhere counts, too.
  void spend(std::chrono::nanoseconds time);
  Duration patience() const { return patience_; }  // what is left of the request's
  Error timed_out(const char* during) const;

  HttpCallId id() const { return id_; }
  const HttpRequest& request() const { return request_; }
  CURL* easy() const { return easy_; }
  HttpDone& done() { return done_; }

 private:
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  Result<void> take_header(std::string_view line);
  Result<void> take_body(std::string_view bytes);
  void begin_response();
  void set_own();
  Result<void> set_headers();
  void set_method();
  Result<void> set_way();
  Result<void> set_proxy();
  void set_tls_versions();
  Result<void> set_server_name();
  Result<void> set_tls_files(TlsFiles& files);
  Result<void> read_secrets(TlsFiles& files);
  void read_certificates();
  void read_phases();
  Error failure(CURLcode code) const;

  const HttpCallId id_;
  HttpRequest request_;
  HttpDone done_;
  Duration patience_;
  CURL* easy_ = nullptr;  // lent by the worker
  curl_slist* headers_ = nullptr;
  curl_slist* way_ = nullptr;
  curl_slist* proxy_headers_ = nullptr;
  std::string host_header_;                              // when the URL names another host
  std::vector<std::shared_ptr<const std::string>> pem_;  // libcurl looks at them, makes no copy
  HttpResponse response_;
  std::size_t header_bytes_ = 0;
  bool has_body_ = false;
  std::unique_ptr<GzipInflater> inflater_;
  std::optional<Error> broken_;  // why we told libcurl to stop
  char message_[CURL_ERROR_SIZE] = {};
};

}  // namespace nines::net
