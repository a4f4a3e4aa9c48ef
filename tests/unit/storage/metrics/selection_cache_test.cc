// What a selector means is kept between queries: they see what a look at every series would.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "storage/api/reading_on.h"
#include "storage/metrics/internal/selected_series.h"
#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

constexpr std::int64_t kLookback = 300'000;

LabelSet series(const std::string& name, const std::string& host) {
  return LabelSet{{"__name__", name}, {"host", host}};
}
std::vector<Matcher> named(const std::string& name) {
  return {Matcher::equal("__name__", name)};
}

std::unique_ptr<SeriesSelection> select(const StoreRig& rig, const std::vector<Matcher>& matchers,
                                        std::int64_t from, std::int64_t to) {
  auto found = rig.store->select(matchers, {from_millis(from), from_millis(to)}, 100'000, nullptr);
  REQUIRE_MESSAGE(found, found.error().what());
  return *std::move(found);
}

// By labels, what each selected series reads in the range.
std::map<LabelSet, StoreRig::Points> answer(const StoreRig& rig,
                                            const std::vector<Matcher>& matchers, std::int64_t from,
                                            std::int64_t to) {
  const auto found = select(rig, matchers, from, to);
  std::map<LabelSet, StoreRig::Points> out;
  for (std::size_t i = 0; i < found->size(); ++i) {
    if (i > 0) CHECK(found->labels(i - 1) < found->labels(i));
    SampleColumns columns;
    REQUIRE(found->read(i, {from_millis(from), from_millis(to)}, columns));
    StoreRig::Points& points = out[found->labels(i)];
    for (std::size_t s = 0; s < columns.size(); ++s)
      points.emplace_back(columns.times[s], columns.values[s]);
  }
  return out;
}

std::map<LabelSet, StoreRig::Points> newest(const StoreRig& rig, const std::string& name) {
  const std::int64_t now = to_millis(rig.clock.now());
  return answer(rig, named(name), now - kLookback + 1, now);
}

// latest() knows what read() reads, or says that it does not know.
std::size_t check_latest(const StoreRig& rig, const std::vector<Matcher>& matchers,
                         std::int64_t from, std::int64_t to) {
  const auto found = select(rig, matchers, from, to);
  const auto made = found->reader();
  auto* const reader = dynamic_cast<ReadingOn*>(made.get());
  REQUIRE(reader != nullptr);
  std::vector<LatestSample> latest(found->size());
  const TimeRange range{from_millis(from), from_millis(to)};
  reader->latest(0, range, latest);
  std::size_t known = 0;
  for (std::size_t i = 0; i < latest.size(); ++i) {
    if (latest[i].state == LatestSample::State::kUnknown) continue;
    ++known;
    SampleColumns columns;
    REQUIRE(reader->read(i, range, columns));
    INFO(found->labels(i).to_string());
    REQUIRE((columns.size() > 0) == (latest[i].state == LatestSample::State::kFloat));
    if (columns.size() == 0) continue;
    CHECK(columns.times.back() == latest[i].time_ms);
    CHECK((columns.histograms.empty() || !columns.histograms.back()));
    CHECK(std::bit_cast<std::uint64_t>(columns.values.back()) ==
          std::bit_cast<std::uint64_t>(latest[i].value));
  }
  return known;
}

struct Hosts {
  explicit Hosts(StoreRig& r) : rig(r) {}
  void append(const std::string& host, const std::string& name, double value) {
    auto& writer = writers[host];
    if (!writer) {  // targets of a job share a layout, those of the other name their hosts anew
      const bool target = host < "h4";
      auto opened = target ? rig.store->open_group({host, LabelSet{{"host", host}}, "job"})
                           : rig.store->open_group({host});
      REQUIRE(opened);
      writer = *std::move(opened);
    }
    const auto slot = writer->slot(series(name, host));
    REQUIRE(slot);
    REQUIRE(writer->append(rig.clock.now(), std::vector<Row>{row(*slot, value)}));
  }
  void kill() {
    writers.clear();
    rig.kill();
  }
  StoreRig& rig;
  std::map<std::string, std::unique_ptr<GroupWriter>> writers;
};

TEST_CASE("a selection that was asked before sees new series and new targets at once") {
  StoreRig rig;
  Hosts hosts(rig);
  hosts.append("a", "m", 1);
  CHECK(newest(rig, "m").size() == 1);
  CHECK(newest(rig, "n").empty());
  hosts.append("a", "n", 2);
  CHECK(newest(rig, "n").size() == 1);
  hosts.append("b", "m", 3);
  CHECK(newest(rig, "m").size() == 2);
  hosts.append("c", "n", 4);
  CHECK(newest(rig, "n").size() == 2);
  CHECK(newest(rig, "m").size() == 2);
}

TEST_CASE("a series without samples in the range is none, and one again when it comes back") {
  StoreRig rig;
  Hosts hosts(rig);
  hosts.append("a", "m", 1);
  hosts.append("b", "m", 1);
  CHECK(newest(rig, "m").size() == 2);
  rig.clock.advance(Duration(kLookback));
  hosts.append("a", "m", 2);
  CHECK(newest(rig, "m").size() == 1);
  REQUIRE(rig.store->flush());
  CHECK(newest(rig, "m").size() == 1);
  hosts.append("b", "m", 3);
  CHECK(newest(rig, "m").size() == 2);
}

TEST_CASE("a target that has gone and whose writer comes back is found again") {
  StoreRig rig;
  Hosts hosts(rig);
  hosts.append("a", "m", 1);
  hosts.append("b", "m", 1);
  hosts.writers.erase("b");
  REQUIRE(rig.store->flush());
  rig.store->tend();
  rig.clock.advance(Duration(4 * 3'600'000));  // longer than what is kept goes back
  hosts.append("a", "m", 2);
  CHECK(newest(rig, "m").size() == 1);
  hosts.append("b", "m", 3);
  CHECK(newest(rig, "m").size() == 2);
}

TEST_CASE("what is deleted is gone from kept selections at once, and what comes after is there") {
  StoreRig rig;
  Hosts hosts(rig);
  hosts.append("a", "m", 1);
  hosts.append("b", "m", 1);
  CHECK(newest(rig, "m").size() == 2);
  const std::int64_t now = to_millis(rig.clock.now());
  const std::vector<std::vector<Matcher>> gone{{Matcher::equal("host", "a")}};
  REQUIRE(rig.store->delete_series(gone, {from_millis(0), from_millis(now)}));
  CHECK(newest(rig, "m").size() == 1);
  CHECK(check_latest(rig, named("m"), now - kLookback + 1, now) == 0);
  rig.clock.advance(Duration(15'000));
  hosts.append("a", "m", 5);
  CHECK(newest(rig, "m").at(series("m", "a")) == StoreRig::Points{{to_millis(rig.clock.now()), 5}});
}

TEST_CASE("a restart answers as before, from kept selections of its own") {
  StoreRig rig;
  Hosts hosts(rig);
  for (int i = 0; i < 70; ++i) {
    hosts.append("a", "m", i);
    if (i < 60) hosts.append("b", "m", 100 + i);
    rig.clock.advance(Duration(1'000));
  }
  const auto before = newest(rig, "m");
  CHECK(before.size() == 2);
  hosts.kill();
  CHECK(newest(rig, "m") == before);
  CHECK(newest(rig, "m") == before);
  const std::int64_t now = to_millis(rig.clock.now());
  check_latest(rig, named("m"), now - kLookback + 1, now);
}

TEST_CASE("the newest samples are known without reading, histograms are not") {
  StoreRig rig;
  auto writer = rig.group("g");
  const auto a = writer->slot(series("m", "a")), b = writer->slot(series("m", "b"));
  REQUIRE(a);
  REQUIRE(b);
  Histogram histogram;
  histogram.count = histogram.sum = 3;
  Row with = row(*b, 0);
  with.histogram = &histogram;
  const std::int64_t begin = to_millis(rig.clock.now());
  REQUIRE(writer->append(rig.clock.now(), std::vector<Row>{row(*a, 1), with}));
  CHECK(check_latest(rig, named("m"), begin - kLookback + 1, begin) == 1);
  rig.clock.advance(Duration(15'000));
  REQUIRE(writer->append(rig.clock.now(), std::vector<Row>{row(*a, stale_nan()), row(*b, 2)}));
  CHECK(check_latest(rig, named("m"), begin, begin + 15'000) == 2);
  // Before the newest: the row before it is still open.
  CHECK(check_latest(rig, named("m"), begin - kLookback + 1, begin + 14'999) == 1);
  REQUIRE(rig.store->flush());
  CHECK(check_latest(rig, named("m"), begin, begin + 15'000) == 2);
  CHECK(check_latest(rig, named("m"), begin + 15'001, begin + 20'000) == 0);
}

// Two stores that are told the same, one of which keeps nothing.
TEST_CASE("whatever comes and goes, kept selections answer as though nothing were kept") {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    testing::SeededRng dice(seed);
    const auto below = [&](std::uint64_t n) { return static_cast<int>(dice.next() % n); };
    StoreRig kept(64), plain(64);
    plain.options.selection_cache_bytes = 0;
    plain.open();
    Hosts of_kept(kept), of_plain(plain);
    std::size_t known = 0;
    for (int turn = 0; turn < 400; ++turn) {
      const int what = below(100);
      for (Hosts* hosts : {&of_kept, &of_plain}) {
        testing::SeededRng same(seed * 1000 + static_cast<std::uint64_t>(turn));
        const auto pick = [&](std::uint64_t n) { return static_cast<int>(same.next() % n); };
        const auto host = [&] { return "h" + std::to_string(pick(8)); };
        if (what < 80) {
          for (int i = pick(20); i >= 0; --i)
            hosts->append(host(), "m" + std::to_string(pick(3)), pick(3) == 0 ? 0.5 : pick(1000));
        } else if (what < 84) {
          REQUIRE(hosts->rig.store->flush());
        } else if (what < 88) {
          hosts->rig.store->tend();
        } else if (what < 92) {
          hosts->writers.erase(host());
        } else if (what < 94) {
          hosts->kill();
        } else if (what < 95 && turn > 200) {
          const std::vector<std::vector<Matcher>> gone{{Matcher::equal("host", host())}};
          REQUIRE(hosts->rig.store->delete_series(gone, {from_millis(0), hosts->rig.clock.now()}));
        } else if (what < 96 && turn > 200) {
          REQUIRE(hosts->rig.store->clean_deletions());
        }
      }
      const Duration step(what == 99 ? 3'600'000 : below(30'000));
      kept.clock.advance(step);
      plain.clock.advance(step);
      const std::int64_t now = to_millis(kept.clock.now());
      const std::int64_t to = now - below(40'000),
                         from = to - (below(10) == 0 ? 7'000'000 : kLookback);
      auto regex = Matcher::make(MatchOp::kRegex, "host", "h[0-3]");
      REQUIRE(regex);
      std::vector<Matcher> matchers = named("m" + std::to_string(below(3)));
      if (below(2) == 0) matchers.push_back(*regex);
      CAPTURE(seed);
      CAPTURE(turn);
      REQUIRE(answer(kept, matchers, from, to) == answer(plain, matchers, from, to));
      known += check_latest(kept, matchers, from, to);
    }
    CHECK(known > 200);
  }
}

std::shared_ptr<const SelectedSeries> some(std::uint32_t count) {
  std::vector<SeriesPlace> places(count);
  std::vector<SelectedSeries::Range> ranges;
  for (std::uint32_t i = 0; i < count; ++i) ranges.push_back({i, i + 1});
  return std::make_shared<const SelectedSeries>(SelectedSeries::Versions(), std::move(places),
                                                std::move(ranges), std::vector<std::uint32_t>(),
                                                std::vector<std::uint32_t>());
}

std::uint64_t same() {
  return 0;
}

TEST_CASE("no more is kept than may be, the newest") {
  const std::uint64_t two = 2 * (some(10)->bytes() + 2);
  for (const bool fits : {true, false}) {
    SelectionCache cache(fits ? two : two - 1);
    CHECK(cache.find("a", 0, {}, same) == nullptr);
    cache.put("a", {some(10), {}, 0, 0, {}});
    cache.put("b", {some(10), {}, 0, 0, {}});
    CHECK(cache.find("b", 0, {}, same) != nullptr);
    CHECK((cache.find("a", 0, {}, same) != nullptr) == fits);
  }
  SelectionCache none(0);
  none.put("a", {some(1), {}, 0, 0, {}});
  CHECK(none.find("a", 0, {}, same) == nullptr);
}

TEST_CASE("a kept selection ends when a version it looked through learned a series") {
  Version one, other;
  one.series = 1;
  SelectionCache cache(1 << 20);
  CHECK(cache.find("a", 0, {5, 7}, same) == nullptr);
  cache.put("a", {some(1), {{&one, 1}}, 0, 100, {5, 7}});
  CHECK(cache.find("a", 99, {5, 7}, same) == nullptr);   // goes back farther
  CHECK(cache.find("a", 100, {5, 8}, same) != nullptr);  // another one learned
  CHECK(cache.find("a", 100, {5, 8}, [] { return std::uint64_t{1}; }) != nullptr);
  one.series = 2;
  CHECK(cache.find("a", 100, {5, 8}, same) != nullptr);  // nobody did since
  CHECK(cache.find("a", 100, {5, 9}, same) == nullptr);
  cache.put("a", {some(1), {{&one, 2}}, 0, 100, {5, 9}});
  CHECK(cache.find("a", 100, {5, 10}, [] { return std::uint64_t{1}; }) == nullptr);
  cache.put("a", {some(1), {{&one, 2}}, 0, 100, {5, 10}});
  CHECK(cache.find("a", 100, {6, 10}, same) == nullptr);  // versions came or went
}

}  // namespace
}  // namespace nines::storage
