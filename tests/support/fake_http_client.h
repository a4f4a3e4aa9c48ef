#pragma once
// An HttpClient without a network: answers come from the test, calls are kept for it to look at.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/core/mutex.h"
#include "base/core/result.h"
#include "base/net/http_client.h"

namespace nines::testing {

inline HttpResponse make_response(int status, std::string body = {}, HttpHeaders headers = {}) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return response;
}

// Answers, in this order of preference: the next of answer_next(), the handler's, and else the call
// is held until the test calls answer() or it is cancelled. `done` runs in the thread of send() or
// answer(). Thread-safe.
class FakeHttpClient final : public HttpClient {
 public:
  using Handler = std::function<std::optional<Result<HttpResponse>>(const HttpRequest&)>;

  struct Call {
    HttpCallId id{};
    HttpRequest request;
    bool answered = false;
    bool cancelled = false;
  };

  // The answer of the next call that has none yet.
  void answer_next(Result<HttpResponse> result) {
    const MutexLock lock(mutex_);
    script_.push_back(std::move(result));
  }
  // Asked when the script is empty; nullopt holds the call.
  void set_handler(Handler handler) {
    const MutexLock lock(mutex_);
    handler_ = std::move(handler);
  }

  // Ends a held call. False when it is not held (answered, cancelled, never made).
  bool answer(HttpCallId id, Result<HttpResponse> result) {
    HttpDone done;
    {
      const MutexLock lock(mutex_);
      const auto held = held_.find(static_cast<std::uint64_t>(id));
      if (held == held_.end()) return false;
      done = std::move(held->second);
      held_.erase(held);
      calls_[static_cast<std::size_t>(id) - 1].answered = true;
    }
    done(std::move(result));
    return true;
  }
  // Ends the oldest held call.
  bool answer_oldest(Result<HttpResponse> result) {
    HttpCallId id{};
    {
      const MutexLock lock(mutex_);
      if (held_.empty()) return false;
      id = HttpCallId{held_.begin()->first};
    }
    return answer(id, std::move(result));
  }

  std::vector<Call> calls() const {
    const MutexLock lock(mutex_);
    return calls_;
  }
  std::size_t call_count() const {
    const MutexLock lock(mutex_);
    return calls_.size();
  }
  std::size_t held_count() const {
    const MutexLock lock(mutex_);
    return held_.size();
  }

  HttpCallId send(HttpRequest request, HttpDone done) override {
    std::optional<Result<HttpResponse>> result;
    Handler handler;
    HttpCallId id{};
    {
      const MutexLock lock(mutex_);
      id = HttpCallId{calls_.size() + 1};
      calls_.push_back({id, request, false, false});
      if (!script_.empty()) {
        result = std::move(script_.front());
        script_.pop_front();
      }
      handler = handler_;
    }
    if (!result && handler) result = handler(request);
    {
      const MutexLock lock(mutex_);
      if (!result) {
        held_[static_cast<std::uint64_t>(id)] = std::move(done);
        return id;
      }
      calls_[static_cast<std::size_t>(id) - 1].answered = true;
    }
    done(*std::move(result));
    return id;
  }
  void cancel(HttpCallId id) override {
    const MutexLock lock(mutex_);
    if (held_.erase(static_cast<std::uint64_t>(id)) != 0) {
      calls_[static_cast<std::size_t>(id) - 1].cancelled = true;
    }
  }

 private:
  mutable Mutex mutex_;
  std::deque<Result<HttpResponse>> script_ NINES_GUARDED_BY(mutex_);
  Handler handler_ NINES_GUARDED_BY(mutex_);
  std::vector<Call> calls_ NINES_GUARDED_BY(mutex_);
  std::map<std::uint64_t, HttpDone> held_ NINES_GUARDED_BY(mutex_);
};

}  // namespace nines::testing
