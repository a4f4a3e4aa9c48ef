// 10,000 wounds to the files of a full ring: each is found or harmless, costs no more than what it
// touched, and never a start.

#include <algorithm>

#include "tests/crash/states.h"
#include "tests/crash/store_bench.h"

namespace nines {
namespace {

using testing::CrashDisk;
using testing::DiskImage;
using testing::StoreBench;

DiskImage full_ring(StoreBench& bench, std::size_t& samples, std::size_t& lines) {
  CrashDisk disk;
  disk.record(false);
  {
    auto ring = *bench.open_ring(disk);
    auto metrics = *bench.open_metrics(*ring);
    auto logs = *bench.open_logs(*ring);
    auto group = *metrics->open_group("group");
    std::vector<storage::Row> rows(20);
    std::uint64_t number = 0;
    for (std::uint64_t i = 0; i < rows.size(); ++i) {
      rows[i].slot = *group->slot({{"__name__", "m"}, {"n", std::to_string(i)}});
    }
    for (int scrape = 0; scrape < 900; ++scrape) {
      bench.clock.advance(Duration{1000});
      const std::int64_t now = to_millis(bench.clock.now());
      for (std::uint64_t i = 0; i < rows.size(); ++i) rows[i].value = testing::value_at(i, now);
      REQUIRE(group->append(bench.clock.now(), rows));
      for (int k = 0; k < 2; ++k) {
        ++number;
        const std::string text = testing::line_text(1, number, testing::line_length(number));
        const storage::LogLine line{bench.clock.now_nanos(), text};
        REQUIRE(logs->append(LabelSet{{"s", "1"}}, {&line, 1}));
      }
    }
    REQUIRE(metrics->sync());
    REQUIRE(logs->flush());
    for (const auto& [series, times] : testing::read_metrics(*metrics).times)
      samples += times.size();
    lines = testing::read_lines(*logs).lines[1].size();
    group.reset();
  }
  return disk.image();
}

TEST_CASE("bit flips, zeroed sectors and truncations are found or harmless") {
  StoreBench bench;
  std::size_t samples = 0, lines = 0;
  const DiskImage whole = full_ring(bench, samples, lines);
  REQUIRE(samples > 2000);
  REQUIRE(lines > 100);
  const std::vector<std::string> paths = whole.paths();
  testing::SeededRng dice(4711);
  std::size_t unharmed = 0, worst_samples = 0, worst_lines = 0;
  const std::uint64_t wounds = testing::crash_count(10'000);
  for (std::uint64_t i = 0; i < wounds; ++i) {
    DiskImage image = whole;
    const std::string& path = paths[dice.below(paths.size())];
    const std::uint32_t file = image.file(path);
    const std::uint64_t size = image.size(file);
    const std::uint64_t kind = dice.below(3);
    const bool is_super = path.ends_with("super");
    if (kind == 0) {
      const std::uint64_t at = dice.below(4) == 0 ? dice.below(16'384) % size : dice.below(size);
      std::byte value{};
      image.read(file, at, {&value, 1});
      value ^= std::byte{1} << dice.below(8);
      image.write(file, at, {&value, 1});
    } else if (kind == 1) {
      const std::vector<std::byte> zeros(testing::kSector);
      image.write(file, dice.below(size / testing::kSector) * testing::kSector, zeros);
    } else if (is_super) {
      continue;  // a folder without superblock is refused, which is what the start says aloud
    } else {
      image.resize(file, dice.below(size));
    }
    CrashDisk disk(image);
    disk.record(false);
    auto ring = bench.open_ring(disk);
    if (!ring && is_super) {  // the only valid superblock was hit: refused and named
      REQUIRE(ring.error().code() == ErrorCode::kCorrupt);
      continue;
    }
    REQUIRE_MESSAGE(ring, (ring ? "" : ring.error().what()), " wound ", i, " to ", path);
    auto metrics = bench.open_metrics(**ring);
    REQUIRE_MESSAGE(metrics, (metrics ? "" : metrics.error().what()), " wound ", i, " to ", path);
    auto logs = bench.open_logs(**ring);
    REQUIRE_MESSAGE(logs, (logs ? "" : logs.error().what()), " wound ", i, " to ", path);
    const testing::MetricAnswer m = testing::read_metrics(**metrics);
    REQUIRE_MESSAGE(m.wrong.empty(), m.wrong, " wound ", i, " to ", path);
    testing::LogAnswer l = testing::read_lines(**logs);
    REQUIRE_MESSAGE(l.wrong.empty(), l.wrong, " wound ", i, " to ", path);
    std::size_t have = 0;
    for (const auto& [series, times] : m.times) have += times.size();
    const std::size_t have_lines = l.lines[1].size();
    REQUIRE(have <= samples);
    REQUIRE(have_lines <= lines);
    if (have == samples && have_lines == lines) ++unharmed;
    worst_samples = std::max(worst_samples, samples - have);
    worst_lines = std::max(worst_lines, lines - have_lines);
  }
  MESSAGE(wounds, " wounds: ", unharmed, " harmless; at worst ", worst_samples, " of ", samples,
          " samples and ", worst_lines, " of ", lines, " lines lost");
}

}  // namespace
}  // namespace nines
