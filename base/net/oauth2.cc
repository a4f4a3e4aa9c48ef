#include "base/net/oauth2.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/net/internal/oauth2_token.h"
#include "base/text/numbers.h"

namespace nines {
namespace {

constexpr std::uint64_t kOurs = 1ULL << 63;  // in the number of a call: not the inner client's

struct Call {
  HttpRequest request;
  HttpDone done;
  std::string key;  // of its token
  Instant deadline{};
  TimerId timer = TimerId::kNone;
  bool waiting = false;     // for a token
  bool renewed = false;     // its token was refused once already
  std::uint64_t tries = 0;  // of sending it
  HttpCallId inner = HttpCallId::kNone;
};

// One token and who waits for it.
struct Entry {
  std::string authorization;  // empty: there is none
  Instant got{}, used{};
  std::optional<Instant> renew_at;
  bool asking = false;
  bool in_body = false;  // how its server wants the credentials
  std::optional<Error> failure;
  Instant failed_at{};
  std::vector<std::uint64_t> waiting;
};

// Outlives the client as long as a callback of the scheduler or of the inner client runs.
class Tokens : public std::enable_shared_from_this<Tokens> {
 public:
  Tokens(HttpClient& inner, Scheduler& scheduler, const OAuth2Options& options)
      : inner_(inner), scheduler_(scheduler), options_(options) {}

  HttpCallId send(HttpRequest request, HttpDone done);
  void cancel(std::uint64_t id);
  void close();

 private:
  Instant now() const { return scheduler_.clock().elapsed(); }
  void obtain(std::uint64_t id);
  Entry& entry_of(const std::string& key);  // holds mutex_
  void ask(const std::string& key, std::shared_ptr<const OAuth2Config> config, bool in_body);
  void take(const std::string& key, const std::shared_ptr<const OAuth2Config>& config, bool in_body,
            const Result<HttpResponse>& answer);
  void forward(std::uint64_t id, const std::string& authorization);
  void take_answer(std::uint64_t id, const std::string& authorization, Result<HttpResponse> answer);
  bool renew(std::uint64_t id, const std::string& authorization);
  void time_out(std::uint64_t id);
  void deliver(std::uint64_t id, Result<HttpResponse> result);
  static Error timed_out(const HttpRequest& request) {
    return {ErrorCode::kUnavailable, "oauth2: timed out after " + format_duration(request.timeout) +
                                         " while waiting for a token"};
  }

  HttpClient& inner_;
  Scheduler& scheduler_;
  const OAuth2Options options_;
  std::mutex mutex_;  // a std::mutex, because cancel() waits on a condition; guards all below
  std::condition_variable delivered_;
  std::uint64_t last_ = 0;
  bool closed_ = false;
  std::unordered_map<std::uint64_t, Call> calls_;
  std::unordered_map<std::uint64_t, std::thread::id> delivering_;
  std::unordered_map<std::string, Entry> entries_;
};

HttpCallId Tokens::send(HttpRequest request, HttpDone done) {
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = kOurs | ++last_;
    Call& call = calls_[id];
    call.key = to_key(*request.oauth2);
    call.deadline = now() + request.timeout;
    call.request = std::move(request);
    call.done = std::move(done);
  }
  obtain(id);
  return HttpCallId{id};
}

Entry& Tokens::entry_of(const std::string& key) {
  const auto found = entries_.find(key);
  if (found != entries_.end()) return found->second;
  if (entries_.size() >= options_.tokens_max) {
    auto oldest = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (it->second.asking) continue;
      if (oldest == entries_.end() || it->second.used < oldest->second.used) oldest = it;
    }
    if (oldest != entries_.end()) entries_.erase(oldest);
  }
  return entries_[key];
}

// Sends the call at once when there is a token, and else lets it wait for one.
void Tokens::obtain(std::uint64_t id) {
  std::string authorization;
  std::optional<Error> failure;
  std::shared_ptr<const OAuth2Config> config;
  std::string key;
  bool in_body = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    Call& call = found->second;
    Entry& entry = entry_of(call.key);
    entry.used = now();
    if (entry.renew_at && *entry.renew_at <= now()) entry.authorization.clear();
    if (!entry.authorization.empty()) {
      authorization = entry.authorization;
    } else if (!entry.asking && entry.failure && now() < entry.failed_at + options_.pause) {
      failure = entry.failure;
    } else {
      call.waiting = true;
      entry.waiting.push_back(id);
      call.timer = scheduler_.at(call.deadline, [weak = weak_from_this(), id] {
        if (const auto self = weak.lock()) self->time_out(id);
      });
      if (!entry.asking) {
        entry.asking = true;
        config = call.request.oauth2;
        in_body = entry.in_body;
        key = call.key;
      }
    }
  }
  if (failure) return deliver(id, *std::move(failure));
  if (!authorization.empty()) return forward(id, authorization);
  if (config) ask(key, std::move(config), in_body);
}

void Tokens::ask(const std::string& key, std::shared_ptr<const OAuth2Config> config, bool in_body) {
  Result<HttpRequest> request = net::token_request(*config, in_body, options_);
  if (!request) return take(key, config, true, request.error());
  inner_.send(*std::move(request), [weak = weak_from_this(), key, config = std::move(config),
                                   in_body](const Result<HttpResponse>& answer) {
    if (const auto self = weak.lock()) self->take(key, config, in_body, answer);
  });
}

void Tokens::take(const std::string& key, const std::shared_ptr<const OAuth2Config>& config,
                  bool in_body, const Result<HttpResponse>& answer) {
  Result<net::OAuth2Token> token = net::read_token(answer);
  // A server that knows only the other way says 400 or 401.
  const bool refused = answer && (answer->status == 400 || answer->status == 401);
  if (!token && refused && !in_body) return ask(key, config, true);
  std::vector<std::uint64_t> waiting;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    Entry& entry = entry_of(key);
    entry.asking = false;
    waiting.swap(entry.waiting);
    if (token) {
      entry.authorization = token->authorization;
      entry.in_body = in_body;
      entry.got = now();
      entry.failure.reset();
      entry.renew_at.reset();
      if (token->life) {
        entry.renew_at = now() + *token->life - std::min(options_.early, *token->life / 2);
      }
    } else {
      // How the server wants the credentials is not known after this.
      entry.in_body = false;
      entry.failure = token.error();
      entry.failed_at = now();
    }
  }
  for (const std::uint64_t id : waiting) {
    if (token) {
      forward(id, token->authorization);
    } else {
      deliver(id, token.error());
    }
  }
}

void Tokens::forward(std::uint64_t id, const std::string& authorization) {
  HttpRequest request;
  std::uint64_t tries = 0;
  Duration left{};
  {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    Call& call = found->second;
    call.waiting = false;
    scheduler_.cancel(std::exchange(call.timer, TimerId::kNone));
    tries = ++call.tries;
    left = std::chrono::ceil<Duration>(call.deadline - now());
    request = call.request;
  }
  if (left <= Duration(0)) return deliver(id, timed_out(request));
  request.timeout = left;
  request.oauth2.reset();
  request.headers.emplace_back("Authorization", authorization);
  const auto over = std::make_shared<std::atomic<bool>>(false);
  const HttpCallId inner =
      inner_.send(std::move(request),
                  [weak = weak_from_this(), id, authorization, over](Result<HttpResponse> answer) {
                    *over = true;
                    if (const auto self = weak.lock())
                      self->take_answer(id, authorization, std::move(answer));
                  });
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(id);
    cancelled = found == calls_.end();
    // It may have been answered already, and sent again.
    if (!cancelled && found->second.tries == tries) found->second.inner = inner;
  }
  if (cancelled && !*over) inner_.cancel(inner);
}

void Tokens::take_answer(std::uint64_t id, const std::string& authorization,
                         Result<HttpResponse> answer) {
  if (answer && answer->status == 401 && renew(id, authorization)) return obtain(id);
  deliver(id, std::move(answer));
}

// True: the call is worth another try, with another token.
bool Tokens::renew(std::uint64_t id, const std::string& authorization) {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(id);
  if (found == calls_.end() || std::exchange(found->second.renewed, true)) return false;
  Entry& entry = entry_of(found->second.key);
  if (entry.authorization != authorization) return true;  // somebody has renewed it
  if (now() < entry.got + options_.pause) return false;
  entry.authorization.clear();
  return true;
}

void Tokens::time_out(std::uint64_t id) {
  HttpRequest request;
  {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(id);
    if (found == calls_.end() || !found->second.waiting) return;
    request.timeout = found->second.request.timeout;
  }
  deliver(id, timed_out(request));
}

void Tokens::deliver(std::uint64_t id, Result<HttpResponse> result) {
  HttpDone done;
  {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    scheduler_.cancel(found->second.timer);
    done = std::move(found->second.done);
    calls_.erase(found);
    delivering_[id] = std::this_thread::get_id();
  }
  done(std::move(result));
  done = nullptr;  // what it holds goes before cancel() may return
  {
    const std::lock_guard lock(mutex_);
    delivering_.erase(id);
  }
  delivered_.notify_all();
}

void Tokens::cancel(std::uint64_t id) {
  HttpCallId inner = HttpCallId::kNone;
  {
    std::unique_lock lock(mutex_);
    const auto found = calls_.find(id);
    if (found == calls_.end()) {
      delivered_.wait(lock, [&] {
        const auto running = delivering_.find(id);
        return running == delivering_.end() || running->second == std::this_thread::get_id();
      });
      return;
    }
    scheduler_.cancel(found->second.timer);
    inner = found->second.inner;
    calls_.erase(found);
  }
  inner_.cancel(inner);
}

// With the inner client gone only a timer can still deliver.
void Tokens::close() {
  std::unordered_map<std::uint64_t, Call> dropped;
  std::unique_lock lock(mutex_);
  closed_ = true;
  for (const auto& [id, call] : calls_) scheduler_.cancel(call.timer);
  dropped.swap(calls_);
  delivered_.wait(lock, [&] { return delivering_.empty(); });
}

class OAuth2HttpClient final : public HttpClient {
 public:
  OAuth2HttpClient(std::unique_ptr<HttpClient> inner, Scheduler& scheduler,
                   const OAuth2Options& options)
      : inner_(std::move(inner)), tokens_(std::make_shared<Tokens>(*inner_, scheduler, options)) {}
  ~OAuth2HttpClient() override {
    inner_.reset();
    tokens_->close();
  }

  HttpCallId send(HttpRequest request, HttpDone done) override {
    return request.oauth2 ? tokens_->send(std::move(request), std::move(done))
                          : inner_->send(std::move(request), std::move(done));
  }
  void cancel(HttpCallId call) override {
    const auto id = static_cast<std::uint64_t>(call);
    (id & kOurs) != 0 ? tokens_->cancel(id) : inner_->cancel(call);
  }

 private:
  std::unique_ptr<HttpClient> inner_;
  const std::shared_ptr<Tokens> tokens_;
};

}  // namespace

std::string to_key(const OAuth2Config& c) {
  std::string all;
  for (const std::string* part :
       {&c.token_url, &c.client_id, &c.client_secret, &c.client_secret_file}) {
    add_to_key(*part, all);
  }
  add_to_key(std::to_string(c.scopes.size()), all);
  for (const std::string& scope : c.scopes) add_to_key(scope, all);
  add_to_key(HttpHeaders(c.endpoint_params.begin(), c.endpoint_params.end()), all);
  add_to_key(c.tls, all);
  add_to_key(c.proxy, all);
  return all;
}

std::unique_ptr<HttpClient> make_oauth2_http_client(std::unique_ptr<HttpClient> inner,
                                                    Scheduler& scheduler,
                                                    const OAuth2Options& options) {
  return std::make_unique<OAuth2HttpClient>(std::move(inner), scheduler, options);
}

}  // namespace nines
