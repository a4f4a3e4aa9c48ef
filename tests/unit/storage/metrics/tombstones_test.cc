// What was deleted is known by labels, time and place, and reads back as it was.
#include "storage/metrics/internal/tombstones.h"

#include <doctest/doctest.h>

namespace nines::storage {
namespace {

Tombstone stone(std::vector<std::vector<Matcher>> sets, std::int64_t from, std::int64_t to,
                RingPlace before) {
  return {std::move(sets), from, to, {before, before, before}, 5000};
}

SampleColumns columns(std::vector<std::int64_t> times) {
  SampleColumns out;
  out.times = std::move(times);
  for (const std::int64_t t : out.times) out.values.push_back(static_cast<double>(t) / 2);
  return out;
}

TEST_CASE("a series has the spans of every deletion one of whose sets it matches") {
  Tombstones all;
  all.add(
      stone({{Matcher::equal("__name__", "a")}, {Matcher::equal("job", "x")}}, 10, 20, {3, 4096}));
  all.add(stone({{*Matcher::make(MatchOp::kRegex, "job", "x|y")}}, 0, 5, {4, 0}));
  CHECK(all.spans(LabelSet{{"__name__", "a"}}).size() == 1);
  CHECK(all.spans(LabelSet{{"__name__", "b"}, {"job", "x"}}).size() == 2);
  CHECK(all.spans(LabelSet{{"__name__", "b"}, {"job", "y"}}).size() == 1);
  CHECK(all.spans(LabelSet{{"__name__", "b"}, {"job", "z"}}).empty());
  const auto read = Tombstones::decode(all.encode());
  REQUIRE(read);
  CHECK(read->encode() == all.encode());
  CHECK(read->spans(LabelSet{{"__name__", "b"}, {"job", "y"}}).front().before[1] ==
        RingPlace{4, 0});
  const std::string text = all.encode();
  for (std::size_t n = 1; n < text.size(); ++n) CHECK_FALSE(Tombstones::decode(text.substr(0, n)));
  CHECK(Tombstones::decode("")->empty());
}

TEST_CASE("a set that matches everything is damage") {
  for (const bool empty : {false, true}) {
    Tombstones all;
    all.add(stone({{Matcher::equal("a", empty ? "" : "b")}}, 0, 1, {1, 1}));
    CHECK(Tombstones::decode(all.encode()).has_value() == !empty);
  }
  Tombstones none;
  none.add(stone({{}}, 0, 1, {1, 1}));
  CHECK_FALSE(Tombstones::decode(none.encode()));
}

TEST_CASE("a place that no file has is damage") {
  for (const bool past : {false, true}) {
    Tombstones all;
    all.add(stone({{Matcher::equal("a", "b")}}, 0, 1, {1, UINT32_MAX}));
    std::string text = all.encode();
    // The last of the three places: its five bytes stand before the two of the time.
    const std::size_t last = text.size() - 3;
    REQUIRE(text[last] == 0x0F);
    if (past) text[last] = 0x1F;
    CHECK(Tombstones::decode(text).has_value() == !past);
  }
}

TEST_CASE("samples in the closed range go, where they were written before the deletion") {
  const RingPlace here{3, 4096};
  const std::vector<DeletedSpan> spans = {{10, 20, {here, here, here}}};
  SampleColumns old = columns({5, 9, 10, 15, 20, 21});
  erase_deleted(old, 0, {3, 4095}, spans);
  CHECK(old.times == std::vector<std::int64_t>{5, 9, 21});
  CHECK(old.values == std::vector<double>{2.5, 4.5, 10.5});
  SampleColumns partly = columns({12, 13, 14});
  partly.start_times = {1, 2, 3};
  erase_deleted(partly, 2, {1, 1 << 20}, spans);  // what was there already is another page's
  CHECK(partly.times == std::vector<std::int64_t>{12, 13});
  CHECK(partly.start_times == std::vector<std::int64_t>{1, 2});
  SampleColumns later = columns({12});
  erase_deleted(later, 0, {3, 4096}, spans);
  CHECK(later.size() == 1);
}

TEST_CASE("a deletion is forgotten when the ring has nothing older") {
  Tombstones all;
  all.add(stone({{Matcher::equal("a", "b")}}, 0, 1, {5, 100}));
  all.add(stone({{Matcher::equal("a", "b")}}, 0, 1, {6, 0}));
  const auto oldest = [](std::uint64_t raw, std::uint64_t hours) {
    return RingPlaces{RingPlace{raw, 0}, RingPlace{raw, 0}, RingPlace{hours, 0}};
  };
  CHECK_FALSE(all.drop_before(oldest(5, 5)));
  CHECK_FALSE(all.drop_before(oldest(6, 5)));  // the hours may still tell of it
  CHECK(all.drop_before(oldest(6, 6)));
  CHECK(all.empty());
}

TEST_CASE("exemplars up to the deletion are hidden") {
  Tombstones all;
  all.add(stone({{Matcher::equal("a", "b")}}, 100, INT64_MAX, {5, 100}));
  CHECK(all.hides_exemplar(LabelSet{{"a", "b"}}, 100));
  CHECK(all.hides_exemplar(LabelSet{{"a", "b"}}, 5000));
  CHECK_FALSE(all.hides_exemplar(LabelSet{{"a", "b"}}, 5001));
  CHECK_FALSE(all.hides_exemplar(LabelSet{{"a", "b"}}, 99));
  CHECK_FALSE(all.hides_exemplar(LabelSet{{"a", "c"}}, 200));
}

TEST_CASE("windows that may be made of deleted samples go whole") {
  const RingPlace here{3, 4096};
  const std::vector<DeletedSpan> spans = {{300'001, 600'000, {RingPlace{}, here, RingPlace{}}}};
  const auto windows = [] {
    std::vector<TierWindow> out(4);
    for (std::size_t i = 0; i < 4; ++i) out[i].end = static_cast<std::int64_t>(i + 1) * 300'000;
    return out;
  };
  auto old = windows();
  erase_deleted(old, 0, Tier::k5m, {3, 0}, spans);
  REQUIRE(old.size() == 3);
  CHECK(old[0].end == 300'000);
  CHECK(old[1].end == 900'000);
  auto later = windows();
  erase_deleted(later, 0, Tier::k5m, here, spans);
  CHECK(later.size() == 4);
  auto hours = windows();
  erase_deleted(hours, 0, Tier::k1h, {3, 0}, spans);  // made after the deletion
  CHECK(hours.size() == 4);
}

}  // namespace
}  // namespace nines::storage
