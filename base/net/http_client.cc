#include "base/net/http_client.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <utility>

#include <curl/curl.h>

#include "base/core/real_clock.h"
#include "base/net/internal/transfer.h"
#include "base/net/internal/worker.h"

namespace nines {
namespace {

void init_curl_once() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

class CurlHttpClient final : public HttpClient {
 public:
  CurlHttpClient(net::WorkerOptions each, const HttpClientOptions& options)
      : clock_(make_real_clock()) {
    init_curl_once();
    each.handles_per_shard = std::max<std::size_t>(1, options.handles_per_shard);
    each.user_agent = options.user_agent;
    for (int i = 0; i < std::max(1, options.threads); ++i) {
      net::WorkerOptions worker = each;
      worker.name += "-" + std::to_string(i);
      workers_.push_back(std::make_unique<net::Worker>(std::move(worker), *clock_));
    }
  }

  HttpCallId send(HttpRequest request, HttpDone done) override {
    Result<std::string> origin = net::origin_of(request.url);
    // One server stays with one worker: its connections are there.
    const std::size_t index = origin ? std::hash<std::string>{}(*origin) % workers_.size() : 0;
    // The number tells cancel() which worker has the call.
    const HttpCallId id{++last_call_ * workers_.size() + index};
    workers_[index]->add(std::make_unique<net::Transfer>(id, std::move(request), std::move(done)),
                         std::move(origin));
    return id;
  }

  void cancel(HttpCallId call) override {
    if (call == HttpCallId::kNone) return;
    workers_[static_cast<std::uint64_t>(call) % workers_.size()]->cancel(call);
  }

 private:
  const std::unique_ptr<Clock> clock_;
  std::atomic<std::uint64_t> last_call_ = 0;
  std::vector<std::unique_ptr<net::Worker>> workers_;
};

}  // namespace

void add_to_key(std::string_view part, std::string& key) {
  key += part;
  key += '\0';
}
void add_to_key(const HttpHeaders& headers, std::string& key) {
  add_to_key(std::to_string(headers.size()), key);
  for (const auto& [name, value] : headers) {
    add_to_key(name, key);
    add_to_key(value, key);
  }
}
void add_to_key(const TlsOptions& tls, std::string& key) {
  for (const std::string* part : {&tls.server_name, &tls.files.ca, &tls.files.cert, &tls.files.key,
                                  &tls.min_version, &tls.max_version}) {
    add_to_key(*part, key);
  }
  add_to_key(tls.verify ? "1" : "0", key);
}
void add_to_key(const HttpProxy& proxy, std::string& key) {
  for (const std::string* part : {&proxy.url, &proxy.secure_url, &proxy.except}) {
    add_to_key(*part, key);
  }
  add_to_key(proxy.connect_headers, key);
}

std::string_view HttpResponse::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const auto& header) { return header.first == name; });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::unique_ptr<HttpClient> make_curl_http_client(const HttpClientOptions& options) {
  net::WorkerOptions worker;
  worker.name = "nines-http";
  return net::make_workers(worker, options);
}

std::unique_ptr<HttpClient> net::make_workers(WorkerOptions each,
                                              const HttpClientOptions& options) {
  return std::make_unique<CurlHttpClient>(std::move(each), options);
}

Result<HttpResponse> send_and_wait(HttpClient& client, HttpRequest request) {
  std::promise<Result<HttpResponse>> promise;
  std::future<Result<HttpResponse>> result = promise.get_future();
  client.send(std::move(request),
              [&promise](Result<HttpResponse> r) { promise.set_value(std::move(r)); });
  return result.get();
}

Result<HttpResponse> send_and_wait(HttpClient& client, HttpRequest request,
                                   const Patience& patience) {
  // The client keeps the deadline and knows what it was waiting for; this one is for a client that
  // does not.
  constexpr Duration kGrace{1'000};
  const Patience longer(patience.clock(), patience.left() + kGrace, patience.stop());
  request.timeout = patience.left();
  if (request.timeout <= Duration(0)) return patience.timed_out();
  StopSignal answered;
  std::optional<Result<HttpResponse>> result;
  const HttpCallId call = client.send(std::move(request), [&](Result<HttpResponse> r) {
    result.emplace(std::move(r));
    answered.raise();
  });
  const Result<void> waited = longer.readable(answered.fd());
  client.cancel(call);  // waits for a callback that is running
  if (result) return *std::move(result);
  return waited ? patience.timed_out() : waited.error();
}

}  // namespace nines
