#include "collector/send/internal/target.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

constexpr Duration kNotePosition{5'000};
constexpr Duration kStoreAgain{1'000};  // after the store could not be read, or the pool was full

template <typename Items>
std::int64_t earliest(const Items& items) {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const SendItem& item : items) least = std::min(least, item.time_ms);
  return least;
}

}  // namespace

SendTarget::SendTarget(SendConfig config, LabelSet external_labels, SenderParts parts)
    : config_(std::move(config)),
      external_labels_(std::move(external_labels)),
      parts_(parts),
      metrics_(parts_.telemetry, config_),
      queue_max_(config_.queue.capacity * config_.queue.max_shards) {
  metrics_.capacity.set(static_cast<double>(queue_max_));
  metrics_.shards_max.set(static_cast<double>(config_.queue.max_shards));
}

std::optional<LabelSet> SendTarget::labels_for(const LabelSet& stored) const {
  return labels_to_send(stored, external_labels_, config_.write_relabel_configs);
}

void SendTarget::start() {
  const std::int64_t time = to_millis(now());
  std::int64_t from = time;
  const Result<std::optional<std::string>> kept = parts_.positions.get_value(position_key());
  if (!kept) {
    parts_.log.error("remote_write", "{}: its position cannot be read, sending from now on: {}",
                     config_.key(), kept.error().what());
  } else if (*kept) {
    from = parse_int(**kept).value_or(time);
    const std::optional<Timestamp> dropped = parts_.querier.retention().dropped_until;
    if (dropped && to_millis(*dropped) > from) {
      parts_.log.warn("remote_write",
                      "{}: was last sent samples of {}; some from before {} are no longer stored "
                      "and cannot be sent",
                      config_.key(), format_time(from_millis(from)), format_time(*dropped));
    }
    parts_.log.info("remote_write", "{}: goes on from {}", config_.key(),
                    format_time(from_millis(from)));
  }
  {
    const MutexLock lock(queue_mutex_);
    if (kept && *kept) gap_from_ = std::min(gap_from_.value_or(from), from);
  }
  note_position(false);
  if (config_.send_metadata || config_.protocol == SendProtocol::kV2) send_metadata();
  wake();
}

void SendTarget::stop() {
  std::vector<HttpCallId> calls;
  std::vector<TimerId> timers;
  {
    const MutexLock lock(round_mutex_);
    if (stopped_) return;
    stopped_ = true;
    for (const Lane& lane : lanes_) {
      if (lane.call != HttpCallId::kNone) calls.push_back(lane.call);
      if (lane.timer != TimerId::kNone) timers.push_back(lane.timer);
    }
    if (metadata_call_ != HttpCallId::kNone) calls.push_back(metadata_call_);
    timers.insert(timers.end(), timers_.begin(), timers_.end());
  }
  for (const TimerId timer : timers) parts_.scheduler.cancel(timer);
  for (const HttpCallId call : calls) parts_.http.cancel(call);
  note_position(true);
  const MutexLock lock(queue_mutex_);
  closed_ = true;
}

void SendTarget::count_dropped(std::size_t samples) {
  if (samples > 0) metrics_.dropped_by_rules.add(static_cast<double>(samples));
}

void SendTarget::offer(SendItems items) {
  if (!config_.send_native_histograms) {
    const std::size_t gone =
        std::erase_if(items, [](const SendItem& item) { return item.histogram != nullptr; });
    if (gone > 0) metrics_.dropped_by_kind.add(static_cast<double>(gone));
  }
  if (items.empty()) return;
  bool full = false;
  bool set_timer = false;
  {
    const MutexLock lock(queue_mutex_);
    if (closed_) return;
    const std::int64_t from = earliest(items);
    for (const SendItem& item : items) highest_in_ = std::max(highest_in_, item.time_ms);
    metrics_.highest_in.set(static_cast<double>(highest_in_) / 1000);
    if (gap_from_ || queue_.size() + items.size() > queue_max_) {
      gap_from_ = std::min(gap_from_.value_or(from), from);
      full = true;
    } else {
      queue_.insert(queue_.end(), std::make_move_iterator(items.begin()),
                    std::make_move_iterator(items.end()));
      metrics_.pending.set(static_cast<double>(queue_.size()));
      full = queue_.size() >= config_.queue.max_samples_per_send;
    }
    set_timer = !full && !timer_set_;
    if (set_timer) timer_set_ = true;
  }
  if (full) wake();
  if (set_timer) wake_in(config_.queue.batch_send_deadline);
}

void SendTarget::wake() {
  {
    const MutexLock lock(queue_mutex_);
    if (awake_ || closed_) return;
    awake_ = true;
  }
  const bool posted = parts_.pool.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
  if (posted) return;
  {
    const MutexLock lock(queue_mutex_);
    awake_ = false;
  }
  wake_in(kStoreAgain);
}

void SendTarget::wake_in(Duration delay) {
  parts_.scheduler.after(delay, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    {
      const MutexLock lock(self->queue_mutex_);
      self->timer_set_ = false;
      self->due_ = true;
    }
    self->wake();
  });
}

void SendTarget::pump() {
  std::size_t lanes = 0;
  {
    const MutexLock lock(round_mutex_);
    {
      const MutexLock queue(queue_mutex_);
      awake_ = false;
    }
    if (stopped_ || lanes_busy_ > 0) return;
    bool may_repeat = false;
    SendItems items = next_items(may_repeat);
    metrics_.behind.set(catch_up_ ? 1 : 0);
    if (items.empty()) return;
    round_from_ = earliest(items);
    lanes_.clear();
    for (std::vector<SendPiece>& pieces :
         cut_into_lanes(std::move(items), config_.queue.max_shards,
                        config_.queue.max_samples_per_send, may_repeat)) {
      Lane& lane = lanes_.emplace_back();
      lane.pieces.assign(std::make_move_iterator(pieces.begin()),
                         std::make_move_iterator(pieces.end()));
    }
    lanes = lanes_busy_ = lanes_.size();
    metrics_.shards.set(static_cast<double>(lanes));
  }
  for (std::size_t i = 0; i < lanes; ++i) send_front(i);
}

SendItems SendTarget::next_items(bool& may_repeat) {
  while (true) {
    if (SendItems items = from_store(); !items.empty()) {
      may_repeat = true;
      return items;
    }
    if (catch_up_) return {};  // the store cannot be read just now
    if (SendItems items = from_queue(); !items.empty()) {
      may_repeat = earliest(items) <= repeats_until_;
      return items;
    }
    {
      const MutexLock lock(queue_mutex_);
      if (!gap_from_ || !queue_.empty()) return {};
    }
    begin_catch_up();
  }
}

SendItems SendTarget::from_queue() {
  SendItems items;
  bool set_timer = false;
  {
    const MutexLock lock(queue_mutex_);
    if (queue_.empty()) return items;
    if (queue_.size() < config_.queue.max_samples_per_send && !due_ && !gap_from_) return items;
    const std::size_t n = std::min(
        queue_.size(), config_.queue.max_samples_per_send * config_.queue.max_shards);
    items.assign(std::make_move_iterator(queue_.begin()),
                 std::make_move_iterator(queue_.begin() + static_cast<std::ptrdiff_t>(n)));
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(n));
    due_ = false;
    set_timer = !queue_.empty() && !timer_set_;
    if (set_timer) timer_set_ = true;
    metrics_.pending.set(static_cast<double>(queue_.size() + items.size()));
  }
  if (set_timer) wake_in(config_.queue.batch_send_deadline);
  return items;
}

void SendTarget::begin_catch_up() {
  const std::int64_t to = to_millis(now());
  std::int64_t from = to;
  {
    const MutexLock lock(queue_mutex_);
    from = gap_from_.value_or(to);
    gap_from_.reset();
  }
  // Samples may be ahead of the clock; what is offered from here on is in the queue, what was
  // offered before is in the store.
  const std::int64_t end = to + 600'000;
  catch_up_ = std::make_unique<CatchUp>(parts_.querier, from, end, config_.catch_up_samples_max);
  repeats_until_ = end;
}

SendItems SendTarget::from_store() {
  while (backlog_.empty() && catch_up_) {
    if (catch_up_->done()) {
      catch_up_.reset();
      break;
    }
    backlog_from_ = catch_up_->next();
    Result<SendItems> read = catch_up_->read();
    if (!read) {
      complain("the store cannot be read to catch up: " + read.error().what());
      wake_in(kStoreAgain);
      return {};
    }
    metrics_.caught_up.add(static_cast<double>(read->size()));
    for (SendItem& item : *read) {
      if (item.histogram && !config_.send_native_histograms) continue;
      const std::optional<LabelSet> labels = labels_for(item.labels);
      if (!labels) continue;
      item.labels = *labels;
      backlog_.push_back(std::move(item));
    }
  }
  const std::size_t n = std::min(
      backlog_.size(), config_.queue.max_samples_per_send * config_.queue.max_shards);
  SendItems items(std::make_move_iterator(backlog_.begin()),
                  std::make_move_iterator(backlog_.begin() + static_cast<std::ptrdiff_t>(n)));
  backlog_.erase(backlog_.begin(), backlog_.begin() + static_cast<std::ptrdiff_t>(n));
  if (!items.empty()) backlog_from_ = items.front().time_ms;
  return items;
}

// Everything before it is acknowledged, or was refused for good.
std::int64_t SendTarget::position(bool stopping) const {
  std::int64_t at = to_millis(now()) - (stopping ? 0 : config_.overlap.count());
  if (lanes_busy_ > 0) at = std::min(at, round_from_);
  if (!backlog_.empty()) at = std::min(at, backlog_from_);
  if (catch_up_) at = std::min(at, catch_up_->next());
  const MutexLock lock(queue_mutex_);
  if (!queue_.empty()) at = std::min(at, earliest(queue_));
  if (gap_from_) at = std::min(at, *gap_from_);
  return at;
}

void SendTarget::note_position(bool stopping) {
  std::int64_t at = 0;
  bool changed = false;
  {
    const MutexLock lock(round_mutex_);
    if (stopped_ && !stopping) return;
    at = position(stopping);
    changed = at != std::exchange(noted_, at);
    metrics_.position.set(static_cast<double>(at) / 1000);
  }
  if (changed) {
    const Result<void> kept = parts_.positions.set_value(position_key(), std::to_string(at));
    if (!kept) {
      const MutexLock lock(round_mutex_);
      complain("its position cannot be kept: " + kept.error().what());
    }
  }
  if (stopping) return;
  const TimerId timer = parts_.scheduler.after(kNotePosition, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    // The state store waits for the disk.
    if (!self->parts_.pool.post([weak] {
          if (const auto again = weak.lock()) again->note_position(false);
        })) {
      self->note_position(false);
    }
  });
  const MutexLock lock(round_mutex_);
  if (timers_.size() > 8) timers_.erase(timers_.begin(), timers_.end() - 4);
  timers_.push_back(timer);
}

// At most once a minute, with how often it was not said in between.
void SendTarget::complain(const std::string& text) {
  const Instant time = parts_.scheduler.clock().elapsed();
  if (complained_ && time - *complained_ < std::chrono::minutes(1)) {
    ++unsaid_;
    return;
  }
  complained_ = time;
  parts_.log.warn("remote_write", "{}: {}{}", config_.key(), text,
                  unsaid_ > 0 ? " (and " + std::to_string(unsaid_) + " more since the last line)"
                              : std::string());
  unsaid_ = 0;
}

}  // namespace nines::collector
