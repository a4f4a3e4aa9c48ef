#include "rules/promql/internal/lanes.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace nines::promql {
namespace {

// Shared with the helpers, which may come when all is done: then they touch nothing but this.
class Crew {
 public:
  using MakeWorker = std::function<std::unique_ptr<PieceWorker>()>;
  using Take = std::function<Result<void>(Piece&)>;

  Crew(std::size_t pieces, std::size_t threads, const MakeWorker& make_worker, const Take& take)
      : pieces_(pieces), ahead_max_(2 * threads), make_worker_(make_worker), take_(take) {}

  // On every thread: works until no piece is left to begin.
  void join() {
    {
      const std::lock_guard lock(mutex_);
      if (over()) return;
      ++inside_;
    }
    try {
      run();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!thrown_) thrown_ = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    --inside_;
    changed_.notify_all();
  }

  // The caller's, after its join(): waits for those who are still inside.
  Result<void> finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return inside_ == 0; });
    closed_ = true;
    if (thrown_) std::rethrow_exception(thrown_);
    if (error_) return *std::move(error_);
    return {};
  }

 private:
  bool over() const { return closed_ || error_ || thrown_ || begun_ == pieces_; }

  void run() {
    const std::unique_ptr<PieceWorker> worker = make_worker_();
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return over() || begun_ < taken_ + ahead_max_; });
      if (over()) return;
      const std::size_t piece = begun_++;
      lock.unlock();
      std::unique_ptr<Piece> made = worker->work(piece);
      lock.lock();
      waiting_.emplace(piece, std::move(made));
      take_those_due(lock);
    }
  }

  // One thread at a time takes; it takes what others bring meanwhile, too.
  void take_those_due(std::unique_lock<std::mutex>& lock) {
    while (!taking_ && !error_ && !thrown_) {
      const auto due = waiting_.find(taken_);
      if (due == waiting_.end()) return;
      const std::unique_ptr<Piece> piece = std::move(due->second);
      waiting_.erase(due);
      taking_ = true;
      lock.unlock();
      Result<void> ok;
      std::exception_ptr thrown;
      try {
        ok = take_(*piece);
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      taking_ = false;
      ++taken_;
      if (thrown) thrown_ = thrown;
      if (!ok) error_ = std::move(ok).error();
      changed_.notify_all();
    }
  }

  const std::size_t pieces_, ahead_max_;
  const MakeWorker& make_worker_;  // the caller's, gone once it is over
  const Take& take_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t begun_ = 0, taken_ = 0;
  std::map<std::size_t, std::unique_ptr<Piece>> waiting_;
  std::size_t inside_ = 0;
  bool taking_ = false;
  bool closed_ = false;
  std::optional<Error> error_;
  std::exception_ptr thrown_;
};

}  // namespace

Result<void> in_order(const Lanes& lanes, std::size_t pieces,
                      const std::function<std::unique_ptr<PieceWorker>()>& make_worker,
                      const std::function<Result<void>(Piece&)>& take) {
  if (pieces == 0) return {};
  const std::size_t threads = std::min(lanes.threads, pieces);
  if (lanes.helpers == nullptr || threads < 2) {
    const std::unique_ptr<PieceWorker> worker = make_worker();
    for (std::size_t piece = 0; piece < pieces; ++piece) {
      const std::unique_ptr<Piece> made = worker->work(piece);
      if (Result<void> ok = take(*made); !ok) return ok;
    }
    return {};
  }
  const auto crew = std::make_shared<Crew>(pieces, threads, make_worker, take);
  for (std::size_t i = 1; i < threads; ++i) {
    if (!lanes.helpers->post([crew] { crew->join(); })) break;  // all are busy: fewer help
  }
  crew->join();
  return crew->finish();
}

}  // namespace nines::promql
