#include "storage/logs/internal/store_impl.h"

#include <algorithm>
#include <utility>

namespace nines::storage::logs {

using ring::SegmentClass;

StoreImpl::Metrics::Metrics(Telemetry& t)
    : lines(t.counter("nines_log_lines_total", "Log lines appended.")),
      bytes(t.counter("nines_log_bytes_total", "Bytes of log lines appended.")),
      lines_cut(t.counter("nines_log_lines_cut_total", "Log lines cut at line_bytes_max.")),
      streams_refused(
          t.counter("nines_log_streams_refused_total", "Appends refused by streams_max.")),
      blocks(t.counter("nines_log_blocks_total", "Blocks of log lines written.")),
      damaged(t.counter("nines_log_damaged_total",
                        "Blocks, footers and journal frames of logs that did not read.")),
      streams(t.gauge("nines_log_streams", "Log streams in the ring.")) {}

StoreImpl::StoreImpl(ring::Ring& ring, const LogOptions& options, const LogSurroundings& around)
    : ring_(ring),
      options_(options),
      clock_(around.clock),
      scheduler_(around.scheduler),
      log_(around.log),
      metrics_(around.telemetry),
      writer_(ring),
      streams_(options.streams_max) {
  ring_.on_evict(SegmentClass::kLogs, [this](const ring::SegmentInfo& info) { on_evict(info); });
}

StoreImpl::~StoreImpl() {
  {
    const MutexLock lock(timer_->mutex);  // waits for a task that is running
    timer_->store = nullptr;
  }
  ring_.on_evict(SegmentClass::kLogs, nullptr);
  if (auto r = flush(); !r) log_.error("logs", "closing: {}", r.error().what());
}

void StoreImpl::start_timer() {
  if (options_.sync_interval <= Duration::zero()) return;
  {
    const MutexLock lock(timer_->mutex);
    timer_->store = this;
  }
  arm(timer_, scheduler_, options_.sync_interval);
}

void StoreImpl::arm(const std::shared_ptr<Timer>& timer, Scheduler& scheduler, Duration interval) {
  scheduler.after(interval, [timer, &scheduler, interval] {
    {
      const MutexLock lock(timer->mutex);
      if (timer->store == nullptr) return;
      if (auto r = timer->store->maintain(); !r) {
        timer->store->log_.error("logs", "sync: {}", r.error().what());
      }
    }
    arm(timer, scheduler, interval);
  });
}

Result<void> StoreImpl::append(const LabelSet& labels, std::span<const LogLine> lines) {
  if (lines.empty()) return {};
  std::size_t label_bytes = 0;
  for (const Label& l : labels) label_bytes += l.name.size() + l.value.size();
  if (label_bytes > options_.label_bytes_max) {
    return Error(ErrorCode::kLimit, "log stream refused: its labels have more than " +
                                        std::to_string(options_.label_bytes_max) + " bytes");
  }
  const MutexLock appending(append_mutex_);
  StreamPtr stream;
  {
    const MutexLock lock(mutex_);
    auto got = streams_.get(labels);
    if (!got) {
      metrics_.streams_refused.add();
      return std::move(got).error();
    }
    stream = *std::move(got);
    metrics_.streams.set(static_cast<double>(streams_.size()));
  }
  auto batch = std::make_shared<Batch>();
  batch->stream = stream;
  for (const LogLine& line : lines) {
    std::string_view text = line.text;
    if (text.size() > options_.line_bytes_max) {
      text = text.substr(0, options_.line_bytes_max);
      metrics_.lines_cut.add();
    }
    batch->add(line.at.time_since_epoch().count(), text);
    // Of a frame: its text, and up to 20 bytes of time and length for each line.
    if (batch->text.size() + 20 * batch->size() < options_.block_bytes) continue;
    if (auto r = journal_batch(std::move(batch)); !r) return r;
    batch = std::make_shared<Batch>();
    batch->stream = stream;
  }
  if (batch->size() > 0) {
    if (auto r = journal_batch(std::move(batch)); !r) return r;
  }
  if (options_.sync_always) return flush_locked();
  return {};
}

std::optional<Timestamp> StoreImpl::take_late() {
  const MutexLock lock(mutex_);
  if (late_ns_ == INT64_MAX) return std::nullopt;
  const LogTime at{LogTime::duration(std::exchange(late_ns_, INT64_MAX))};
  return std::chrono::floor<Duration>(at);
}

// Into the journal, then into the head; cuts the head when it is full.
Result<void> StoreImpl::journal_batch(std::shared_ptr<Batch> batch) {
  const auto payload = encode_batch(batch->stream->labels, *batch);
  if (auto at = append_to_journal(payload, batch->bounds); !at) return std::move(at).error();
  batch->sequence = ring_.last_sequence(SegmentClass::kLogJournal);
  metrics_.lines.add(static_cast<double>(batch->size()));
  metrics_.bytes.add(static_cast<double>(batch->text.size()));
  bool full = false;
  {
    const MutexLock lock(mutex_);
    lines_appended_ += batch->size();
    const LogTime late_before(clock_.now() - kLateAfter);
    if (batch->bounds.min < late_before.time_since_epoch().count())
      late_ns_ = std::min(late_ns_, batch->bounds.min);
    head_.add(std::move(batch));
    full = head_.text_bytes >= options_.head_bytes;
  }
  if (!full) return {};
  if (auto r = cut_locked(); !r) {
    // The lines are in the journal: nothing is lost yet, and the next append tries again.
    log_.error("logs", "cutting the head: {}", r.error().what());
  }
  return {};
}

Result<ring::Location> StoreImpl::append_to_journal(std::span<const std::byte> payload,
                                                    ring::TimeBounds times) {
  constexpr ring::FrameHead kHead{.type = kBatchFrame};
  constexpr int kTries = 3;  // a full segment, then a failing one
  for (int i = 1;; ++i) {
    auto at = ring_.append(SegmentClass::kLogJournal, kHead, payload, times);
    if (at || i == kTries) return at;
    if (at.error().code() == ErrorCode::kLimit) {
      if (payload.size() > ring_.frame_max()) return at;
      // When sealing fails the segment is abandoned, which leaves it just as closed.
      if (auto r = ring_.seal(SegmentClass::kLogJournal, {}); !r) journal_broken_ = true;
    } else {
      journal_broken_ = true;
    }
    // Before a segment of the journal is evicted, its lines must be in blocks; and after a failure,
    // what was not synced must be written again: as blocks.
    const auto victim = ring_.next_victim(SegmentClass::kLogJournal);
    if (journal_broken_ || (victim && victim->cls == SegmentClass::kLogJournal)) {
      if (auto r = cut_locked(); !r) return std::move(r).error();
    }
  }
}

Result<void> StoreImpl::flush() {
  const MutexLock appending(append_mutex_);
  return flush_locked();
}

Result<void> StoreImpl::flush_locked() {
  if (!journal_broken_) {
    auto synced = ring_.sync(SegmentClass::kLogJournal);
    if (synced) return {};
    journal_broken_ = true;
    log_.error("logs", "syncing the journal: {}", synced.error().what());
  }
  return cut_locked();
}

Result<void> StoreImpl::maintain() {
  return flush();
}

Result<void> StoreImpl::cut() {
  const MutexLock appending(append_mutex_);
  return cut_locked();
}

Result<void> StoreImpl::cut_locked() {
  std::vector<BatchPtr> batches;
  {
    const MutexLock lock(mutex_);
    batches = head_.batches;  // nobody adds meanwhile: append_mutex_ is held
  }
  if (!batches.empty()) {
    // A sequence number must not come again after a power cut: whatever a block covers stays in the
    // journal until the block is on disk. If this fails, blocks are the only way left.
    if (auto r = ring_.sync(SegmentClass::kLogJournal); !r) journal_broken_ = true;
    auto written = write_cut(batches);
    if (!written) written = write_cut(batches);  // once more, into the next segment
    if (!written) return std::move(written).error();
    const MutexLock lock(mutex_);
    for (BlockPtr& block : *written) index_.add(std::move(block));
    head_ = Head();
    metrics_.blocks.add(static_cast<double>(written->size()));
  }
  journal_broken_ = false;
  release_journal();
  return {};
}

Result<std::vector<BlockPtr>> StoreImpl::write_cut(const std::vector<BatchPtr>& batches) {
  CutId id;
  id.number = next_cut_++;
  id.first_sequence = batches.front()->sequence;
  id.last_sequence = batches.back()->sequence;
  {
    const MutexLock lock(mutex_);
    evicted_.clear();
  }
  std::vector<BlockPtr> written;
  const std::vector<BlockPlan> plans = plan_blocks(batches, options_.block_bytes);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    // A last block on disk says that all are: a disk that writes in an order of its own must not
    // make that a lie.
    if (i > 0 && i + 1 == plans.size()) {
      if (auto r = writer_.sync(); !r) return std::move(r).error();
    }
    NINES_TRY(BlockPtr block, writer_.write(id, i + 1 == plans.size(), plans[i].lines));
    written.push_back(std::move(block));
  }
  if (auto r = writer_.sync(); !r) return std::move(r).error();
  // A cut larger than the whole ring evicts its own beginning.
  std::vector<std::uint64_t> evicted;
  {
    const MutexLock lock(mutex_);
    evicted = evicted_;
  }
  std::erase_if(written, [&evicted](const BlockPtr& block) {
    return std::find(evicted.begin(), evicted.end(), block->location.generation) != evicted.end();
  });
  return written;
}

// Every line the journal holds is in a block now.
void StoreImpl::release_journal() {
  for (const ring::SegmentInfo& info : ring_.segments(SegmentClass::kLogJournal)) {
    if (info.open) continue;
    if (auto r = ring_.release(info.segment, info.generation); !r) {
      log_.warn("logs", "releasing a journal segment: {}", r.error().what());
    }
  }
}

// Called by the ring in the middle of write_cut(), or from another class's append.
void StoreImpl::on_evict(const ring::SegmentInfo& info) {
  const MutexLock lock(mutex_);
  evicted_.push_back(info.generation);
  index_.forget_segment(info.generation);
  streams_.sweep();
  metrics_.streams.set(static_cast<double>(streams_.size()));
}

Snapshot StoreImpl::snapshot(std::span<const Matcher> matchers, LogRange range,
                             LogScanStats& stats) const {
  Snapshot out;
  const MutexLock lock(mutex_);
  out.streams = streams_.matching(matchers);
  if (out.streams.empty()) {
    stats.blocks_skipped += index_.size();
    return out;
  }
  out.blocks = index_.find(out.streams, range, stats);
  for (const BatchPtr& batch : head_.batches) {
    if (overlaps(batch->bounds, range) && out.streams.contains(batch->stream.get())) {
      out.batches.push_back(batch);
    }
  }
  return out;
}

Result<LogScanStats> StoreImpl::scan(
    std::span<const Matcher> matchers, LogRange range, LogOrder order,
    const std::function<bool(const LabelSet& stream, const LogLine& line)>& visit,
    const StopFlag* stop) const {
  LogScanStats stats;
  const Snapshot seen = snapshot(matchers, range, stats);
  const MergeParts parts{
      ring_, seen, range, order, stop, [this](const Block& block, const Error& error) {
        note_damage("block at " + std::to_string(block.location.segment) + ":" +
                    std::to_string(block.location.offset) + ": " + error.what());
      }};
  if (auto r = merge_lines(parts, visit, stats); !r) return std::move(r).error();
  return stats;
}

std::vector<LabelSet> StoreImpl::streams(std::span<const Matcher> matchers, LogRange range) const {
  LogScanStats ignored;
  const Snapshot seen = snapshot(matchers, range, ignored);
  StreamSet found;
  for (const BlockPtr& block : seen.blocks) {
    for (const BlockStream& s : block->header.streams) {
      if (overlaps(s.times, range) && seen.streams.contains(s.stream.get())) {
        found.insert(s.stream.get());
      }
    }
  }
  for (const BatchPtr& batch : seen.batches) found.insert(batch->stream.get());
  std::vector<LabelSet> out;
  for (const Stream* stream : found) out.push_back(stream->labels);
  std::sort(out.begin(), out.end());
  return out;
}

void StoreImpl::note_damage(const std::string& what) const {
  log_.error("logs", "damaged and skipped: {}", what);
  metrics_.damaged.add();
  const MutexLock lock(mutex_);
  ++damaged_;
}

LogStoreStatus StoreImpl::status() const {
  LogStoreStatus out;
  ring::TimeBounds times;
  const MutexLock lock(mutex_);
  for (const BlockPtr& block : index_.blocks()) times.include(block->header.times);
  for (const BatchPtr& batch : head_.batches) times.include(batch->bounds);
  if (!times.empty()) {
    out.oldest = times.min;
    out.newest = times.max;
  }
  out.streams = streams_.size();
  out.lines_appended = lines_appended_;
  out.lines_recovered = lines_recovered_;
  out.blocks = index_.size();
  out.head_bytes = head_.text_bytes;
  out.damaged = damaged_;
  return out;
}

}  // namespace nines::storage::logs
