// Queries over a month on a ring that holds samples for days: beside the same queries on a store
// that forgets nothing.
#include <cmath>
#include <string>
#include <vector>

#include "rules/promql/engine.h"
#include "tests/support/memory_metrics.h"
#include "tests/unit/storage/metrics/store_rig.h"

namespace nines {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kStart = 1'700'006'400'000;  // midnight

struct Month {
  storage::StoreRig rig;
  testing::MemoryMetrics whole;
  std::unique_ptr<storage::GroupWriter> writer;
  std::vector<storage::Slot> slots;
  std::vector<LabelSet> labels;

  Month() {
    rig.store.reset();
    rig.ring.reset();
    REQUIRE(rig.fs.make_dirs("/month"));
    rig.ring_options.path = "/month";
    rig.ring_options.segment_bytes = 64u << 10;
    rig.ring_options.bytes = 24 * std::uint64_t{rig.ring_options.segment_bytes} + 8192;
    rig.ring_options.parts = {200, 200, 200, 400, 0, 0};
    rig.clock.advance(Duration(kStart - to_millis(rig.clock.now())));
    for (const char* name : {"hits_total", "load", "comes_and_goes", "n1", "n2", "n3"})
      labels.push_back(LabelSet{{"__name__", name}, {"job", "shop"}});
    start();
  }
  void start() {
    writer.reset();
    rig.open();
    writer = rig.group("shop");
    slots.clear();
    for (const LabelSet& l : labels) slots.push_back(*writer->slot(l));
  }
  void run(std::int64_t days) {
    testing::SeededRng dice(1);
    double hits = 0;
    for (std::int64_t i = 1; i <= days * kDay / kMinute; ++i) {
      rig.clock.advance(Duration(kMinute));
      const Timestamp now = rig.clock.now();
      hits = dice.below(9000) == 0 ? 3 : hits + static_cast<double>(dice.below(100'000));
      std::vector<double> values{hits, std::sin(static_cast<double>(i) / 300) * 3, 1};
      while (values.size() < slots.size()) values.push_back(static_cast<double>(dice.next() >> 12));
      std::vector<storage::Row> rows;
      for (std::size_t s = 0; s < slots.size(); ++s) {
        if (s == 2 && i % 5000 > 3000) continue;
        if (s == 2 && i % 5000 == 3000) values[s] = stale_nan();
        rows.push_back(storage::row(slots[s], values[s]));
        if (s < 3) whole.add(labels[s], now, values[s]);
      }
      const auto done = writer->append(now, rows);
      REQUIRE(done);
      REQUIRE(done->appended == rows.size());
      if (i % 10 == 0) rig.store->tend();
      if (i % 20'000 == 0) start();  // a kill now and then
    }
  }
};

promql::Matrix range(const storage::Querier& querier, const Clock& clock, const std::string& text,
                     std::int64_t from, std::int64_t to, std::int64_t step,
                     std::vector<std::string>* infos = nullptr) {
  const promql::Engine engine(querier, clock, {});
  const auto query = promql::Query::parse(text);
  REQUIRE(query);
  auto result = engine.range(*query, from_millis(from), from_millis(to), Duration(step));
  REQUIRE_MESSAGE(result, result.error().what());
  CHECK(result->warnings.empty());
  if (infos) *infos = result->infos;
  return std::get<promql::Matrix>(result->value);
}

TEST_CASE("a month is answered from hours where single samples are gone") {
  Month month;
  month.run(32);
  const auto kept = month.rig.store->retention();
  REQUIRE(kept.dropped_until);
  CHECK(*kept.dropped_until > from_millis(kStart + 20 * kDay));
  REQUIRE(kept.tier_from[1]);
  CHECK(*kept.tier_from[1] <= from_millis(kStart + kHour));
  CHECK(*kept.tier_from[0] > from_millis(kStart + 2 * kDay));
  const std::int64_t end = to_millis(month.rig.clock.now());
  struct Asked {
    const char* text;
    std::int64_t step;
  };
  for (const Asked& asked :
       {Asked{"sum(increase(hits_total[1h]))", kHour}, Asked{"rate(hits_total[1d])", 6 * kHour},
        Asked{"max_over_time(load[6h])", 6 * kHour}, Asked{"avg_over_time(load[1d])", kDay},
        Asked{"min_over_time(load[1h])", kHour},
        Asked{"count_over_time(comes_and_goes[2h])", kHour}, Asked{"comes_and_goes", kHour},
        Asked{"last_over_time(load[3h]) - load", kHour}, Asked{"absent(comes_and_goes)", kHour},
        Asked{"resets(hits_total[1d])", kDay}, Asked{"sum_over_time(load[30d])", kDay},
        Asked{"increase(hits_total[30d])", kDay}}) {
    CAPTURE(asked.text);
    std::vector<std::string> infos;
    const auto want =
        range(month.whole, month.rig.clock, asked.text, end - 30 * kDay, end, asked.step);
    const auto have = range(*month.rig.store, month.rig.clock, asked.text, end - 30 * kDay, end,
                            asked.step, &infos);
    REQUIRE(infos.size() >= 1);
    CHECK(infos[0].find("answered from the 1h tier until") != std::string::npos);
    REQUIRE(want.size() == have.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      CHECK(want[i].labels == have[i].labels);
      REQUIRE(want[i].samples.times == have[i].samples.times);
      for (std::size_t s = 0; s < want[i].samples.size(); ++s) {
        const double w = want[i].samples.values[s];
        CHECK(std::fabs(w - have[i].samples.values[s]) <= 1e-12 * std::max(1e3, std::fabs(w)));
      }
    }
  }
}

}  // namespace
}  // namespace nines
