// A target's requests and what their answers mean.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/send/internal/target.h"

namespace nines::collector {
namespace {

constexpr Duration kRetryAfterMost{300'000};
constexpr std::size_t kAnswerShown = 256;

std::string what_went_wrong(const Result<HttpResponse>& answer) {
  if (!answer) return answer.error().what();
  std::string text = "HTTP " + std::to_string(answer->status);
  if (!answer->body.empty()) {
    text += ": " + std::string(trim(answer->body)).substr(0, kAnswerShown);
  }
  return text;
}

}  // namespace

void SendTarget::drop_old(SendPiece& piece) {
  if (config_.queue.sample_age_limit == Duration(0)) return;
  const std::int64_t limit = to_millis(now() - config_.queue.sample_age_limit);
  const std::size_t gone =
      std::erase_if(piece.items, [&](const SendItem& item) { return item.time_ms < limit; });
  if (gone > 0) metrics_.dropped_by_age.add(static_cast<double>(gone));
}

void SendTarget::send_front(std::size_t index) {
  HttpRequest request;
  std::uint64_t number = 0;
  bool round_over = false;
  {
    const MutexLock lock(round_mutex_);
    if (stopped_) return;
    Lane& lane = lanes_[index];
    lane.timer = TimerId::kNone;
    while (!lane.pieces.empty()) {
      drop_old(lane.pieces.front());
      if (!lane.pieces.front().items.empty()) break;
      lane.pieces.pop_front();
    }
    if (lane.pieces.empty()) {
      round_over = --lanes_busy_ == 0;
      metrics_.shards.set(static_cast<double>(lanes_busy_));
    } else {
      const SendItems& items = lane.pieces.front().items;
      static const MetadataMap nothing;
      request = make_send_request(config_, config_.protocol,
                                  config_.protocol == SendProtocol::kV2
                                      ? encode_v2(items, metadata_ ? *metadata_ : nothing)
                                      : encode_v1(items));
      lane.body_bytes = request.body.size();
      number = lane.request = ++requests_;
      lane.sent_at = parts_.scheduler.clock().elapsed();
    }
  }
  if (request.url.empty()) {
    if (round_over) {
      const MutexLock lock(queue_mutex_);
      metrics_.pending.set(static_cast<double>(queue_.size()));
    }
    if (round_over) wake();
    return;
  }
  const HttpCallId call = parts_.http.send(
      std::move(request), [weak = weak_from_this(), index](Result<HttpResponse> answer) {
        const auto self = weak.lock();
        if (!self) return;
        // Not on the client's thread: the next request is encoded there, the store may be read.
        const auto shared = std::make_shared<const Result<HttpResponse>>(std::move(answer));
        if (!self->parts_.pool.post([weak, index, shared] {
              if (const auto again = weak.lock()) again->on_answer(index, *shared);
            })) {
          self->on_answer(index, *shared);
        }
      });
  bool too_late = false;
  {
    const MutexLock lock(round_mutex_);
    too_late = stopped_;
    // It may have been answered already, and the lane gone on.
    if (index < lanes_.size() && lanes_[index].request == number) lanes_[index].call = call;
  }
  if (too_late) parts_.http.cancel(call);
}

void SendTarget::on_answer(std::size_t index, const Result<HttpResponse>& answer) {
  {
    const MutexLock lock(round_mutex_);
    if (stopped_) return;
    Lane& lane = lanes_[index];
    lane.call = HttpCallId::kNone;
    lane.request = 0;
    if (!settle(lane, answer)) {
      lane.timer = parts_.scheduler.after(patience(lane, answer), [weak = weak_from_this(), index] {
        const auto self = weak.lock();
        if (!self) return;
        if (!self->parts_.pool.post([weak, index] {
              if (const auto again = weak.lock()) again->send_front(index);
            })) {
          self->send_front(index);
        }
      });
      return;
    }
    lane.backoff = Duration(0);
  }
  send_front(index);
}

bool SendTarget::settle(Lane& lane, const Result<HttpResponse>& answer) {
  const int status = answer ? answer->status : 0;
  if (status / 100 == 2) {
    acknowledge(lane.pieces.front(), lane);
    lane.pieces.pop_front();
    return true;
  }
  const bool again =
      !answer || status / 100 == 5 || (status == 429 && config_.queue.retry_on_http_429);
  if (!again) {
    refuse(lane, *answer);
    return true;
  }
  metrics_.retried.add(static_cast<double>(lane.pieces.front().items.size()));
  complain("not sent, trying on: " + what_went_wrong(answer));
  return false;
}

void SendTarget::acknowledge(const SendPiece& piece, const Lane& lane) {
  std::size_t samples = 0;
  std::size_t histograms = 0;
  std::size_t exemplars = 0;
  std::int64_t highest = 0;
  for (const SendItem& item : piece.items) {
    (item.exemplar ? exemplars : item.histogram ? histograms : samples) += 1;
    highest = std::max(highest, item.time_ms);
  }
  metrics_.samples.add(static_cast<double>(samples));
  metrics_.histograms.add(static_cast<double>(histograms));
  metrics_.exemplars.add(static_cast<double>(exemplars));
  metrics_.bytes.add(static_cast<double>(lane.body_bytes));
  const double seconds = static_cast<double>(highest) / 1000;
  if (seconds > metrics_.highest_sent.value()) metrics_.highest_sent.set(seconds);
  const auto took = parts_.scheduler.clock().elapsed() - lane.sent_at;
  metrics_.duration.observe(std::chrono::duration<double>(took).count());
}

void SendTarget::refuse(Lane& lane, const HttpResponse& answer) {
  SendPiece piece = std::move(lane.pieces.front());
  lane.pieces.pop_front();
  const double count = static_cast<double>(piece.items.size());
  if (!piece.may_repeat || answer.status != 400) {
    metrics_.failed.add(count);
    complain(std::to_string(piece.items.size()) + " samples refused and dropped: " +
             what_went_wrong(answer));
    return;
  }
  std::vector<SendPiece> parts = split_refused(std::move(piece));
  if (parts.empty()) metrics_.repeated.add(count);
  lane.pieces.insert(lane.pieces.begin(), std::make_move_iterator(parts.begin()),
                     std::make_move_iterator(parts.end()));
}

// How long until the next try: what the receiver asked for, else twice as long as the last time.
Duration SendTarget::patience(Lane& lane, const Result<HttpResponse>& answer) const {
  lane.backoff = lane.backoff == Duration(0)
                     ? config_.queue.min_backoff
                     : std::min(config_.queue.max_backoff, lane.backoff * 2);
  if (answer) {
    // Seconds; the other form, a date, is not used by receivers of remote write.
    if (const auto seconds = parse_int(answer->header("retry-after")); seconds && *seconds > 0) {
      return std::min(kRetryAfterMost, Duration(std::min<std::int64_t>(*seconds, 3'600) * 1'000));
    }
  }
  return lane.backoff;
}

// 1.0 has metadata in messages of their own, from time to time; 2.0 beside each sample.
void SendTarget::send_metadata() {
  auto all = std::make_shared<const MetadataMap>(parts_.querier.metadata());
  {
    const MutexLock lock(round_mutex_);
    if (stopped_) return;
    metadata_ = all;
  }
  if (config_.protocol == SendProtocol::kV1) send_metadata_from(std::move(all), "");
  const TimerId timer =
      parts_.scheduler.after(config_.metadata_interval, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->send_metadata();
      });
  const MutexLock lock(round_mutex_);
  timers_.push_back(timer);
}

// What fails is not tried again before its next time.
void SendTarget::send_metadata_from(std::shared_ptr<const MetadataMap> all, std::string after) {
  const auto from = after.empty() ? all->begin() : all->upper_bound(after);
  auto to = from;
  std::size_t count = 0;
  while (to != all->end() && count < config_.metadata_per_send) {
    after = to->first;
    ++to;
    ++count;
  }
  if (count == 0) return;
  const HttpCallId call = parts_.http.send(
      make_send_request(config_, SendProtocol::kV1, encode_metadata(from, to)),
      [weak = weak_from_this(), all, after, count](const Result<HttpResponse>& answer) {
        const auto self = weak.lock();
        if (!self) return;
        if (!answer || answer->status / 100 != 2) {
          self->metrics_.metadata_failed.add(static_cast<double>(count));
          return;
        }
        self->metrics_.metadata.add(static_cast<double>(count));
        {
          const MutexLock lock(self->round_mutex_);
          if (self->stopped_) return;
        }
        self->send_metadata_from(all, after);
      });
  const MutexLock lock(round_mutex_);
  metadata_call_ = call;
}

}  // namespace nines::collector
