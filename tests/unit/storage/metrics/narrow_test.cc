// A query that names a target looks at that target alone, and finds what looking at all would.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "storage/metrics/internal/catalog.h"
#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

Matcher matcher(MatchOp op, const char* name, const std::string& value) {
  auto made = Matcher::make(op, name, value);
  REQUIRE(made);
  return *std::move(made);
}

LabelSet target(int n, int job) {
  return LabelSet{{"instance", "i" + std::to_string(n)}, {"job", "j" + std::to_string(job)}};
}

std::set<LabelSet> found(const StoreRig& rig, const std::vector<Matcher>& matchers) {
  const auto selected = rig.store->select(
      matchers, {from_millis(0), from_millis(INT64_MAX / 2)}, 100'000, nullptr);
  REQUIRE(selected);
  std::set<LabelSet> out;
  for (std::size_t i = 0; i < (*selected)->size(); ++i) out.insert((*selected)->labels(i));
  CHECK(out.size() == (*selected)->size());
  return out;
}

TEST_CASE("selecting by targets' labels finds what a look at every series does") {
  StoreRig rig(64, 1u << 20);
  testing::SeededRng dice(11);
  const auto below = [&](std::uint64_t n) { return static_cast<int>(dice.next() % n); };
  std::set<LabelSet> all;
  std::vector<std::unique_ptr<GroupWriter>> writers;
  std::int64_t now = to_millis(rig.clock.now());
  const auto open = [&](int n, int job) {
    const LabelSet labels = target(n, job);
    auto writer =
        rig.store->open_group({"g" + std::to_string(n), labels, "family" + std::to_string(n % 3)});
    REQUIRE(writer);
    std::vector<Row> rows;
    for (int s = 0; s < 6; ++s) {
      LabelSet series = labels.with(kMetricName, "m" + std::to_string(below(3)))
                            .with("code", std::to_string(s));
      // Labels that the target kept for itself, or dropped.
      if (below(12) == 0) series = series.with("instance", "i" + std::to_string(below(40)));
      if (below(12) == 0) series = series.without("job");
      const auto slot = (*writer)->slot(series);
      REQUIRE(slot);
      rows.push_back(row(*slot, s));
      all.insert(series);
    }
    now += 10;
    REQUIRE((*writer)->append(from_millis(now), rows));
    writers.push_back(*std::move(writer));
  };
  const auto compare = [&] {
    for (int round = 0; round < 300; ++round) {
      std::vector<Matcher> matchers;
      const std::string instance = "i" + std::to_string(below(42));
      switch (below(5)) {
        case 0:
          matchers.push_back(matcher(MatchOp::kEqual, "instance", instance));
          break;
        case 1:
          matchers.push_back(
              matcher(MatchOp::kRegex, "instance", instance + "|i" + std::to_string(below(40))));
          break;
        case 2:
          matchers.push_back(matcher(MatchOp::kRegex, "instance", instance + "|" + instance));
          break;
        case 3:
          matchers.push_back(matcher(MatchOp::kNotEqual, "instance", ""));
          matchers.push_back(matcher(MatchOp::kRegex, "instance", "i1.*|"));
          break;
        default:
          break;
      }
      if (below(2) == 0) matchers.push_back(Matcher::equal(std::string(kMetricName), "m1"));
      if (below(2) == 0) matchers.push_back(Matcher::equal("job", below(4) == 0 ? "" : "j1"));
      if (below(3) == 0) matchers.push_back(matcher(MatchOp::kNotEqual, "code", "2"));
      if (std::all_of(matchers.begin(), matchers.end(),
                      [](const Matcher& m) { return m.matches_empty(); })) {
        continue;
      }
      std::set<LabelSet> expected;
      for (const LabelSet& labels : all) {
        if (matches_all(matchers, labels)) expected.insert(labels);
      }
      CHECK(found(rig, matchers) == expected);
    }
  };
  for (int n = 0; n < 40; ++n) open(n, below(3));
  compare();
  writers.clear();
  rig.kill();
  compare();
  for (int n = 0; n < 40; ++n) open(n, below(3));  // some under another job: a version more
  compare();
  REQUIRE(rig.store->flush());
  writers.clear();
  rig.store->tend();
  compare();
}

TEST_CASE("what has left is in no list, and the narrowest list is taken") {
  Catalog catalog;
  std::vector<const Version*> versions;
  for (int n = 0; n < 5; ++n) {
    Group& group = catalog.group("g" + std::to_string(n));
    group.has_writer = true;
    Version& version = catalog.open(group, target(n, n / 2), "family");
    catalog.join(group, std::vector<series::LabelView>{{"__name__", "up"}});
    versions.push_back(&version);
  }
  const std::vector<Matcher> both = {Matcher::equal("job", "j0"), Matcher::equal("instance", "i1")};
  const auto one = catalog.narrow(both);
  REQUIRE(one);
  CHECK(one->versions() == 1);
  REQUIRE(one->targets.lists.size() == 1);
  CHECK(one->targets.lists.front()->front().get() == versions[1]);
  const auto of_job = catalog.narrow(std::vector<Matcher>{Matcher::equal("job", "j0")});
  REQUIRE(of_job);
  CHECK(of_job->versions() == 2);
  // Nothing exact is asked for.
  CHECK_FALSE(catalog.narrow(std::vector<Matcher>{matcher(MatchOp::kRegex, "instance", "i.+")}));
  CHECK_FALSE(catalog.narrow(std::vector<Matcher>{Matcher::equal("job", "")}));
  // What series say of themselves: by the layouts that have it.
  Group& other = catalog.group("other");
  other.has_writer = true;
  catalog.open(other, target(9, 9), "another family");
  catalog.join(other, std::vector<series::LabelView>{{"__name__", "down"}});
  const auto named = catalog.narrow(std::vector<Matcher>{Matcher::equal("__name__", "down")});
  REQUIRE(named);
  CHECK(named->targets.versions == 0);
  CHECK(named->carriers.versions == 1);
  const auto unknown = catalog.narrow(std::vector<Matcher>{Matcher::equal("__name__", "nobody")});
  REQUIRE(unknown);
  CHECK(unknown->versions() == 0);
  // One series that claims to be of another target: all that share its layout have to be looked at.
  Group& liar = catalog.group("g4");
  catalog.join(liar, std::vector<series::LabelView>{{"__name__", "up"}, {"instance", "i1"}});
  const std::vector<Matcher> instance = {both[1]};
  CHECK(catalog.narrow(both)->by->name() == "job");
  CHECK(catalog.narrow(both)->versions() == 2);
  CHECK(catalog.narrow(instance)->targets.versions == 1);
  CHECK(catalog.narrow(instance)->carriers.versions == 5);

  catalog.group("g1").has_writer = false;
  catalog.tidy();
  CHECK(catalog.narrow(std::vector<Matcher>{Matcher::equal("job", "j0")})->versions() == 1);
  CHECK(catalog.narrow(instance)->versions() == 4);
  CHECK(catalog.groups().count("g1") == 0);
}

TEST_CASE("status counts a series for every target that shares its layout") {
  StoreRig rig(16, 1u << 20);
  std::vector<std::unique_ptr<GroupWriter>> writers;
  for (int n = 0; n < 3; ++n) {
    auto writer = rig.store->open_group({"g" + std::to_string(n), target(n, 0), "family"});
    REQUIRE(writer);
    REQUIRE((*writer)->slot(target(n, 0).with(kMetricName, "a").with("code", "1")));
    REQUIRE((*writer)->slot(target(n, 0).with(kMetricName, "a").with("code", "2")));
    REQUIRE((*writer)->slot(target(n, 0).with(kMetricName, "b")));
    writers.push_back(*std::move(writer));
  }
  using Counts = std::vector<std::pair<std::string, std::uint64_t>>;
  StoreStatus status;
  rig.store->add_status(status, 10);
  CHECK(status.top_metrics == Counts{{"a", 6}, {"b", 3}});
  CHECK(status.top_labels == Counts{{"instance", 3}, {"__name__", 2}, {"code", 2}, {"job", 1}});
  CHECK(status.label_pairs == 8);
  CHECK(status.top_label_bytes == Counts{{"instance", 6}, {"__name__", 2}, {"code", 2}, {"job", 2}});
  CHECK(status.top_pairs == Counts{{"job=j0", 9},
                                   {"__name__=a", 6},
                                   {"__name__=b", 3},
                                   {"code=1", 3},
                                   {"code=2", 3},
                                   {"instance=i0", 3},
                                   {"instance=i1", 3},
                                   {"instance=i2", 3}});
  CHECK(status.raw_pages == 0);
  StoreStatus first;
  rig.store->add_status(first, 1);
  CHECK(first.top_metrics == Counts{{"a", 6}});
  CHECK(first.top_pairs == Counts{{"job=j0", 9}});
  CHECK(first.label_pairs == 8);
}

TEST_CASE("a series that is of another target is counted under its own label") {
  StoreRig rig(16, 1u << 20);
  const auto writer = rig.store->open_group({"g", target(0, 0), "family"});
  REQUIRE(writer);
  REQUIRE((*writer)->slot(target(0, 0).with(kMetricName, "a")));
  REQUIRE((*writer)->slot(target(0, 0).with(kMetricName, "b").with("instance", "other")));
  StoreStatus status;
  rig.store->add_status(status, 10);
  using Counts = std::vector<std::pair<std::string, std::uint64_t>>;
  CHECK(status.top_pairs == Counts{{"job=j0", 2},
                                   {"__name__=a", 1},
                                   {"__name__=b", 1},
                                   {"instance=i0", 1},
                                   {"instance=other", 1}});
}

}  // namespace
}  // namespace nines::storage
