#pragma once
// What the front knows about one client, and the deadline it is under.

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/core/clock.h"
#include "web/http/internal/events.h"
#include "web/http/internal/framing.h"

namespace nines::web {

enum class Phase : std::uint8_t {
  kReading,    // a request, or waiting for one
  kWorking,    // a worker has it
  kWriting,    // the answer
  kStreaming,  // events, until one side ends it
  kLingering,  // said the last word; reads what the client still sends, so that it sees the answer
  kClosed,
};

// What a connection is given time for.
enum class Wait : std::uint8_t { kIdle, kHead, kBody, kWrite, kLinger, kNone };
inline constexpr std::size_t kWaits = 5;

struct Connection {
  Connection(std::uint64_t id_, int fd_, const FrameLimits& limits)
      : id(id_), fd(fd_), framer(limits) {}

  const std::uint64_t id;
  const int fd;
  std::string remote;
  Phase phase = Phase::kReading;
  RequestFramer framer;
  std::string pending;                  // bytes of the next requests, read along with this one
  std::string out;                      // the answer, or its head
  std::string body;                     // what follows it
  std::size_t out_done = 0;             // of both
  std::size_t out_armed_at = 0;         // progress that the write deadline has seen
  std::size_t body_counted = 0;         // bytes of its request in the front's sum
  bool close_after = false;             // this answer
  bool linger = false;                  // before closing: the client may be sending still
  std::uint32_t interest = 0;           // epoll events asked for
  bool half_closed = false;             // the client has ended its side
  std::shared_ptr<ClientWatch> client;  // of the request a worker has
  std::shared_ptr<EventBuffer> events;

  Wait wait = Wait::kNone;
  Instant deadline{};
  std::list<Connection*>::iterator place;  // in its queue of Deadlines
};

// One queue per kind of wait: all waits of a kind are equally long, so each queue is in order of
// deadline and every operation takes constant time.
class Deadlines {
 public:
  void arm(Connection& connection, Wait wait, Instant now, Duration span);
  void disarm(Connection& connection);
  std::optional<Instant> earliest() const;
  Connection* expired(Instant now) const;  // one whose deadline has passed, or null
  Connection* oldest_idle() const;

 private:
  std::array<std::list<Connection*>, kWaits> queues_;
};

}  // namespace nines::web
