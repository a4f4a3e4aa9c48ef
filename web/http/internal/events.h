#pragma once
// Server-sent events: the buffer between whoever pushes and the front that sends.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/mutex.h"
#include "web/http/http.h"
#include "web/http/internal/mailbox.h"

namespace nines::web {

inline constexpr std::size_t kStreamBufferMax = 256u << 10;

// Shared by the front and the stream's holder, because either may go first. Thread-safe.
class EventBuffer {
 public:
  EventBuffer(std::shared_ptr<Mailbox> mailbox, std::uint64_t connection)
      : mailbox_(std::move(mailbox)), connection_(connection) {}

  bool push(std::string_view event, std::string_view data);
  bool open() const;
  void finish();       // the holder has let go: send the rest, then close
  void client_gone();  // the front has closed the connection

  struct Batch {
    std::string bytes;
    bool end = false;  // nothing will follow
  };
  Batch take();

 private:
  void touch();

  const std::shared_ptr<Mailbox> mailbox_;
  const std::uint64_t connection_;
  mutable Mutex mutex_;
  std::string bytes_ NINES_GUARDED_BY(mutex_);
  bool open_ NINES_GUARDED_BY(mutex_) = true;
  bool touched_ NINES_GUARDED_BY(mutex_) = false;  // the front knows of it already
};

// What the handler holds; the stream ends with it.
class EventStreamHandle final : public EventStream {
 public:
  explicit EventStreamHandle(std::shared_ptr<EventBuffer> buffer) : buffer_(std::move(buffer)) {}
  ~EventStreamHandle() override { buffer_->finish(); }
  bool push(std::string_view event, std::string_view data) override {
    return buffer_->push(event, data);
  }
  bool open() const override { return buffer_->open(); }

 private:
  std::shared_ptr<EventBuffer> buffer_;
};

// One event in the text/event-stream format: each line of `data` on a line of its own.
std::string format_event(std::string_view event, std::string_view data);

}  // namespace nines::web
