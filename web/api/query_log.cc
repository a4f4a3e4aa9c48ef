#include "web/api/internal/query_log.h"

#include <chrono>
#include <utility>

namespace nines::web {

QueryLog::Run::Run(QueryLog& log, std::string_view text, std::shared_ptr<storage::StopFlag> stop)
    : log_(log), began_(log.clock_.elapsed()), id_(0), stop_(std::move(stop)) {
  Known known;
  known.entry.text = std::string(text.substr(0, log.options_.text_max));
  known.entry.started = log.clock_.now();
  known.began = began_;
  known.stop = stop_;
  const MutexLock lock(log.mutex_);
  id_ = log.next_id_++;
  known.entry.id = id_;
  log.running_.emplace(id_, std::move(known));
}

QueryLog::Run::~Run() {
  const Instant ended = log_.clock_.elapsed();
  const MutexLock lock(log_.mutex_);
  const auto at = log_.running_.find(id_);
  Entry entry = std::move(at->second.entry);
  entry.elapsed = std::chrono::duration_cast<Duration>(ended - at->second.began);
  entry.stopped = stop_->stop;
  log_.running_.erase(at);
  if (entry.elapsed < log_.options_.slow_after && !entry.stopped) return;
  log_.slow_.push_front(std::move(entry));
  if (log_.slow_.size() > log_.options_.slow_max) log_.slow_.pop_back();
}

std::vector<QueryLog::Entry> QueryLog::running() const {
  const Instant now = clock_.elapsed();
  std::vector<Entry> out;
  const MutexLock lock(mutex_);
  for (const auto& [id, known] : running_) {
    out.push_back(known.entry);
    out.back().elapsed = std::chrono::duration_cast<Duration>(now - known.began);
    out.back().stopped = known.stop->stop;
  }
  return out;
}

std::vector<QueryLog::Entry> QueryLog::slow() const {
  const MutexLock lock(mutex_);
  return {slow_.begin(), slow_.end()};
}

bool QueryLog::kill(std::uint64_t id) {
  const MutexLock lock(mutex_);
  const auto at = running_.find(id);
  if (at == running_.end()) return false;
  at->second.stop->stop = true;
  return true;
}

}  // namespace nines::web
