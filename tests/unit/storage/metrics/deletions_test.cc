// What was deleted is not seen again, whatever happens to the process; what comes later is.
#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

constexpr std::int64_t kStart = 1'700'000'000'000;
const LabelSet kA{{"__name__", "a"}, {"job", "x"}};
const LabelSet kB{{"__name__", "b"}, {"job", "x"}};
constexpr TimeRange kAlways{from_millis(0), from_millis(INT64_MAX / 2)};

void write(GroupWriter& group, const LabelSet& labels, int from, int to) {
  const auto slot = group.slot(labels);
  REQUIRE(slot);
  for (int i = from; i < to; ++i) {
    const Row one = row(*slot, i);
    const auto done = group.append(from_millis(kStart - 600'000 + i * 1000), std::span(&one, 1));
    REQUIRE(done);
    CHECK(done->appended == 1);
  }
}

TimeRange seconds(int from, int to) {
  return {from_millis(kStart - 600'000 + from * 1000), from_millis(kStart - 600'000 + to * 1000)};
}

void remove(StoreRig& rig, const char* metric, TimeRange range) {
  const std::vector<std::vector<Matcher>> sets = {{Matcher::equal("__name__", metric)}};
  const auto done = rig.store->delete_series(sets, range);
  REQUIRE_MESSAGE(done, done.error().what());
}

std::vector<std::string> names(StoreRig& rig) {
  const auto values = rig.store->label_values("__name__", {}, kAlways, 0);
  REQUIRE(values);
  return *values;
}

TEST_CASE("samples in the range are gone, others stay, through a kill and a power cut") {
  StoreRig rig;
  {
    auto group = rig.group("g");
    write(*group, kA, 0, 200);  // pages and open rows
    write(*group, kB, 200, 210);
    remove(rig, "a", seconds(50, 149));
    CHECK(rig.points(kA).size() == 100);
  }
  for (int round = 0; round < 3; ++round) {
    const auto left = rig.points(kA);
    REQUIRE(left.size() == 100);
    CHECK(left[49].second == 49);
    CHECK(left[50].second == 150);
    CHECK(rig.points(kB).size() == 10);
    if (round == 0) rig.kill();
    if (round == 1) rig.lose_power();
  }
}

TEST_CASE("a series of which nothing is left is not listed; what comes later is") {
  StoreRig rig;
  auto group = rig.group("g");
  write(*group, kA, 0, 100);
  write(*group, kB, 0, 100);
  remove(rig, "a", kAlways);
  CHECK(rig.points(kA).empty());
  CHECK(names(rig) == std::vector<std::string>{"b"});
  const Matcher any = *Matcher::make(MatchOp::kRegex, "__name__", ".+");
  CHECK((*rig.store->select(std::span(&any, 1), kAlways, 10, nullptr))->size() == 1);
  const auto labels = rig.store->label_names({}, kAlways, 0);
  CHECK(*labels == std::vector<std::string>{"__name__", "job"});
  write(*group, kA, 100, 120);
  CHECK(rig.points(kA).size() == 20);
  CHECK(names(rig) == std::vector<std::string>{"a", "b"});
  // The same times once more, from elsewhere: deleting is about what was there.
  auto other = rig.group("import");
  write(*other, kA, 0, 100);
  CHECK(rig.points(kA).size() == 120);
  other.reset();
  group.reset();
  rig.kill();
  CHECK(rig.points(kA).size() == 120);
  REQUIRE(rig.store->flush());
  rig.lose_power();
  CHECK(rig.points(kA).size() == 120);
}

TEST_CASE("exemplars of the range go too") {
  StoreRig rig;
  auto group = rig.group("g");
  write(*group, kA, 0, 100);
  const Slot slot = *group->slot(kA);
  std::vector<ExemplarRow> rows;
  for (int i = 0; i < 10; ++i)
    rows.push_back({slot, {LabelSet{{"t", std::to_string(i)}}, 1, kStart - 600'000 + i * 1000}});
  REQUIRE(group->append_exemplars(rows));
  remove(rig, "a", seconds(2, 5));
  const std::vector<std::vector<Matcher>> sets = {{Matcher::equal("__name__", "a")}};
  CHECK(rig.store->exemplars(sets, kAlways).front().exemplars.size() == 6);
  remove(rig, "a", kAlways);
  CHECK(rig.store->exemplars(sets, kAlways).empty());
  rig.clock.advance(Duration(1000));
  rows = {{slot, {LabelSet{{"t", "new"}}, 1, kStart + 500}}};
  REQUIRE(group->append_exemplars(rows));
  CHECK(rig.store->exemplars(sets, kAlways).size() == 1);
}

TEST_CASE("a deletion of everything by accident is refused") {
  StoreRig rig;
  auto group = rig.group("g");
  write(*group, kA, 0, 10);
  const Matcher empty = Matcher::equal("x", "");
  const Matcher any = *Matcher::make(MatchOp::kRegex, "x", ".*");
  for (const std::vector<Matcher>& set : {std::vector<Matcher>{}, {empty}, {any, empty}}) {
    for (const bool first : {false, true}) {
      std::vector<std::vector<Matcher>> sets = {{Matcher::equal("__name__", "nothing")}};
      sets.insert(first ? sets.begin() : sets.end(), set);
      const auto refused = rig.store->delete_series(sets, kAlways);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code() == ErrorCode::kInvalid);
      CHECK(refused.error().what().find("at least one matcher") != std::string::npos);
    }
  }
  CHECK(rig.points(kA).size() == 10);
  const std::vector<std::vector<Matcher>> all = {
      {*Matcher::make(MatchOp::kRegex, "__name__", ".+")}};
  CHECK(rig.store->delete_series(all, kAlways));
  CHECK(rig.points(kA).empty());
}

TEST_CASE("what matches nothing is not remembered, the limit names itself, and the ring forgets") {
  StoreRig rig(13, 64u << 10);
  rig.ring_options.parts = {120, 530, 0, 0, 270, 80};
  rig.options.deletions_max = 2;
  rig.open();
  auto group = rig.group("g");
  write(*group, kA, 0, 100);
  for (int i = 0; i < 5; ++i) remove(rig, "nothing", kAlways);
  remove(rig, "a", seconds(60, 50));
  remove(rig, "a", seconds(0, 10));
  remove(rig, "a", seconds(11, 20));
  const std::vector<std::vector<Matcher>> sets = {{Matcher::equal("__name__", "a")}};
  const auto third = rig.store->delete_series(sets, kAlways);
  REQUIRE_FALSE(third);
  CHECK(third.error().code() == ErrorCode::kLimit);
  CHECK(third.error().what().find("2 deletions are remembered") != std::string::npos);
  REQUIRE(rig.store->clean_deletions());
  CHECK_FALSE(rig.store->delete_series(sets, kAlways));
  // The ring goes round: nothing of that time is left, and there is room for others.
  const Slot slot = *group->slot(kB);
  std::uint64_t noise = 1;
  const auto first = rig.ring->segments(ring::SegmentClass::kRaw).front().generation;
  std::int64_t at = kStart;
  const auto oldest = [&] {
    return rig.ring->segments(ring::SegmentClass::kRaw).front().generation;
  };
  const auto before = rig.ring->segments(ring::SegmentClass::kRaw).back().generation;
  while (oldest() <= before) {
    noise = noise * 6364136223846793005ULL + 1442695040888963407ULL;
    const Row one = row(slot, static_cast<double>(noise >> 11) * 1e-3);
    at += 1000;
    rig.clock.advance(Duration(1000));
    REQUIRE(group->append(from_millis(at), std::span(&one, 1)));
  }
  CHECK(first <= before);
  REQUIRE(rig.store->clean_deletions());
  write(*rig.group("h"), LabelSet{{"__name__", "a"}, {"n", "2"}}, 0, 3);
  CHECK(rig.store->delete_series(sets, kAlways));
}

// The ends of a series' windows.
std::vector<std::int64_t> window_ends(const StoreRig& rig, const LabelSet& labels, Tier tier) {
  const Matcher matcher = Matcher::equal("__name__", std::string(labels.metric_name()));
  const auto found = rig.store->select(std::span(&matcher, 1), kAlways, 10, nullptr);
  REQUIRE(found);
  std::vector<std::int64_t> out;
  if ((*found)->size() == 0) return out;
  std::vector<TierWindow> windows;
  REQUIRE((*found)->read_tier(0, tier, kAlways, windows));
  for (const TierWindow& window : windows) out.push_back(window.end);
  return out;
}

TEST_CASE("windows of tiers made of deleted samples are gone, before and after they are folded") {
  constexpr std::int64_t kHour = 3'600'000;
  StoreRig rig(20, 64u << 10);
  rig.ring_options.parts = {250, 250, 250, 250, 0, 0};
  rig.open();
  auto group = rig.group("g");
  std::uint64_t noise = 1;
  std::int64_t at = kStart;
  const auto run = [&](int hours) {
    const Slot slots[] = {*group->slot(kA), *group->slot(kB)};
    for (const std::int64_t end = at + hours * kHour; at < end;) {
      at += 15'000;
      rig.clock.advance(Duration(15'000));
      Row rows[] = {row(slots[0], 0), row(slots[1], 0)};
      for (Row& one : rows) {
        noise = noise * 6364136223846793005ULL + 1442695040888963407ULL;
        one.value = static_cast<double>(noise >> 11) * 1e-3;
      }
      REQUIRE(group->append(from_millis(at), rows));
      if (at / 15'000 % 8 == 0) rig.store->tend();
    }
  };
  run(120);
  REQUIRE(rig.store->retention().dropped_until);
  const std::int64_t dropped = to_millis(*rig.store->retention().dropped_until);
  REQUIRE(dropped > kStart + 5 * kHour);
  // From where only tiers are left to where only samples are.
  const std::int64_t from = kStart + 2 * kHour;
  const std::int64_t to = at - kHour / 2;
  REQUIRE(dropped < to);
  const std::vector<std::vector<Matcher>> sets = {{Matcher::equal("__name__", "a")}};
  const auto others = window_ends(rig, kB, Tier::k1h).size();
  REQUIRE(rig.store->delete_series(sets, {from_millis(from), from_millis(to)}));
  const auto check = [&] {
    for (const Tier tier : {Tier::k5m, Tier::k1h}) {
      for (const std::int64_t end : window_ends(rig, kA, tier)) {
        const bool within = end - tier_step(tier) >= from && end <= to;
        CHECK_FALSE(within);
      }
    }
    CHECK(window_ends(rig, kA, Tier::k1h).front() <= from);
    CHECK(window_ends(rig, kA, Tier::k5m).back() >= to);
  };
  check();
  CHECK(window_ends(rig, kB, Tier::k1h).size() == others);
  run(30);  // what was left of the range is folded
  check();
  CHECK(window_ends(rig, kB, Tier::k1h).size() >= others + 28);
  group.reset();
  rig.kill();
  check();
}

}  // namespace
}  // namespace nines::storage
