// A query that finds pages not in memory says at once which ones it will read.
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "storage/api/reading_on.h"
#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

constexpr std::int64_t kStart = 1'700'000'000'000 - 3'000'000;
constexpr int kRows = 256;  // four pages of 64

// `groups` groups of `series` each, in pages, and a start after that.
void fill(StoreRig& rig, int groups, int series) {
  std::vector<std::unique_ptr<GroupWriter>> writers;
  std::vector<std::vector<Slot>> slots;
  for (int g = 0; g < groups; ++g) {
    writers.push_back(rig.group("g" + std::to_string(g)));
    auto& its = slots.emplace_back();
    for (int s = 0; s < series; ++s) {
      const auto slot = writers.back()->slot(
          {{"__name__", "m"}, {"g", std::to_string(g)}, {"s", std::to_string(s)}});
      REQUIRE(slot);
      its.push_back(*slot);
    }
  }
  for (int t = 0; t < kRows; ++t) {
    for (std::size_t g = 0; g < writers.size(); ++g) {
      std::vector<Row> rows;
      for (std::size_t s = 0; s < slots[g].size(); ++s)
        rows.push_back(row(slots[g][s], static_cast<double>(t) * 1.37 + static_cast<double>(s)));
      REQUIRE(writers[g]->append(from_millis(kStart + t * 1000), rows));
    }
  }
  writers.clear();
  REQUIRE(rig.store->flush());
  rig.kill();
}

struct Calls {
  int asked = 0, reads_before = 0, reads = 0;
};

// Of the file calls since `begin`.
Calls calls_since(const StoreRig& rig, std::size_t begin) {
  Calls out;
  const std::vector<std::string> trace = rig.fs.trace();
  REQUIRE(trace.size() >= begin);  // none of them was forgotten
  for (std::size_t i = begin; i < trace.size(); ++i) {
    if (trace[i].starts_with("will_read ")) ++out.asked;
    if (trace[i].starts_with("pread ")) ++(out.asked > 0 ? out.reads : out.reads_before);
  }
  return out;
}

Calls read_all(const StoreRig& rig, const std::string& group, std::size_t series) {
  const TimeRange range{from_millis(kStart), from_millis(kStart + kRows * 1000)};
  std::vector<Matcher> matchers{Matcher::equal("__name__", "m")};
  if (!group.empty()) matchers.push_back(Matcher::equal("g", group));
  const auto found = rig.store->select(matchers, range, 10'000, nullptr);
  REQUIRE(found);
  REQUIRE((*found)->size() == series);
  const std::size_t begin = rig.fs.trace().size();
  const std::unique_ptr<SeriesReader> reader = (*found)->reader();
  auto* const on = dynamic_cast<ReadingOn*>(reader.get());
  REQUIRE(on != nullptr);
  SampleColumns now;
  for (std::size_t i = 0; i < series; ++i) {
    REQUIRE(on->read_on(i, range, now));
    CHECK(now.size() == kRows);
  }
  return calls_since(rig, begin);
}

TEST_CASE("a cold query asks for all its pages before it reads the first, and once") {
  StoreRig rig(64);
  fill(rig, 4, 30);
  const Calls cold = read_all(rig, "", 120);
  CHECK(cold.reads_before == 0);
  // Sixteen pages, which lie side by side.
  CHECK(cold.asked >= 1);
  CHECK(cold.asked <= 2);
  CHECK(cold.reads == cold.asked);
  const Calls warm = read_all(rig, "", 120);
  CHECK(warm.asked == 0);
  CHECK(warm.reads_before == 0);
  CHECK(warm.reads == 0);
}

TEST_CASE("what is in memory is not asked for again") {
  StoreRig rig(64);
  fill(rig, 4, 30);
  CHECK(read_all(rig, "3", 30).asked >= 1);
  CHECK(read_all(rig, "3", 30).asked == 0);
  const Calls rest = read_all(rig, "", 120);
  CHECK(rest.asked >= 1);
  CHECK(rest.reads_before == 0);
  CHECK(rest.reads == rest.asked);
}

TEST_CASE("series read one by one ask ahead, too") {
  StoreRig rig(64);
  fill(rig, 3, 10);
  const TimeRange range{from_millis(kStart), from_millis(kStart + kRows * 1000)};
  const std::vector<Matcher> matchers{Matcher::equal("__name__", "m")};
  const auto found = rig.store->select(matchers, range, 10'000, nullptr);
  REQUIRE(found);
  const std::size_t begin = rig.fs.trace().size();
  const std::unique_ptr<SeriesReader> reader = (*found)->reader();
  SampleColumns out;
  for (std::size_t i = 0; i < (*found)->size(); ++i) REQUIRE(reader->read(i, range, out));
  const Calls calls = calls_since(rig, begin);
  CHECK(calls.asked >= 1);
  CHECK(calls.reads_before == 0);
  CHECK(calls.reads == calls.asked);
}

TEST_CASE("without a cache to bring them to, pages are read one by one") {
  StoreRig rig(64);
  rig.options.page_cache_bytes = 0;
  fill(rig, 2, 10);
  const Calls calls = read_all(rig, "", 20);
  CHECK(calls.asked == 0);
  CHECK(calls.reads_before >= 2 * 4);
}

TEST_CASE("a damaged page among those brought costs its own series only") {
  StoreRig rig(64);
  fill(rig, 4, 30);
  read_all(rig, "", 120);
  std::string piece;  // the last one, which ends with a page
  for (const std::string& call : rig.fs.trace()) {
    if (call.starts_with("will_read ")) piece = call;
  }
  const std::size_t length = piece.rfind(' '), offset = piece.rfind(' ', length - 1);
  const std::string path = piece.substr(10, offset - 10);
  rig.kill();
  rig.fs.flip_bit(path, std::stoull(piece.substr(offset)) + std::stoull(piece.substr(length)) - 3,
                  2);
  const TimeRange range{from_millis(kStart), from_millis(kStart + kRows * 1000)};
  const std::vector<Matcher> matchers{Matcher::equal("__name__", "m")};
  const auto found = rig.store->select(matchers, range, 10'000, nullptr);
  REQUIRE(found);
  const std::unique_ptr<SeriesReader> reader = (*found)->reader();
  auto* const on = dynamic_cast<ReadingOn*>(reader.get());
  REQUIRE(on != nullptr);
  std::size_t damaged = 0;
  SampleColumns now;
  for (std::size_t i = 0; i < 120; ++i) {
    const Result<bool> read = on->read_on(i, range, now);
    CHECK(now.size() == (read ? kRows : kRows - 64));
    if (read) continue;
    CHECK(read.error().code() == ErrorCode::kCorrupt);
    ++damaged;
  }
  CHECK(damaged == 30);
}

}  // namespace
}  // namespace nines::storage
