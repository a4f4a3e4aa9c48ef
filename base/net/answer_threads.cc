#include "base/net/answer_threads.h"

#include <cstdint>
#include <utility>

#include "base/net/internal/worker.h"

namespace nines {
namespace {

// Requests with a token go another way, and their numbers get a bit of their own.
class SplitClient final : public HttpClient {
 public:
  SplitClient(std::unique_ptr<HttpClient> own, HttpClient& with_tokens)
      : own_(std::move(own)), with_tokens_(with_tokens) {}

  HttpCallId send(HttpRequest request, HttpDone done) override {
    if (!request.oauth2) return own_->send(std::move(request), std::move(done));
    const HttpCallId call = with_tokens_.send(std::move(request), std::move(done));
    return HttpCallId{static_cast<std::uint64_t>(call) | kTheirs};
  }
  void cancel(HttpCallId call) override {
    const auto id = static_cast<std::uint64_t>(call);
    if ((id & kTheirs) == 0) return own_->cancel(call);
    with_tokens_.cancel(HttpCallId{id & ~kTheirs});
  }

 private:
  static constexpr std::uint64_t kTheirs = std::uint64_t{1} << 61;
  const std::unique_ptr<HttpClient> own_;
  HttpClient& with_tokens_;
};

class AnswerExecutor final : public Executor {
 public:
  explicit AnswerExecutor(Executor& others) : others_(others) {}
  bool post(std::function<void()> task) override {
    if (!net::Worker::delivers_here()) return others_.post(std::move(task));
    task();
    return true;
  }

 private:
  Executor& others_;
};

}  // namespace

std::unique_ptr<HttpClient> make_answer_http_client(const AnswerClientOptions& options) {
  net::WorkerOptions each;
  each.name = options.name.substr(0, 12);
  each.idle_max = options.idle_connections_max;
  each.works_on_answers = true;
  std::unique_ptr<HttpClient> client = net::make_workers(std::move(each), options.http);
  if (options.with_tokens == nullptr) return client;
  return std::make_unique<SplitClient>(std::move(client), *options.with_tokens);
}

std::unique_ptr<Executor> make_answer_executor(Executor& others) {
  return std::make_unique<AnswerExecutor>(others);
}

}  // namespace nines
