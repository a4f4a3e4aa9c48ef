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

std::uint32_t add(SeriesIndex& index, const LabelSet& labels, const LabelSet& base = {}) {
  return index.add(own_labels(labels, base));
}

TEST_CASE("a label set has one number, and gives it back whole") {
  SeriesIndex index;
  const LabelSet a{{"__name__", "up"}, {"job", "node"}};
  const LabelSet b{{"__name__", "up"}, {"job", "nodes"}};
  CHECK(add(index, a) == 0);
  CHECK(add(index, b) == 1);
  CHECK(add(index, a) == 0);
  CHECK(index.size() == 2);
  CHECK(index.find(own_labels(b, {})) == 1);
  CHECK_FALSE(index.find(own_labels(LabelSet{{"__name__", "up"}}, {})));
  CHECK(index.labels(1, {}) == b);
}

TEST_CASE("seen against a base, a series has its labels but for what it has or lacks of its own") {
  SeriesIndex index;
  const LabelSet base{{"instance", "a:1"}, {"job", "node"}};
  const LabelSet other{{"instance", "b:1"}, {"job", "node"}};
  const LabelSet plain{{"__name__", "up"}, {"instance", "a:1"}, {"job", "node"}};
  const LabelSet honoured{{"__name__", "up"}, {"instance", "else"}, {"job", "node"}};
  const LabelSet lacking{{"__name__", "up"}, {"job", "node"}, {"z", "1"}};
  CHECK(own_labels(plain, base).size() == 1);
  CHECK(add(index, plain, base) == 0);
  CHECK(add(index, honoured, base) == 1);
  CHECK(add(index, lacking, base) == 2);
  for (const LabelSet& set : {plain, honoured, lacking})
    CHECK(index.labels(*index.find(own_labels(set, base)), base) == set);
  // The same number means the like series of another target.
  CHECK(add(index, plain.with("instance", "b:1"), other) == 0);
  CHECK(index.labels(0, other) == plain.with("instance", "b:1"));
  CHECK(index.labels(1, other) == honoured);
  CHECK(index.labels(2, other) == lacking);
  std::set<std::string> names, values;
  const std::vector<std::uint32_t> third = {2};
  index.collect_names(third, base, names);
  CHECK(names == std::set<std::string>{"__name__", "job", "z"});
  index.collect_values("instance", std::vector<std::uint32_t>{0, 1, 2}, base, values);
  CHECK(values == std::set<std::string>{"a:1", "else"});
}

TEST_CASE("keys sort as the whole label sets do, and values are those of the sets") {
  const std::vector<LabelSet> bases = {{}, {{"instance", "a"}, {"job", "j"}}, {{"b", "x"}}};
  const std::vector<std::string> texts = {"", "a", "ab", "b", std::string("a\0", 2),
                                          std::string("a\0b", 3), "a\1", "a\2", "\xC3\xA9"};
  struct Keyed {
    LabelSet labels;
    std::string key;
  };
  std::vector<Keyed> all;
  for (const LabelSet& base : bases) {
    SeriesIndex index;
    for (const std::string& x : texts) {
      for (const std::string& y : texts) {
        const LabelSet labels = LabelSet::from({{"b", x}, {"instance", y}, {"z", x}, {"ab", y}});
        if (labels.empty()) continue;
        const std::uint32_t id = add(index, labels, base);
        Keyed one{labels, {}};
        index.append_key(id, base, one.key);
        all.push_back(one);
        for (const char* name : {"b", "instance", "z", "ab", "job", "none"})
          CHECK(index.value(id, base, name) == labels.get(name));
      }
    }
  }
  const auto sign = [](auto order) { return order < 0 ? -1 : order > 0 ? 1 : 0; };
  for (const Keyed& a : all) {
    for (const Keyed& b : all) {
      if (sign(a.key.compare(b.key)) != sign(a.labels <=> b.labels)) {
        FAIL_CHECK(a.labels.to_string() << " beside " << b.labels.to_string());
      }
    }
  }
}

TEST_CASE("selectors find what a walk over all series finds, whatever the base") {
  for (const LabelSet& base : {LabelSet{}, LabelSet{{"instance", "host3"}, {"mode", "idle"}},
                               LabelSet{{"nothing", "here"}, {"empty", "no"}}}) {
    SeriesIndex index;
    std::vector<LabelSet> all;
    testing::SeededRng dice(7);
    for (int i = 0; i < 600; ++i) {
      std::vector<Label> labels = {{"__name__", "m" + std::to_string(dice.next() % 5)},
                                   {"instance", "host" + std::to_string(dice.next() % 20)}};
      if (dice.next() % 3 != 0) labels.push_back({"mode", dice.next() % 2 == 0 ? "idle" : "user"});
      if (dice.next() % 4 == 0) labels.push_back({"empty", ""});
      const LabelSet set = LabelSet::from(std::move(labels));
      if (add(index, set, base) == all.size()) all.push_back(set);
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
        matcher(MatchOp::kEqual, "instance", "host7"),
        matcher(MatchOp::kNotRegex, "instance", "host[0-7].*"),
    };
    const auto check = [&](const std::vector<Matcher>& matchers) {
      std::vector<std::uint32_t> expected;
      for (std::uint32_t id = 0; id < all.size(); ++id) {
        if (matches_all(matchers, all[id])) expected.push_back(id);
      }
      std::string said;
      for (const Matcher& m : matchers) said += m.to_string() + " ";
      CAPTURE(said);
      CHECK(index.select(matchers, SeriesIndex::verdicts(matchers, base)) == expected);
      const std::uint32_t most = index.estimate(matchers, SeriesIndex::verdicts(matchers, base));
      CHECK(most >= expected.size());
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
}

TEST_CASE("selectors over labels of many scattered series find what a walk finds") {
  SeriesIndex index;
  std::vector<LabelSet> all;
  testing::SeededRng dice(17);
  for (int i = 0; i < 12'000; ++i) {
    all.push_back(LabelSet{{"code", std::to_string(dice.next() % 3)},
                           {"n", std::to_string(i)},
                           {"side", dice.next() % 2 == 0 ? "left" : "right"}});
    REQUIRE(add(index, all.back(), {}) == all.size() - 1);
  }
  for (const MatchOp op : {MatchOp::kEqual, MatchOp::kNotEqual}) {
    for (const char* code : {"0", "1", "2", "3"}) {
      const std::vector<Matcher> matchers = {matcher(op, "code", code),
                                             matcher(MatchOp::kEqual, "side", "left")};
      std::vector<std::uint32_t> expected;
      for (std::uint32_t id = 0; id < all.size(); ++id) {
        if (matches_all(matchers, all[id])) expected.push_back(id);
      }
      CHECK(index.select(matchers, SeriesIndex::verdicts(matchers, {})) == expected);
    }
  }
}

TEST_CASE("names and values of some series") {
  SeriesIndex index;
  add(index, LabelSet{{"__name__", "a"}, {"x", "1"}});
  add(index, LabelSet{{"__name__", "b"}, {"x", "2"}, {"y", "3"}});
  std::set<std::string> names, values;
  const std::vector<std::uint32_t> first = {0};
  index.collect_names(first, {}, names);
  CHECK(names == std::set<std::string>{"__name__", "x"});
  index.collect_values("x", first, {}, values);
  CHECK(values == std::set<std::string>{"1"});
}

TEST_CASE("an index read back from its symbols and series is the same") {
  SeriesIndex index;
  for (int i = 0; i < 50; ++i)
    add(index, LabelSet{{"__name__", "m" + std::to_string(i % 3)}, {"i", std::to_string(i)}});
  SeriesIndex copy;
  for (std::uint32_t s = 0; s < index.symbols().size(); ++s)
    copy.add_symbol(index.symbols().text(s));
  for (std::uint32_t id = 0; id < index.size(); ++id) REQUIRE(copy.append(index.refs(id)));
  for (std::uint32_t id = 0; id < index.size(); ++id)
    CHECK(copy.labels(id, {}) == index.labels(id, {}));
  const std::vector wanted{matcher(MatchOp::kEqual, "__name__", "m2")};
  CHECK(copy.select(wanted, {false}) == index.select(wanted, {false}));
  CHECK_FALSE(copy.append(index.refs(7)));
  const SeriesIndex::LabelRef nobody{9999, 0};
  CHECK_FALSE(copy.append(std::span(&nobody, 1)));
}

TEST_CASE("postings give back every number, in runs and alone") {
  testing::SeededRng dice(11);
  for (int round = 0; round < 200; ++round) {
    Postings postings;
    std::vector<std::uint32_t> expected;
    std::uint32_t number = static_cast<std::uint32_t>(dice.next() % 3);
    for (std::uint64_t i = dice.next() % 400; i > 0; --i) {
      postings.add(number);
      expected.push_back(number);
      number += dice.next() % 3 == 0 ? 1 + static_cast<std::uint32_t>(dice.next() % 100'000) : 1;
    }
    CHECK(postings.size() == expected.size());
    std::vector<std::uint32_t> got;
    postings.append_to(got);
    CHECK(got == expected);
  }
  // Scattered and many: a bitmap, whose size is that of the numbers' span.
  for (const std::uint64_t every : {2U, 3U, 5U, 9U, 30U}) {
    Postings postings;
    std::vector<std::uint32_t> expected;
    for (std::uint32_t number = 0; number < 40'000; ++number) {
      if (dice.next() % every != 0) continue;
      postings.add(number);
      expected.push_back(number);
      if (number % 1'000 < 40) {  // at any moment, also while it changes its form
        std::vector<std::uint32_t> got;
        postings.append_to(got);
        CHECK(got == expected);
      }
    }
    CAPTURE(every);
    CHECK(postings.is_bitmap() == (every <= 5));
    CHECK(postings.bytes() <= 2 * 40'000 / 8);
    CHECK(postings.size() == expected.size());
    std::size_t found = 0;
    for (std::uint32_t number = 0; postings.is_bitmap() && number < 50'000; ++number)
      found += postings.contains(number) ? 1U : 0U;
    CHECK(found == (postings.is_bitmap() ? expected.size() : 0));
  }
  Postings dense;
  for (std::uint32_t i = 0; i < 1'000'000; ++i) dense.add(i);
  CHECK(dense.bytes() == 0);
}

}  // namespace
}  // namespace nines::storage::series
