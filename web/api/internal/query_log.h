#pragma once
// The PromQL queries people are running, and those that took long: to be looked at, and to be
// stopped.

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/mutex.h"
#include "storage/api/querier.h"

namespace nines::web {

// Thread-safe.
class QueryLog {
 public:
  struct Options {
    Duration slow_after{1000};    // a query that took as long is remembered
    std::size_t slow_max = 50;    // of those, the newest
    std::size_t text_max = 2048;  // bytes kept of a query's text
  };
  struct Entry {
    std::uint64_t id = 0;
    std::string text;
    Timestamp started{};
    Duration elapsed{};    // so far, or in all
    bool stopped = false;  // somebody asked for its end
  };

  explicit QueryLog(const Clock& clock) : QueryLog(clock, Options()) {}
  QueryLog(const Clock& clock, Options options) : clock_(clock), options_(options) {}

  // A query that runs as long as this lives; stop() is set when somebody kills it.
  class Run {
   public:
    // `stop` may be shared with somebody else who may want the query to end.
    Run(QueryLog& log, std::string_view text,
        std::shared_ptr<storage::StopFlag> stop = std::make_shared<storage::StopFlag>());
    ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    const storage::StopFlag* stop() const { return stop_.get(); }
    bool stopped() const { return stop_->stop; }
    // Since it began.
    double seconds() const {
      return std::chrono::duration<double>(log_.clock_.elapsed() - began_).count();
    }

   private:
    QueryLog& log_;
    const Instant began_;
    std::uint64_t id_;
    std::shared_ptr<storage::StopFlag> stop_;
  };

  std::vector<Entry> running() const;  // oldest first
  std::vector<Entry> slow() const;     // newest first
  bool kill(std::uint64_t id);         // false when it does not run

 private:
  struct Known {
    Entry entry;
    Instant began{};
    std::shared_ptr<storage::StopFlag> stop;
  };

  const Clock& clock_;
  const Options options_;
  mutable Mutex mutex_;
  std::uint64_t next_id_ NINES_GUARDED_BY(mutex_) = 1;
  std::map<std::uint64_t, Known> running_ NINES_GUARDED_BY(mutex_);
  std::deque<Entry> slow_ NINES_GUARDED_BY(mutex_);
};

}  // namespace nines::web
