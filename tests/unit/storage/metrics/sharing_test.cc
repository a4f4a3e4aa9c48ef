// Groups of one family share a layout while it suits them, and nobody can tell from the outside.
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "storage/metrics/internal/catalog.h"
#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

constexpr std::int64_t kStart = 1'700'000'000'000;

std::string pod(int n) {
  return "pod" + std::to_string(n) + ":80";
}
LabelSet target(int n) {
  return LabelSet{{"instance", pod(n)}, {"job", "app"}};
}
LabelSet series(int n, int metric) {
  return target(n)
      .with(kMetricName, "m" + std::to_string(metric / 4))
      .with("code", std::to_string(metric % 4));
}

struct Fleet {
  StoreRig rig{16, 1u << 20};
  std::map<int, std::unique_ptr<GroupWriter>> writers;
  std::map<int, std::vector<Slot>> slots;
  std::map<LabelSet, StoreRig::Points> expected;
  std::int64_t now = kStart - 500'000;

  void start(int n, int metrics) {
    auto writer = rig.store->open_group({"app/" + pod(n), target(n), "app"});
    REQUIRE(writer);
    writers[n] = *std::move(writer);
    slots[n].clear();
    for (int m = 0; m < metrics; ++m) learn(n, series(n, m));
  }
  void learn(int n, const LabelSet& labels) {
    const auto slot = writers[n]->slot(labels);
    REQUIRE(slot);
    slots[n].push_back(*slot);
  }
  void scrape(int n, const std::vector<LabelSet>& labels, double value) {
    now += 1000;
    std::vector<Row> rows;
    REQUIRE(labels.size() == slots[n].size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      rows.push_back(row(slots[n][i], value + static_cast<double>(i)));
      expected[labels[i]].emplace_back(now, value + static_cast<double>(i));
    }
    const auto outcome = writers[n]->append(from_millis(now), rows);
    REQUIRE(outcome);
    CHECK(outcome->appended == rows.size());
  }
  void restart(bool power) {
    writers.clear();
    if (power)
      rig.lose_power();
    else
      rig.kill();
  }
  void check() {
    for (const auto& row : expected) {
      const auto& labels = row.first;
      const auto& points = row.second;
      CAPTURE(labels.to_string());
      CHECK(rig.points(labels) == points);
    }
  }
};

std::vector<LabelSet> all_series(int n, int metrics) {
  std::vector<LabelSet> out;
  for (int m = 0; m < metrics; ++m) out.push_back(series(n, m));
  return out;
}

TEST_CASE("like targets share one layout; a replaced one adds nothing to it") {
  Catalog catalog;
  const auto join_all = [&](int n) {
    Group& group = catalog.group("app/" + pod(n));
    catalog.open(group, target(n), "app");
    for (int m = 0; m < 100; ++m) {
      const LabelSet labels = series(n, m);
      const auto own = series::own_labels(labels, target(n));
      CHECK_FALSE(Catalog::find(group, own));
      CHECK(catalog.join(group, own) == static_cast<std::uint32_t>(m));
      CHECK(Catalog::find(group, own) == m);
    }
    return &group;
  };
  for (int n = 0; n < 50; ++n) join_all(n);
  CHECK(catalog.layouts() == 1);
  CHECK(catalog.series() == 5'000);
  const std::size_t bytes = catalog.layout_bytes();
  for (int n = 50; n < 500; ++n) join_all(n);
  CHECK(catalog.layouts() == 1);
  CHECK(catalog.layout_bytes() == bytes);
  // All without a writer and without samples: nothing is left of them.
  catalog.tidy();
  CHECK(catalog.layouts() == 0);
  CHECK(catalog.groups().empty());
  CHECK(catalog.series() == 0);
}

TEST_CASE("a target unlike the others goes its own way, and its slots keep their numbers") {
  Catalog catalog;
  Group& common = catalog.group("a");
  catalog.open(common, target(1), "app");
  for (int m = 0; m < 400; ++m) catalog.join(common, series::own_labels(series(1, m), target(1)));
  Group& odd = catalog.group("b");
  catalog.open(odd, target(2), "app");
  std::map<LabelSet, std::uint32_t> slots;
  for (int m = 0; m < 300; m += 3) {
    const LabelSet labels = m % 2 == 0 ? series(2, m) : series(2, m).with("odd", "1");
    slots[labels] = catalog.join(odd, series::own_labels(labels, target(2)));
  }
  CHECK(catalog.layouts() == 2);
  for (const auto& [labels, slot] : slots) {
    CHECK(Catalog::find(odd, series::own_labels(labels, target(2))) == slot);
    CHECK(odd.current->labels_of(slot) == labels);
  }
  CHECK(odd.current->series == slots.size());
  // Slots nobody uses stay within bounds.
  CHECK(odd.current->live->newest.size() < 2 * slots.size() + 65);
}

TEST_CASE("samples of sharing targets come back, through pages, kills and power cuts") {
  Fleet fleet;
  for (int n = 0; n < 8; ++n) fleet.start(n, 70);
  std::map<int, std::vector<LabelSet>> labels;
  for (int n = 0; n < 8; ++n) labels[n] = all_series(n, 70);
  for (int round = 0; round < 3; ++round) {
    for (int n = 0; n < 8; ++n) {
      for (int i = 0; i < 20; ++i) fleet.scrape(n, labels[n], round * 100 + i);
    }
    // One grows by a series of its own, another by so many that it takes a layout of its own.
    const LabelSet extra = target(2).with(kMetricName, "extra" + std::to_string(round));
    fleet.learn(2, extra);
    labels[2].push_back(extra);
    for (int m = 0; m < 300; ++m) {
      const LabelSet own =
          target(5).with(kMetricName, "own").with("i", std::to_string(m + round * 300));
      fleet.learn(5, own);
      labels[5].push_back(own);
    }
    for (int n = 0; n < 8; ++n) fleet.scrape(n, labels[n], round * 1000);
    fleet.check();
    if (round == 1) REQUIRE(fleet.rig.store->flush());
    REQUIRE(fleet.rig.store->sync());
    fleet.restart(round == 0);
    fleet.check();
    for (int n = 0; n < 8; ++n) {
      fleet.start(n, 0);
      for (const LabelSet& one : labels[n]) fleet.learn(n, one);
    }
  }
  fleet.check();
}

TEST_CASE("a target whose labels change goes on as other series; the old ones stay readable") {
  Fleet fleet;
  fleet.start(1, 10);
  fleet.scrape(1, all_series(1, 10), 1);
  fleet.writers.clear();
  // The same group, labels of another target.
  auto writer = fleet.rig.store->open_group({"app/" + pod(1), target(2), "app"});
  REQUIRE(writer);
  fleet.writers[2] = *std::move(writer);
  for (int m = 0; m < 10; ++m) fleet.learn(2, series(2, m));
  fleet.scrape(2, all_series(2, 10), 5);
  fleet.check();
  REQUIRE(fleet.rig.store->sync());
  fleet.restart(true);
  fleet.check();
}

TEST_CASE("a series that two groups have is one in the answer") {
  StoreRig rig;
  const LabelSet shared{{"__name__", "both"}, {"job", "app"}};
  auto a = rig.group("a");
  auto b = *rig.store->open_group({"b", LabelSet{{"job", "app"}}, "f"});
  const auto in_a = a->slot(shared), in_b = b->slot(shared);
  REQUIRE(in_a);
  REQUIRE(in_b);
  const Row first = row(*in_a, 1), second = row(*in_b, 2);
  REQUIRE(a->append(from_millis(kStart), std::span(&first, 1)));
  REQUIRE(b->append(from_millis(kStart + 10), std::span(&second, 1)));
  const auto found = rig.store->select(std::vector{Matcher::equal("__name__", "both")},
                                       {from_millis(0), from_millis(kStart + 100)}, 1, nullptr);
  REQUIRE(found);
  CHECK((*found)->size() == 1);
  CHECK(rig.points(shared) == StoreRig::Points{{kStart, 1}, {kStart + 10, 2}});
}

TEST_CASE("series that vanished are not among those of a range they are not in") {
  Fleet fleet;
  fleet.start(1, 5);
  fleet.scrape(1, all_series(1, 5), 1);
  REQUIRE(fleet.rig.store->flush());
  fleet.slots[1].pop_back();
  fleet.now += 100'000;
  fleet.scrape(1, all_series(1, 4), 2);
  REQUIRE(fleet.rig.store->flush());
  const auto count = [&](std::int64_t from, std::int64_t to) {
    return (*fleet.rig.store->select(std::vector{Matcher::equal("job", "app")},
                                     {from_millis(from), from_millis(to)}, 100, nullptr))
        ->size();
  };
  CHECK(count(fleet.now - 50'000, fleet.now) == 4);
  CHECK(count(fleet.now - 200'000, fleet.now) == 5);
  fleet.restart(false);
  CHECK(count(fleet.now - 50'000, fleet.now) == 4);
  CHECK(count(fleet.now - 200'000, fleet.now) == 5);
}

TEST_CASE("after a restart a sample that pages hold is a duplicate, another value a conflict") {
  StoreRig rig;
  const LabelSet labels{{"__name__", "a"}};
  {
    auto writer = rig.group("g");
    const auto slot = writer->slot(labels);
    for (int i = 0; i < 10; ++i) {
      const Row one = row(*slot, i);
      REQUIRE(writer->append(from_millis(kStart + i * 1000), std::span(&one, 1)));
    }
    REQUIRE(rig.store->flush());
  }
  rig.kill();
  auto writer = rig.group("g");
  const auto slot = writer->slot(labels);
  const auto append = [&](int i, double value) {
    const Row one = row(*slot, value);
    return *writer->append(from_millis(kStart + i * 1000), std::span(&one, 1));
  };
  CHECK(append(4, 4).duplicates == 1);
  CHECK(append(9, 9).duplicates == 1);
  CHECK(append(9, 8).conflicts == 1);
  CHECK(append(10, 10).appended == 1);
  CHECK(append(3, 7).conflicts == 1);
  CHECK(rig.points(labels).size() == 11);
}

TEST_CASE("what nobody writes to leaves memory when the ring has forgotten it") {
  StoreRig rig(16, 64u << 10);
  testing::SeededRng dice(3);
  std::uint64_t most = 0;
  StoreStatus status;
  for (int life = 0; life < 120; ++life) {
    auto writer = *rig.store->open_group({"app/" + pod(life), target(life), "app"});
    std::vector<Row> rows;
    for (int m = 0; m < 40; ++m) rows.push_back(row(*writer->slot(series(life, m)), 0));
    for (int i = 0; i < 64; ++i) {
      for (Row& one : rows) one.value = static_cast<double>(dice.next()) / 7;
      rig.clock.advance(std::chrono::seconds(1));
      REQUIRE(writer->append(rig.clock.now(), rows));
    }
    writer.reset();
    REQUIRE(rig.store->flush());
    rig.store->tend();
    status = {};
    rig.store->add_status(status, 0);
    most = std::max(most, status.head_groups);
  }
  CHECK(most < 60);
  CHECK(status.head_series == 0);
}

}  // namespace
}  // namespace nines::storage
