#pragma once
// One thread that drives many transfers: epoll below, above it several small libcurl multis and,
// for requests that need no library, a way of their own.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <curl/curl.h>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/net/http_client.h"
#include "base/net/internal/plain_way.h"
#include "base/net/internal/transfer.h"

namespace nines::net {

struct WorkerOptions {
  std::string name;                     // of the thread
  std::size_t handles_per_shard = 500;  // a libcurl multi grows slower than linear beyond
  std::string user_agent;
  std::size_t idle_max = 10'000;  // connections in plain HTTP/1.1 kept for a next request
  bool works_on_answers = false;  // a `done` may take its time, and post to an answer executor
};

// add() and cancel() from any thread, from inside a `done` too.
class Worker {
 public:
  Worker(WorkerOptions options, const Clock& clock);
  ~Worker();  // drops what is under way without calling `done`
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // `origin` keeps requests of one server on one shard, where their connections are; an error is
  // delivered as the call's result.
  void add(std::unique_ptr<Transfer> transfer, Result<std::string> origin);
  // The call's `done` is not running and will not run once this returned, unless this is called
  // from inside that very `done`.
  void cancel(HttpCallId id);
  // Whether this thread is inside a `done` that may take its time.
  static bool delivers_here();

 private:
  struct Shard;
  struct Order {                         // what other threads want done
    std::unique_ptr<Transfer> transfer;  // null: cancel `id`
    HttpCallId id{};
    Result<std::string> origin{std::string()};
  };

  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* shard, void* known);
  static int on_timer(CURLM* multi, long timeout_ms, void* shard);

  void run();
  bool take_orders();  // false: stop
  void start(Order order);
  void start_in_library(std::unique_ptr<Transfer> transfer, const std::string& origin);
  void drop(HttpCallId id);
  Shard& shard_for(const std::string& origin);
  Shard& make_shard();
  int wait_ms() const;
  void act(Shard& shard, curl_socket_t fd, int events);
  void collect(Shard& shard);
  void deliver(Transfer& transfer, Result<HttpResponse> result);
  CURL* lend(bool plain, bool& had_plain);
  void release(CURL* easy, bool as_is);
  void wake() const;

  const WorkerOptions options_;
  const Clock& clock_;
  const int epoll_;
  const int wake_;

  std::mutex mutex_;  // a std::mutex, because cancel() waits on a condition; guards the next five
  std::condition_variable delivered_;
  std::vector<Order> orders_;
  std::unordered_set<std::uint64_t> live_;  // calls whose `done` is still owed
  HttpCallId delivering_ = HttpCallId::kNone;
  bool stopping_ = false;

  // The thread's own.
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unordered_map<std::string, std::size_t> shard_of_;  // by origin
  struct Running {
    std::unique_ptr<Transfer> transfer;
    Shard* shard;
  };
  std::unordered_map<std::uint64_t, Running> running_;
  std::vector<CURL*> idle_;        // handles to use again
  std::vector<CURL*> idle_plain_;  // with the options of a plain transfer in them
  TlsFiles tls_files_;
  PlainWay plain_way_;

  std::thread thread_;  // last: it uses everything above
};

// A client of that many workers, each with `each`'s name and a number.
std::unique_ptr<HttpClient> make_workers(WorkerOptions each, const HttpClientOptions& options);

}  // namespace nines::net
