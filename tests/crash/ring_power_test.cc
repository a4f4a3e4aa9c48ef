// Power loss under the ring: at every write and sync, in every order the disk may choose, what was
// synced comes back, and nothing that is not the present life's does.

#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include <doctest/doctest.h>

#include "storage/ring/ring.h"
#include "tests/crash/states.h"

namespace nines {
namespace {

using storage::ring::Frame;
using storage::ring::Ring;
using storage::ring::RingOptions;
using storage::ring::SegmentClass;
using storage::ring::SegmentInfo;
using testing::CrashDisk;
using testing::DiskImage;

constexpr std::uint64_t kNever = UINT64_MAX;
constexpr std::uint32_t kSegment = 64u << 10;

struct Known {
  std::uint64_t hash = 0;
  SegmentClass cls = SegmentClass::kRaw;
  std::uint64_t appended = 0;       // event numbers
  std::uint64_t durable = kNever;   // from here on it must survive
  std::uint64_t given_up = kNever;  // from here on it may be gone (eviction or release has begun)
  std::uint64_t gone = kNever;  // from here on it must be gone (the next life's header is synced)
};

std::uint64_t hash_of(std::span<const std::byte> bytes) {
  std::uint64_t h = 0x9E3779B97F4A7C15ULL ^ bytes.size();
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    h = (h ^ word) * 0xBF58476D1CE4E5B9ULL;
    h ^= h >> 29;
  }
  for (; i < bytes.size(); ++i) h = (h ^ static_cast<std::uint8_t>(bytes[i])) * 1099511628211ULL;
  return h;
}

struct World {
  testing::SimClock clock{Timestamp{Duration{1'700'000'000'000}}};
  std::unique_ptr<Log> log = make_null_log();
  RingOptions options;
  std::unordered_map<std::uint64_t, Known> frames;  // by sequence; classes never share a generation

  World() {
    options.path = "/r";
    options.segment_bytes = kSegment;
    options.bytes = 9 * kSegment + 8192;
    options.parts = {400, 300, 0, 0, 300, 0};
  }

  std::unique_ptr<Ring> open(Fs& fs) {
    auto ring = Ring::open(options, fs, clock, *log);
    REQUIRE_MESSAGE(ring, (ring ? "" : ring.error().what()));
    return *std::move(ring);
  }
};

constexpr SegmentClass kClasses[] = {SegmentClass::kJournal, SegmentClass::kRaw,
                                     SegmentClass::kLogs};

// Random work, remembered in World::frames. Returns how often the smallest class went round.
class Workload {
 public:
  Workload(World& world, CrashDisk& disk, std::uint64_t seed)
      : world_(world), disk_(disk), dice_(seed), ring_(world.open(disk)) {
    for (const SegmentClass cls : kClasses) {
      ring_->on_evict(cls, [this](const SegmentInfo& info) { give_up(info.generation); });
    }
  }

  std::uint64_t now() const { return base_ + disk_.event_count(); }
  void rebase() { base_ = 0; }  // events were taken away: numbers start again
  std::uint64_t segments_opened() const { return opened_; }

  void step() {
    const SegmentClass cls = kClasses[dice_.below(3)];
    const std::uint64_t what = dice_.below(100);
    if (what < 70) {
      append(cls);
    } else if (what < 92) {
      sync(cls);
    } else if (what < 95) {
      seal(cls);
    } else if (cls == SegmentClass::kJournal) {
      release(cls);
    }
  }

 private:
  void give_up(std::uint64_t generation) {
    for (auto& [sequence, known] : world_.frames) {
      if (sequence >> 32 == generation && known.given_up == kNever) known.given_up = now();
    }
    evicted_ = generation;
  }

  void append(SegmentClass cls) {
    const std::uint64_t kind = dice_.below(10);
    std::vector<std::byte> payload(kind < 6   ? 1 + dice_.below(300)
                                   : kind < 9 ? dice_.below(3000)
                                              : dice_.below(12'000));
    for (std::byte& b : payload) b = static_cast<std::byte>(dice_.next());
    evicted_ = 0;
    const std::uint64_t before = ring_->last_sequence(cls);
    auto at = ring_->append(cls, {.type = 1, .tag = 7}, payload, {});
    if (!at && at.error().code() == ErrorCode::kLimit) {
      seal(cls);
      at = ring_->append(cls, {.type = 1, .tag = 7}, payload, {});
    }
    REQUIRE(at);
    const std::uint64_t sequence = ring_->last_sequence(cls);
    REQUIRE(sequence > before);
    if (static_cast<std::uint32_t>(sequence) == 0) ++opened_;
    if (evicted_ != 0) {
      // Its frame's write is the latest event; the header's sync before it ended the old life.
      for (auto& [old, known] : world_.frames) {
        if (old >> 32 == evicted_) known.gone = now() - 1;
      }
    }
    world_.frames[sequence] = {hash_of(payload), cls, now(), kNever, kNever, kNever};
  }

  void sync(SegmentClass cls) {
    REQUIRE(ring_->sync(cls));
    for (auto& [sequence, known] : world_.frames) {
      if (known.cls == cls && known.durable == kNever) known.durable = now();
    }
  }

  void seal(SegmentClass cls) {
    std::vector<std::byte> footer(std::min(dice_.below(100), ring_->room(cls)));
    REQUIRE(ring_->seal(cls, footer));
    for (auto& [sequence, known] : world_.frames) {
      if (known.cls == cls && known.durable == kNever) known.durable = now();
    }
  }

  void release(SegmentClass cls) {
    for (const SegmentInfo& info : ring_->segments(cls)) {
      if (info.open) continue;
      give_up(info.generation);
      REQUIRE(ring_->release(info.segment, info.generation));
      return;
    }
  }

  World& world_;
  CrashDisk& disk_;
  testing::SeededRng dice_;
  std::unique_ptr<Ring> ring_;
  std::uint64_t base_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t opened_ = 0;
};

// Opens what the power cut left and compares it with what is known. `event`: how many were played.
std::string verify(World& world, const DiskImage& image, std::uint64_t event, bool write_on) {
  CrashDisk disk(image);
  disk.record(false);
  auto ring = world.open(disk);
  std::uint64_t found_required = 0;
  std::string wrong;
  for (const SegmentClass cls : kClasses) {
    std::uint64_t last = 0;
    for (const SegmentInfo& info : ring->segments(cls)) {
      const auto report = ring->scan(info.segment, info.generation, [&](const Frame& frame) {
        if (frame.sequence <= last && last != 0) wrong = "sequence goes back";
        last = frame.sequence;
        if (frame.head.type == storage::ring::kFooterFrame) return true;
        const auto known = world.frames.find(frame.sequence);
        if (known == world.frames.end()) {
          wrong = "a frame nobody wrote";
        } else if (known->second.hash != hash_of(frame.payload) || known->second.cls != cls) {
          wrong = "a frame with other bytes";
        } else if (known->second.appended > event + 1) {
          wrong = "a frame of the future";
        } else if (known->second.gone < event) {
          wrong = "a frame of a past life";
        } else if (known->second.durable <= event && known->second.given_up > event) {
          ++found_required;
        }
        return wrong.empty();
      });
      if (!report) return "scan: " + report.error().what();
      if (!wrong.empty()) return wrong;
    }
  }
  std::uint64_t required = 0;
  for (const auto& [sequence, known] : world.frames) {
    if (known.durable <= event && known.given_up > event) ++required;
  }
  if (found_required != required) {
    return "lost " + std::to_string(required - found_required) + " synced frames";
  }
  if (!write_on) return {};
  // The next life writes on, and both lives are there after it.
  const std::vector<std::byte> payload(500, std::byte{0x5A});
  for (const SegmentClass cls : kClasses) {
    auto at = ring->append(cls, {.type = 2}, payload, {});
    if (!at && at.error().code() == ErrorCode::kLimit) {
      if (auto sealed = ring->seal(cls, {}); !sealed) return "seal: " + sealed.error().what();
      at = ring->append(cls, {.type = 2}, payload, {});
    }
    if (!at) return "append: " + at.error().what();
    if (world.frames.contains(ring->last_sequence(cls)) &&
        world.frames.at(ring->last_sequence(cls)).durable <= event) {
      return "a sequence number was given twice";
    }
    if (auto synced = ring->sync(cls); !synced) return "sync: " + synced.error().what();
    const auto again = ring->read(*at);
    if (!again || again->payload != payload) return "the new frame does not read";
    ring.reset();
    ring = world.open(disk);
    bool there = false;
    const auto report = ring->scan(at->segment, at->generation, [&](const Frame& frame) {
      there = there || (frame.head.type == 2 && frame.payload.size() == payload.size());
      return true;
    });
    if (!report || !there) return "the new frame is gone after another start";
  }
  return {};
}

TEST_CASE("the ring survives power loss at every write and sync, in any order of the disk") {
  std::uint64_t states = 0;
  std::uint64_t rounds = 0;
  for (std::uint64_t seed = 1; states < testing::crash_count(188'000); ++seed) {
    World world;
    CrashDisk disk;
    Workload work(world, disk, seed);
    while (work.segments_opened() < 27) work.step();  // nine segments, three times over
    DiskImage start = disk.image();
    // Everything so far is on the platters for this experiment: play it as one durable past.
    auto past = disk.take_events();
    for (auto& [sequence, known] : world.frames) {
      known.appended = 0;
      known.durable = known.given_up == kNever && known.durable != kNever ? 0 : kNever;
      if (known.gone != kNever) known.gone = 0;
      if (known.given_up != kNever) known.given_up = 0;
    }
    std::erase_if(world.frames, [](const auto& e) { return e.second.gone == 0; });
    const std::uint64_t opened = work.segments_opened();
    while (work.segments_opened() < opened + 4) work.step();
    testing::PowerCut cut(start);
    testing::SeededRng dice(seed * 977);
    std::uint64_t event = 0;
    for (const testing::DiskEvent& e : disk.take_events()) {
      cut.play(e);
      ++event;
      const auto check = [&](const DiskImage& image) {
        const std::string wrong = verify(world, image, event, dice.below(16) == 0);
        REQUIRE_MESSAGE(wrong.empty(), wrong, " (seed ", seed, ", event ", event, ")");
      };
      states += testing::each_state(cut, !e.sync, 6, dice, check);
    }
    ++rounds;
  }
  MESSAGE("states looked at: ", states, " in ", rounds, " rings");
}

}  // namespace
}  // namespace nines
