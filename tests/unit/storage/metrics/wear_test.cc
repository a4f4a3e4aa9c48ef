// A group whose series come and go for ever: what is gone costs no slot for long.
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

constexpr int kStaying = 20;
constexpr int kGone = 2'000;
constexpr Duration kInterval{60'000};

LabelSet series(const std::string& name, int n) {
  return LabelSet{{std::string(kMetricName), name}, {"n", std::to_string(n)}};
}

struct Churn {
  StoreRig rig{16, 8u << 20};
  std::unique_ptr<GroupWriter> writer;
  std::vector<Slot> staying;
  StoreRig::Points expected;  // of the first staying series

  std::uint64_t head_series() const {
    StoreStatus status;
    rig.store->add_status(status, 0);
    return status.head_series;
  }
  void begin(bool anew) {
    writer.reset();
    GroupSpec spec("g");
    spec.anew = anew;
    auto opened = rig.store->open_group(spec);
    REQUIRE(opened);
    writer = *std::move(opened);
    staying.clear();
    for (int n = 0; n < kStaying; ++n) {
      const auto slot = writer->slot(series("stays", n));
      REQUIRE(slot);
      staying.push_back(*slot);
    }
  }
  std::vector<Row> staying_rows() const {
    std::vector<Row> rows;
    for (std::size_t i = 0; i < staying.size(); ++i)
      rows.push_back(row(staying[i], static_cast<double>(expected.size() * 100 + i)));
    return rows;
  }
  AppendOutcome scrape(std::vector<Row> more = {}) {
    rig.clock.advance(kInterval);
    std::vector<Row> rows = staying_rows();
    rows.insert(rows.end(), more.begin(), more.end());
    const Timestamp now = rig.clock.now();
    expected.emplace_back(to_millis(now), rows.front().value);
    const auto outcome = writer->append(now, rows);
    REQUIRE(outcome);
    CHECK(outcome->appended == rows.size());
    return *outcome;
  }
  std::vector<Row> newcomers(const std::string& name) {
    std::vector<Row> rows;
    for (int n = 0; n < kGone; ++n) {
      const auto slot = writer->slot(series(name, n));
      REQUIRE(slot);
      rows.push_back(row(*slot, n));
    }
    return rows;
  }
  // Scrapes until the store calls the group worn; how many that took.
  int wear() {
    for (int scrapes = 1; scrapes <= 200; ++scrapes) {
      if (scrape().worn) return scrapes;
    }
    return -1;
  }
};

TEST_CASE("most slots idle for the out-of-order window: the group is worn, and anew it is small") {
  Churn c;
  c.begin(false);
  CHECK(!c.scrape(c.newcomers("goes")).worn);
  CHECK(c.head_series() == kStaying + kGone);
  const int scrapes = c.wear();
  CHECK(scrapes > 60);
  CHECK(scrapes <= 122);
  c.begin(true);
  CHECK(c.head_series() == kStaying);
  for (int i = 0; i < 5; ++i) CHECK(!c.scrape().worn);

  SUBCASE("everything ever written is there") {}
  SUBCASE("after kill -9, too") {
    c.writer.reset();
    c.rig.kill();
  }
  SUBCASE("and what comes after kill -9 goes on") {
    c.writer.reset();
    c.rig.kill();
    c.begin(false);
    CHECK(c.head_series() == kStaying);
    for (int i = 0; i < 5; ++i) c.scrape();
  }
  CHECK(c.rig.points(series("stays", 0)) == c.expected);
  CHECK(c.rig.points(series("goes", 7)).size() == 1);
}

TEST_CASE("a group of which most is written is not worn") {
  Churn c;
  c.begin(false);
  const std::vector<Row> goes_on = c.newcomers("goes");
  for (int i = 0; i < 130; ++i) CHECK(!c.scrape(goes_on).worn);
}

TEST_CASE("with churn for days a group stays below a limit that it would soon have passed") {
  Churn c;
  c.rig.options.series_per_group_max = 3 * kGone + kStaying;
  c.rig.open();
  c.begin(false);
  int anew = 0;
  for (int wave = 0; wave < 8; ++wave) {
    c.scrape(c.newcomers("wave" + std::to_string(wave)));
    for (int i = 0; i < 100; ++i) {
      if (!c.scrape().worn) continue;
      c.begin(true);
      ++anew;
    }
  }
  CHECK(anew >= 4);
  CHECK(c.rig.points(series("stays", 0)) == c.expected);
}

}  // namespace
}  // namespace nines::storage
