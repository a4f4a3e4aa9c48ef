// Power loss under the store of log lines: what a flush said is on disk is there after the cut,
// once and in order, unless the ring has dropped its segment since; nothing else is.

#include <algorithm>
#include <iterator>
#include <set>

#include "tests/crash/states.h"
#include "tests/crash/store_bench.h"

namespace nines {
namespace {

using testing::CrashDisk;
using testing::DiskImage;
using testing::Lines;
using testing::StoreBench;

class Writer {
 public:
  Writer(StoreBench& bench, CrashDisk& disk, std::uint64_t seed)
      : bench_(bench),
        dice_(seed),
        ring_(*bench.open_ring(disk)),
        store_(*bench.open_logs(*ring_)) {}

  void append() {
    const std::uint64_t stream = dice_.below(4);
    bench_.clock.advance(Duration{10});
    std::vector<std::string> texts;
    const std::uint64_t n = 1 + dice_.below(6);
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t number = ++last_[stream];
      texts.push_back(testing::line_text(stream, number, testing::line_length(number)));
    }
    std::vector<storage::LogLine> lines;
    for (const std::string& text : texts) lines.push_back({bench_.clock.now_nanos(), text});
    REQUIRE(store_->append(LabelSet{{"s", std::to_string(stream)}}, lines));
  }
  void flush() { REQUIRE(store_->flush()); }
  void cut() { REQUIRE(store_->cut()); }
  std::uint64_t written() const {
    return ring_->use(storage::ring::SegmentClass::kLogs).bytes_appended;
  }
  // Every stream shows an unbroken run that ends with what was appended last.
  Lines visible() const {
    testing::LogAnswer answer = testing::read_lines(*store_);
    REQUIRE_MESSAGE(answer.wrong.empty(), answer.wrong);
    return std::move(answer.lines);
  }

 private:
  StoreBench& bench_;
  testing::SeededRng dice_;
  std::unique_ptr<storage::ring::Ring> ring_;
  std::unique_ptr<storage::LogStore> store_;
  std::map<std::uint64_t, std::uint64_t> last_;
};

struct Checkpoint {
  std::uint64_t event = 0;
  bool synced = false;
  Lines visible;
};

std::string compare(const Lines& durable, const Lines& next, const Lines& got) {
  for (const auto& [stream, numbers] : got) {
    for (std::size_t i = 1; i < numbers.size(); ++i) {
      if (numbers[i] <= numbers[i - 1])
        return "stream " + std::to_string(stream) + ": a line twice, or out of order";
    }
    const auto may = next.find(stream);
    if (may == next.end() || numbers.back() > may->second.back()) return "a line of the future";
  }
  for (const auto& [stream, numbers] : durable) {
    const auto still = next.find(stream);
    if (still == next.end()) continue;
    std::vector<std::uint64_t> must;
    std::set_intersection(numbers.begin(), numbers.end(), still->second.begin(),
                          still->second.end(), std::back_inserter(must));
    const auto have = got.find(stream);
    if (must.empty()) continue;
    if (have == got.end() ||
        !std::includes(have->second.begin(), have->second.end(), must.begin(), must.end())) {
      std::vector<std::uint64_t> lost;
      if (have != got.end()) {
        std::set_difference(must.begin(), must.end(), have->second.begin(), have->second.end(),
                            std::back_inserter(lost));
      }
      return "stream " + std::to_string(stream) + " lost " + std::to_string(lost.size()) + " of " +
             std::to_string(must.size()) + " synced lines, " +
             (lost.empty() ? "all"
                           : std::to_string(lost.front()) + ".." + std::to_string(lost.back())) +
             " of " + std::to_string(must.front()) + ".." + std::to_string(must.back());
    }
  }
  return {};
}

TEST_CASE("log lines survive power loss at every write and sync, in any order of the disk") {
  std::uint64_t states = 0;
  std::uint64_t evictions = 0;
  for (std::uint64_t seed = 1; states < testing::crash_count(6'000); ++seed) {
    StoreBench bench;
    bench.ring_options.parts = {0, 0, 0, 0, 400, 300};
    CrashDisk disk;
    disk.record(false);
    Writer work(bench, disk, seed);
    while (work.written() < 3 * bench.ring_options.bytes) work.append();
    work.flush();
    disk.record(true);
    const DiskImage start = disk.image();
    std::vector<Checkpoint> points{{0, true, work.visible()}};
    testing::SeededRng dice(seed * 31);
    while (points.size() < 120) {
      const std::uint64_t what = dice.below(20);
      if (what < 15) {
        work.append();
      } else if (what < 19) {
        work.flush();
      } else {
        work.cut();
      }
      points.push_back({disk.event_count(), what >= 15, work.visible()});
    }
    testing::PowerCut cut(start);
    std::uint64_t event = 0;
    std::size_t done = 0, durable = 0;
    for (const testing::DiskEvent& e : disk.take_events()) {
      cut.play(e);
      ++event;
      while (done + 1 < points.size() && points[done + 1].event < event) {
        if (points[++done].synced) durable = done;
      }
      const std::size_t next = std::min(done + 1, points.size() - 1);
      const auto check = [&](const DiskImage& image) {
        CrashDisk left(image);
        left.record(false);
        auto ring = bench.open_ring(left);
        REQUIRE(ring);
        bool evicted = false;
        const auto before = (*ring)->segments(storage::ring::SegmentClass::kLogs);
        auto store = bench.open_logs(**ring);
        REQUIRE(store);
        for (const auto& info : before) {
          const auto after = (*ring)->segments(storage::ring::SegmentClass::kLogs);
          evicted = evicted || std::none_of(after.begin(), after.end(), [&](const auto& other) {
                      return other.generation == info.generation;
                    });
        }
        const testing::LogAnswer answer = testing::read_lines(**store);
        std::string wrong = answer.wrong;
        if (wrong.empty() && !evicted) {
          wrong = compare(points[durable].visible, points[next].visible, answer.lines);
        }
        evictions += evicted ? 1 : 0;
        REQUIRE_MESSAGE(wrong.empty(), wrong, " (seed ", seed, ", event ", event, ")");
      };
      states += testing::each_state(cut, !e.sync, 4, dice, check);
    }
  }
  MESSAGE("states looked at: ", states - evictions, " (and ", evictions,
          " in which the start itself evicted a segment)");
}

}  // namespace
}  // namespace nines
