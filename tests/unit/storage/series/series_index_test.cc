// The index finds exactly what a walk over all series would find.
#include "storage/series/series_index.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/sim_clock.h"

namespace nines::storage::series {
namespace {

Matcher matcher(MatchOp op, std::string name, std::string value) {
  return *Matcher::make(op, std::move(name), std::move(value));
}

TEST_CASE("a label set has one number, and gives it back whole") {
  SeriesIndex index;
  const LabelSet a{{"__name__", "up"}, {"job", "node"}};
  const LabelSet b{{"__name__", "up"}, {"job", "nodes"}};
  CHECK(index.add(a) == 0);
  CHECK(index.add(b) == 1);
  CHECK(index.add(a) == 0);
  CHECK(index.size() == 2);
  CHECK(index.find(b) == 1);
  CHECK_FALSE(index.find(LabelSet{{"__name__", "up"}}));
  CHECK(index.labels(1) == b);
  CHECK(index.metric_name(0) == "up");
  CHECK(index.same_labels(0, a));
  CHECK_FALSE(index.same_labels(0, b));
}

TEST_CASE("selectors find what a walk over all series finds") {
  SeriesIndex index;
  std::vector<LabelSet> all;
  testing::SeededRng dice(7);
  for (int i = 0; i < 600; ++i) {
    std::vector<Label> labels = {{"__name__", "m" + std::to_string(dice.next() % 5)},
                                 {"instance", "host" + std::to_string(dice.next() % 20)}};
    if (dice.next() % 3 != 0) labels.push_back({"mode", dice.next() % 2 == 0 ? "idle" : "user"});
    if (dice.next() % 4 == 0) labels.push_back({"empty", ""});
    const LabelSet set = LabelSet::from(std::move(labels));
    if (index.add(set) == all.size()) all.push_back(set);
  }
  const std::vector<Matcher> pieces = {
      matcher(MatchOp::kEqual, "__name__", "m1"),
      matcher(MatchOp::kNotEqual, "__name__", "m1"),
      matcher(MatchOp::kEqual, "mode", ""),
      matcher(MatchOp::kNotEqual, "mode", ""),
      matcher(MatchOp::kRegex, "instance", "host1.*"),
      matcher(MatchOp::kRegex, "instance", "host1|host2|nowhere"),
      matcher(MatchOp::kNotRegex, "instance", "host(1|2|3)"),
      matcher(MatchOp::kRegex, "mode", "idle|"),
      matcher(MatchOp::kRegex, "mode", ".*"),
      matcher(MatchOp::kRegex, "mode", ".+"),
      matcher(MatchOp::kNotRegex, "mode", ".+"),
      matcher(MatchOp::kEqual, "nothing", "here"),
      matcher(MatchOp::kNotEqual, "nothing", "here"),
  };
  const auto check = [&](const std::vector<Matcher>& matchers) {
    std::vector<std::uint32_t> expected;
    for (std::uint32_t id = 0; id < all.size(); ++id) {
      if (matches_all(matchers, all[id])) expected.push_back(id);
    }
    std::string said;
    for (const Matcher& m : matchers) said += m.to_string() + " ";
    CAPTURE(said);
    CHECK(index.select(matchers) == expected);
  };
  check({});
  for (const Matcher& a : pieces) {
    check({a});
    for (const Matcher& b : pieces) {
      check({a, b});
      for (const Matcher& c : pieces) check({a, b, c});
    }
  }
}

TEST_CASE("names and values of some series, and of all") {
  SeriesIndex index;
  index.add(LabelSet{{"__name__", "a"}, {"x", "1"}});
  index.add(LabelSet{{"__name__", "b"}, {"x", "2"}, {"y", "3"}});
  std::set<std::string> names, values, all;
  const std::vector<std::uint32_t> first = {0};
  index.collect_names(first, names);
  CHECK(names == std::set<std::string>{"__name__", "x"});
  index.collect_values("x", first, values);
  CHECK(values == std::set<std::string>{"1"});
  index.collect_all_values("x", all);
  CHECK(all == std::set<std::string>{"1", "2"});
  all.clear();
  index.collect_all_names(all);
  CHECK(all == std::set<std::string>{"__name__", "x", "y"});
}

TEST_CASE("an index written down and read back is the same") {
  SeriesIndex index;
  for (int i = 0; i < 50; ++i)
    index.add(LabelSet{{"__name__", "m" + std::to_string(i % 3)}, {"i", std::to_string(i)}});
  SeriesIndex copy;
  for (std::uint32_t s = 0; s < index.symbols().size(); ++s)
    copy.add_symbol(index.symbols().text(s));
  for (std::uint32_t id = 0; id < index.size(); ++id) REQUIRE(copy.add_refs(index.refs(id)));
  for (std::uint32_t id = 0; id < index.size(); ++id) CHECK(copy.labels(id) == index.labels(id));
  CHECK(copy.select(std::vector{matcher(MatchOp::kEqual, "__name__", "m2")}) ==
        index.select(std::vector{matcher(MatchOp::kEqual, "__name__", "m2")}));
  const SeriesIndex::LabelRef nobody{9999, 0};
  CHECK_FALSE(copy.add_refs(std::span(&nobody, 1)));
}

}  // namespace
}  // namespace nines::storage::series
