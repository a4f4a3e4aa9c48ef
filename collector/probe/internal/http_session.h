#pragma once
// What a browser would do with a URL: resolve, connect, ask, follow, keep cookies.

#include <map>
#include <string>
#include <vector>

#include "collector/probe/internal/probers.h"

namespace nines::collector {

struct HttpAsk {
  std::string method, url;
  std::map<std::string, std::string> headers;
  std::string body;
  bool follow_redirects = true;
  bool http2 = true;
  std::string compression;
};

// The last answer of a chain of redirects. Its phases are those of the whole chain.
struct HttpOutcome {
  HttpResponse response;  // `failure` says why it is not whole; status 0: there was none
  int redirects = 0;
  bool tls = false;  // of the last
  std::string url;   // of the last
};

// One assertion about an answer, and how it went.
struct Assertion {
  const char* what;  // "status", "http_version", "ssl", "header", "body", "transfer"
  bool holds = true;
  bool by_regex = false;
  std::string reason;  // when it does not hold
};
// All that `expect` asks for; an answer that is not whole fails "transfer".
std::vector<Assertion> judge(const HttpExpectation& expect, const HttpOutcome& outcome);

// One thread; for one probe.
class HttpSession {
 public:
  HttpSession(const ProbeCall& call, const HttpProbeAccess& access, const IpChoice& ip,
              std::uint64_t body_bytes_max)
      : call_(call), access_(access), ip_(ip), body_bytes_max_(body_bytes_max) {}

  // Errors: a URL that is none, a name that does not resolve, ten redirects.
  Result<HttpOutcome> ask(HttpAsk ask);

 private:
  Result<HttpRequest> request(const HttpAsk& ask, HttpPhases& phases);
  void keep_cookies(const std::string& host, const HttpResponse& response);

  const ProbeCall& call_;
  const HttpProbeAccess& access_;
  const IpChoice& ip_;
  const std::uint64_t body_bytes_max_;
  bool told_ = false;  // about the first address
  std::string first_host_;  // credentials are for it alone
  std::map<std::string, std::map<std::string, std::string>> cookies_;  // by host
};

}  // namespace nines::collector
