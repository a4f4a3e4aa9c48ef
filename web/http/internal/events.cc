#include "web/http/internal/events.h"

#include <utility>

namespace nines::web {

std::string format_event(std::string_view event, std::string_view data) {
  std::string out;
  out.reserve(event.size() + data.size() + 24);
  if (!event.empty()) {
    out += "event: ";
    for (const char c : event) {
      if (c != '\n' && c != '\r') out += c;
    }
    out += '\n';
  }
  out += "data: ";
  for (const char c : data) {
    if (c == '\r') continue;  // a line end of its own in this format
    out += c;
    if (c == '\n') out += "data: ";
  }
  out += "\n\n";
  return out;
}

bool EventBuffer::push(std::string_view event, std::string_view data) {
  const std::string text = format_event(event, data);
  bool ring = false;
  bool taken = false;
  {
    const MutexLock lock(mutex_);
    if (!open_) return false;
    taken = bytes_.size() + text.size() <= kStreamBufferMax;
    if (taken) {
      bytes_ += text;
    } else {
      open_ = false;
    }
    ring = !std::exchange(touched_, true);
  }
  if (ring) mailbox_->touch_stream(connection_);
  return taken;
}

bool EventBuffer::open() const {
  const MutexLock lock(mutex_);
  return open_;
}

void EventBuffer::finish() {
  {
    const MutexLock lock(mutex_);
    if (!std::exchange(open_, false)) return;
  }
  mailbox_->touch_stream(connection_);
}

void EventBuffer::client_gone() {
  const MutexLock lock(mutex_);
  open_ = false;
  bytes_.clear();
}

EventBuffer::Batch EventBuffer::take() {
  const MutexLock lock(mutex_);
  touched_ = false;
  Batch batch{std::move(bytes_), !open_};
  bytes_.clear();
  return batch;
}

}  // namespace nines::web
