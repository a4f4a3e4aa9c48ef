// The ledger against a naive replay of events: uneven traffic, restarts of targets, of the service,
// late samples, new series. Everything follows from one seed, which a failure prints.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

// A process with one counter per code, and what an ideal observer has seen of it.
struct Target {
  std::string instance;
  std::map<std::string, double> counters;
  std::map<std::string, double> scraped;  // values at the last scrape; absent: not yet seen
  bool known = false;                     // scraped at least once
};

struct Truth {
  double good = 0;
  double valid = 0;
};

struct Late {
  LabelSet labels;
  Timestamp at;
  double value;
};

class Replay {
 public:
  explicit Replay(std::uint64_t seed) : rng_(seed) {
    for (const char* name : {"a", "b", "c"}) targets_.push_back({name, {}, {}, false});
    targets_[0].counters["200"] = 1'000'000;  // older than the ring
  }

  void run(int minutes) {
    b_.boot({make_slo()});
    for (int second = 5; second <= minutes * 60; second += 5) {
      for (Target& target : targets_) traffic(target);
      if (second % 15 == 0) {
        for (Target& target : targets_) scrape(target, second);
      }
      if (second % 60 == 0) minute_ends(second);
    }
    deliver();
    b_.update(minutes * 60 + 60);
    check();
  }

 private:
  void traffic(Target& target) {
    if (rng_.below(200) == 0) target.counters.clear();  // the process was restarted
    const std::uint64_t burst = rng_.below(20) == 0 ? 500 : 5;
    target.counters["200"] += static_cast<double>(rng_.below(burst));
    if (rng_.below(8) == 0) target.counters["500"] += static_cast<double>(1 + rng_.below(3));
    if (rng_.below(100) == 0) target.counters["404"] += 1;
  }

  void scrape(Target& target, int second) {
    if (rng_.below(15) == 0) return;  // missed
    const bool late = second % 60 == 45 && rng_.below(4) == 0;
    for (const auto& [code, value] : target.counters) {
      const auto before = target.scraped.find(code);
      double events = 0;
      if (before == target.scraped.end()) {
        events = target.known ? value : 0;
      } else {
        // A reset that has caught up again cannot be seen by anybody.
        events = value < before->second ? value : value - before->second;
      }
      Truth& truth = truth_[kFirstMinute + (second - 1) / 60];
      truth.valid += events;
      if (code != "500") truth.good += events;
      target.scraped[code] = value;
      if (late) {
        late_.push_back({series(code, target.instance), at(second), value});
      } else {
        b_.metrics.add(series(code, target.instance), at(second), value);
      }
    }
    if (!target.counters.empty()) target.known = true;
  }

  void deliver() {
    for (const Late& late : late_) b_.metrics.add(late.labels, late.at, late.value);
    late_.clear();
  }

  void minute_ends(int second) {
    if (rng_.below(6) == 0) b_.boot({make_slo()});  // the service was restarted
    if (rng_.below(10) == 0) return;                // and was away for a minute
    const std::vector<Late> in_flight = std::exchange(late_, {});
    b_.update(second);
    late_ = in_flight;
    deliver();  // after the minute was counted
    if (rng_.below(5) == 0) b_.update(second);
  }

  void check() {
    Truth sum;
    std::map<std::int64_t, storage::LedgerMinute> rows;
    for (const auto& row : b_.minutes()) rows[row.minute] = row;
    for (const auto& one : truth_) {
      const std::int64_t minute = one.first;
      const Truth& truth = one.second;
      sum.good += truth.good;
      sum.valid += truth.valid;
      CHECK_MESSAGE(rows[minute].valid == truth.valid, "minute ", minute - kFirstMinute);
      CHECK_MESSAGE(rows[minute].good == truth.good, "minute ", minute - kFirstMinute);
    }
    const SloStatus status = *b_.service->status("shop-availability", b_.clock.now());
    CHECK(status.valid == sum.valid);
    CHECK(status.good == sum.good);
    CHECK(status.budget_consumed == sum.valid - sum.good);
    CHECK(status.budget_total == sum.valid * 0.001);
  }

  testing::SeededRng rng_;
  Bench b_;
  std::vector<Target> targets_;
  std::vector<Late> late_;
  std::map<std::int64_t, Truth> truth_;
};

}  // namespace

TEST_CASE("the ledger is what a replay of every event says, minute by minute") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed ", seed);
    Replay(seed).run(90);
  }
}
