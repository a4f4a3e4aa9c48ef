#pragma once
// Everything about one target: its queue in memory, its requests, what it missed, its position.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/core/mutex.h"
#include "collector/send/internal/catch_up.h"
#include "collector/send/internal/encode.h"
#include "collector/send/internal/item.h"
#include "collector/send/internal/pieces.h"
#include "collector/send/internal/send_metrics.h"
#include "collector/send/remote_sender.h"

namespace nines::collector {

// Samples go out in rounds: a round takes what waits, oldest first, cuts it into lanes, sends each
// lane's requests one after the other and the lanes side by side, and ends when all are answered.
// So a series' samples are never overtaken by its later ones.
//
// What does not fit in memory is a gap: only its earliest time is remembered. When the queue has
// been sent the gap is read from the store, in order of time, while the queue takes what is new.
//
// Thread-safe. Locks: round_mutex_ before queue_mutex_; offer() takes only the latter.
class SendTarget final : public std::enable_shared_from_this<SendTarget> {
 public:
  SendTarget(SendConfig config, LabelSet external_labels, SenderParts parts);

  const SendConfig& config() const { return config_; }
  std::optional<LabelSet> labels_for(const LabelSet& stored) const;

  // Takes what has been stored. Never waits for the network or the disk.
  void offer(SendItems items);
  void count_dropped(std::size_t samples);  // by its relabelling rules

  void start();  // what came after the last position is read from the store
  void stop();   // notes the position

 private:
  struct Lane {
    std::deque<SendPiece> pieces;
    HttpCallId call = HttpCallId::kNone;
    std::uint64_t request = 0;  // which of all requests the call is
    TimerId timer = TimerId::kNone;
    Duration backoff{0};
    Instant sent_at{};
    std::uint64_t body_bytes = 0;
  };

  void wake();           // a pump() on the pool
  void wake_in(Duration delay);
  void pump();           // begins a round when none is under way and something waits
  SendItems next_items(bool& may_repeat) NINES_REQUIRES(round_mutex_);
  SendItems from_store() NINES_REQUIRES(round_mutex_);
  SendItems from_queue();
  void begin_catch_up() NINES_REQUIRES(round_mutex_);
  void send_front(std::size_t lane);
  void on_answer(std::size_t lane, const Result<HttpResponse>& answer);
  // True: the front piece is done with.
  bool settle(Lane& lane, const Result<HttpResponse>& answer) NINES_REQUIRES(round_mutex_);
  void refuse(Lane& lane, const HttpResponse& answer) NINES_REQUIRES(round_mutex_);
  Duration patience(Lane& lane, const Result<HttpResponse>& answer) const;
  void drop_old(SendPiece& piece);
  void acknowledge(const SendPiece& piece, const Lane& lane);
  void complain(const std::string& text) NINES_REQUIRES(round_mutex_);
  std::int64_t position(bool stopping) const NINES_REQUIRES(round_mutex_);
  void note_position(bool stopping);
  void send_metadata();
  void send_metadata_from(std::shared_ptr<const MetadataMap> all, std::string after);
  std::string position_key() const { return "remote_write/" + config_.key(); }
  Timestamp now() const { return parts_.scheduler.clock().now(); }

  const SendConfig config_;
  const LabelSet external_labels_;
  const SenderParts parts_;
  SendMetrics metrics_;
  const std::size_t queue_max_;

  mutable Mutex round_mutex_;
  std::vector<Lane> lanes_ NINES_GUARDED_BY(round_mutex_);
  std::uint64_t requests_ NINES_GUARDED_BY(round_mutex_) = 0;
  std::size_t lanes_busy_ NINES_GUARDED_BY(round_mutex_) = 0;
  std::int64_t round_from_ NINES_GUARDED_BY(round_mutex_) = 0;  // earliest time under way
  std::deque<SendItem> backlog_ NINES_GUARDED_BY(round_mutex_);  // read from the store, not sent
  std::int64_t backlog_from_ NINES_GUARDED_BY(round_mutex_) = 0;
  std::unique_ptr<CatchUp> catch_up_ NINES_GUARDED_BY(round_mutex_);
  // Live samples up to here may have been read from the store too.
  std::int64_t repeats_until_ NINES_GUARDED_BY(round_mutex_) = 0;
  std::shared_ptr<const MetadataMap> metadata_ NINES_GUARDED_BY(round_mutex_);
  std::optional<Instant> complained_ NINES_GUARDED_BY(round_mutex_);
  std::uint64_t unsaid_ NINES_GUARDED_BY(round_mutex_) = 0;
  std::int64_t noted_ NINES_GUARDED_BY(round_mutex_) = 0;  // the position in the state store
  bool stopped_ NINES_GUARDED_BY(round_mutex_) = false;
  std::vector<TimerId> timers_ NINES_GUARDED_BY(round_mutex_);  // position, metadata
  HttpCallId metadata_call_ NINES_GUARDED_BY(round_mutex_) = HttpCallId::kNone;

  mutable Mutex queue_mutex_;
  std::deque<SendItem> queue_ NINES_GUARDED_BY(queue_mutex_);
  std::optional<std::int64_t> gap_from_ NINES_GUARDED_BY(queue_mutex_);
  std::int64_t highest_in_ NINES_GUARDED_BY(queue_mutex_) = 0;
  bool due_ NINES_GUARDED_BY(queue_mutex_) = false;  // what waits goes out though it is little
  bool timer_set_ NINES_GUARDED_BY(queue_mutex_) = false;
  bool awake_ NINES_GUARDED_BY(queue_mutex_) = false;  // a pump is on its way
  bool closed_ NINES_GUARDED_BY(queue_mutex_) = false;
};

}  // namespace nines::collector
