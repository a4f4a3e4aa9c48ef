// Every event is replayed one by one: what each SLO must have counted in each minute follows from
// the scrape that first showed the event. Several objectives, groups, native histograms, composites
// and calendar days, over restarts of targets and of the service, missed scrapes, late samples and
// days on which the clock is set. Everything follows from one seed, which a failure prints.
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

constexpr double kSlow = 0.5;  // a bound of schemas 0 and 1
const std::vector<double> kLatencies{0.1, 0.35, 0.5, 0.51, 0.8, 3};

struct Event {
  std::string route;
  std::string code;
  double seconds = 0;
};

// A process: what it has counted since it started, and what no scrape has shown yet.
struct Target {
  std::string instance;
  std::map<std::pair<std::string, std::string>, double> requests;  // by route and code
  std::map<std::int32_t, double> buckets;                          // of schema 1
  double count = 0;
  std::vector<Event> unseen;
  std::int64_t started_ms = 0;
  bool coarse = false;  // its histogram has become one of schema 0
  bool known = false;   // it was scraped before
  std::unique_ptr<storage::GroupWriter> writer;
};

struct Truth {
  double good = 0, valid = 0;
};
using Minutes = std::map<std::int64_t, Truth>;

struct Scrape {
  std::size_t target = 0;
  Timestamp at{};
  std::vector<std::pair<LabelSet, double>> numbers;
  LabelSet latency;
  Histogram histogram;
  std::int64_t started_ms = 0;
};

std::string group(const std::string& route) {
  return "by-route{route=\"" + route + "\"}";
}

SloConfig named(const std::string& name, double target) {
  SloConfig slo = make_slo();
  slo.name = name;
  slo.target_percent = target;
  return slo;
}

SloConfig of_members(const std::string& name, CompositeMethod method) {
  SloConfig slo = named(name, 90);
  slo.indicator = {};
  slo.indicator.kind = IndicatorKind::kComposite;
  slo.indicator.method = method;
  slo.indicator.members = {{"all-0", 3}, {"latency", 1}};
  return slo;
}

std::vector<SloConfig> all_slos() {
  std::vector<SloConfig> slos{of_members("weighted", CompositeMethod::kWeighted),
                              of_members("worst", CompositeMethod::kWorst), named("all-0", 99.9),
                              named("all-1", 90)};
  slos.push_back(named("by-route", 99));
  slos.back().group_by = {"route"};
  slos.push_back(named("latency", 95));
  slos.back().indicator = {};
  slos.back().indicator.kind = IndicatorKind::kLatencyNative;
  slos.back().indicator.total = "latency_seconds";
  slos.back().indicator.threshold = kSlow;
  slos.push_back(named("classic", 95));
  slos.back().indicator = slos[slos.size() - 2].indicator;
  slos.back().indicator.kind = IndicatorKind::kLatency;
  slos.back().indicator.total = "classic_seconds";
  slos.push_back(named("lines", 95));
  slos.back().indicator = {};
  slos.back().indicator.kind = IndicatorKind::kLogs;
  slos.back().indicator.bad = "{app=\"shop\"} |= \"code=500\"";
  slos.back().indicator.total = "{app=\"shop\"}";
  slos.push_back(named("bad", 99));
  slos.back().indicator.good.clear();
  slos.back().indicator.bad = "requests_total{code=\"500\"}";
  slos.push_back(named("slices", 90));
  slos.back().budgeting = Budgeting::kTimeslices;
  slos.back().time_slice_target = 0.85;
  slos.push_back(named("day", 99));
  slos.back().calendar = *parse_calendar_duration("1d");
  slos.back().calendar->start = *parse_local_time("2023-01-01");
  slos.back().calendar->zone = *TimeZone::find("Europe/Paris");
  slos.back().window = longest(*slos.back().calendar);
  return slos;
}

class Replay {
 public:
  Replay(std::uint64_t seed, std::int64_t offset_seconds) : rng_(seed), offset_(offset_seconds) {
    for (const char* name : {"a", "b", "c"}) {
      Target target;
      target.instance = name;
      target.writer = *b_.metrics.open_group("scrape/" + target.instance);
      targets_.push_back(std::move(target));
    }
    // Older than everything that is known: none of it counts.
    for (int i = 0; i < 1'000; ++i) take(targets_[0], {"cart", "200", 0.1});
    b_.clock.advance(Duration(offset_ * 1'000));
  }

  void run(int minutes) {
    b_.boot(all_slos());
    for (int second = 5; second <= minutes * 60; second += 5) {
      for (Target& target : targets_) traffic(target, second, minutes * 60);
      if (second % 15 == 0) {
        for (std::size_t i = 0; i < targets_.size(); ++i) scrape(i, second);
      }
      if (second % 60 == 0) minute_ends(second);
    }
    deliver();
    update(minutes * 60 + 60);
    check(minutes * 60 + 60);
  }

 private:
  Timestamp when(std::int64_t second) const { return at(offset_ + second); }
  static std::int64_t minute_at(Timestamp t) { return (to_millis(t) - 1) / 60'000; }

  void update(std::int64_t second) {
    b_.clock.advance(when(second) - b_.clock.now());
    const auto done = b_.service->update(when(second));
    REQUIRE_MESSAGE(done, (done ? "" : done.error().what()));
  }

  static void take(Target& target, const Event& event) {
    target.requests[{event.route, event.code}] += 1;
    target.buckets[static_cast<std::int32_t>(std::ceil(std::log2(event.seconds) * 2))] += 1;
    target.count += 1;
    target.unseen.push_back(event);
  }

  void traffic(Target& target, int second, int end) {
    if (rng_.below(150) == 0) {  // restarted: what no scrape saw, nobody knows of
      Target anew;
      anew.instance = target.instance;
      anew.started_ms = to_millis(when(second)) - 1'000;
      anew.known = target.known;
      anew.writer = std::move(target.writer);
      target = std::move(anew);
    }
    if (rng_.below(100) == 0) target.coarse = true;
    const std::uint64_t events = rng_.below(rng_.below(20) == 0 ? 100 : 4);
    for (std::uint64_t i = 0; i < events; ++i) {
      Event event;
      // pay comes in the middle, old goes there.
      const std::uint64_t which = rng_.below(3);
      event.route = which == 0 ? "cart" : which == 1 ? (second * 2 > end ? "pay" : "old") : "list";
      event.code = rng_.below(6) == 0 ? "500" : rng_.below(20) == 0 ? "404" : "200";
      event.seconds = kLatencies[rng_.below(kLatencies.size())];
      take(target, event);
      b_.logs.add({{"app", "shop"}}, when(second), "code=" + event.code);
      count("lines", minute_at(when(second)), event.code != "500");
    }
  }

  static Histogram histogram_of(const Target& target) {
    std::map<std::int32_t, double> buckets;
    for (const auto& [index, count] : target.buckets)
      buckets[target.coarse ? ((index - 1) >> 1) + 1 : index] += count;
    Histogram h;
    h.schema = target.coarse ? 0 : 1;
    h.zero_threshold = 1e-128;
    h.count = target.count;
    h.sum = target.count;
    std::int32_t next = 0;
    for (const auto& [index, count] : buckets) {
      h.positive_spans.push_back({index - next, 1});
      h.positive_buckets.push_back(count);
      next = index + 1;
    }
    return h;
  }

  void scrape(std::size_t which, int second) {
    Target& target = targets_[which];
    if (rng_.below(15) == 0) return;  // missed
    Scrape scrape{which, when(second), {}, {}, histogram_of(target), target.started_ms};
    scrape.numbers.emplace_back(up(target.instance), 1);
    for (const auto& [key, value] : target.requests)
      scrape.numbers.emplace_back(series(key.second, target.instance).with("route", key.first),
                                  value);
    if (target.count > 0) {
      scrape.latency = {
          {"__name__", "latency_seconds"}, {"instance", target.instance}, {"job", "shop"}};
      double quick = 0;
      for (const auto& [index, count] : target.buckets) quick += index <= -2 ? count : 0;
      scrape.numbers.emplace_back(scrape.latency.with("__name__", "classic_seconds_count"),
                                  target.count);
      scrape.numbers.emplace_back(
          scrape.latency.with("__name__", "classic_seconds_bucket").with("le", "0.5"), quick);
    }
    if (target.known) {
      for (const Event& event : target.unseen) see(event, minute_at(scrape.at));
    }
    target.unseen.clear();
    target.known = true;
    if (second % 60 == 45 && rng_.below(4) == 0) {
      late_.push_back(std::move(scrape));
    } else {
      store(scrape);
    }
  }

  void count(const std::string& slo, std::int64_t minute, bool good) {
    Truth& truth = truth_[slo][minute];
    truth.valid += 1;
    if (good) truth.good += 1;
  }

  void see(const Event& event, std::int64_t minute) {
    const bool answered = event.code != "500";
    for (const char* slo : {"all-0", "all-1", "day", "bad", "slices"}) count(slo, minute, answered);
    count(group(event.route), minute, answered);
    for (const char* slo : {"latency", "classic"}) count(slo, minute, event.seconds <= kSlow);
  }

  void store(const Scrape& scrape) {
    storage::GroupWriter& writer = *targets_[scrape.target].writer;
    std::vector<storage::Row> rows;
    for (const auto& [labels, value] : scrape.numbers) {
      storage::Row row;
      row.slot = *writer.slot(labels);
      row.value = value;
      row.start_time_ms = scrape.started_ms;
      rows.push_back(row);
    }
    if (!scrape.latency.empty()) {
      storage::Row row;
      row.slot = *writer.slot(scrape.latency);
      row.histogram = &scrape.histogram;
      row.start_time_ms = scrape.started_ms;
      rows.push_back(row);
    }
    const auto outcome = writer.append(scrape.at, rows);
    REQUIRE(outcome);
    REQUIRE(outcome->appended == rows.size());
  }

  void deliver() {
    for (const Scrape& scrape : late_) store(scrape);
    late_.clear();
  }

  void minute_ends(int second) {
    if (rng_.below(6) == 0) b_.boot(all_slos());  // the service was restarted
    const bool away = rng_.below(10) == 0;        // for a minute
    if (!away) update(second);
    deliver();  // after the minute was counted
    if (!away && rng_.below(5) == 0) update(second);
  }

  void check_slo(const std::string& slo, const Minutes& truth, std::int64_t end) {
    INFO("SLO ", slo);
    std::map<std::int64_t, storage::LedgerMinute> rows;
    const auto found = b_.service->minutes(slo, when(0) - Duration(86'400'000), when(end));
    REQUIRE(found);
    for (const auto& row : *found) rows[row.minute] = row;
    const SloStatus status = *b_.service->status(slo, when(end));
    Truth sum;
    for (const auto& one : truth) {
      const std::int64_t minute = one.first;
      CHECK_MESSAGE(rows[minute].valid == one.second.valid, "minute ", minute);
      CHECK_MESSAGE(rows[minute].good == one.second.good, "minute ", minute);
      if (from_millis(minute * 60'000) < status.window_from) continue;
      sum.valid += one.second.valid;
      sum.good += one.second.good;
    }
    if (status.config.budgeting == Budgeting::kTimeslices) {
      check_slices(status, truth);
      return;
    }
    double counted = 0;
    for (const auto& row : *found) counted += row.valid;
    double happened = 0;
    for (const auto& one : truth) happened += one.second.valid;
    CHECK(counted == happened);  // nothing in any other minute
    CHECK(status.valid == sum.valid);
    CHECK(status.good == sum.good);
    CHECK(status.budget_consumed == sum.valid - sum.good);
    CHECK(status.budget_total == sum.valid * budget_ratio(status.config.target_percent));
    CHECK(status.interpolation.empty());
  }

  static void check_slices(const SloStatus& status, const Minutes& truth) {
    double slices = 0, good = 0;
    for (const auto& one : truth) {
      slices += 1;
      good += one.second.good / one.second.valid >= status.config.time_slice_target ? 1 : 0;
    }
    CHECK(status.valid == slices);
    CHECK(status.good == good);
    CHECK(good > 0);
    CHECK(good < slices);
  }

  void check_composite(const std::string& slo, bool worst) {
    INFO("SLO ", slo);
    std::map<std::int64_t, storage::LedgerMinute> rows;
    const auto found = b_.service->minutes(slo, when(0), b_.clock.now());
    REQUIRE(found);
    for (const auto& row : *found) rows[row.minute] = row;
    std::set<std::int64_t> minutes;
    for (const auto& one : truth_["all-0"]) minutes.insert(one.first);
    for (const std::int64_t minute : minutes) {
      const auto share = [&](const char* member) {
        const Truth& truth = truth_[member][minute];
        return truth.good / truth.valid;
      };
      const double a = share("all-0"), b = share("latency");
      CHECK(rows[minute].valid == 1);
      CHECK(rows[minute].good == (worst ? std::min(a, b) : (3 * a + b) / 4));
    }
  }

  void check(std::int64_t end) {
    REQUIRE(truth_.size() == 8 + 4);  // of these groups four
    for (const auto& one : truth_) check_slo(one.first, one.second, end);
    check_composite("weighted", false);
    check_composite("worst", true);
  }

  testing::SeededRng rng_;
  const std::int64_t offset_;
  Bench b_;
  std::vector<Target> targets_;
  std::vector<Scrape> late_;
  std::map<std::string, Minutes> truth_;  // by SLO
};

std::int64_t offset_of(const std::string& utc) {
  return (to_millis(TimeZone::utc().to_utc(*parse_local_time(utc))) - to_millis(kStart)) / 1'000;
}

}  // namespace

TEST_CASE("every SLO has counted every event in the minute in which it was seen") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed ", seed);
    Replay(seed, 0).run(90);
  }
}

TEST_CASE("and so over the end of days that the clock makes shorter and longer") {
  // Midnight in Paris ends a day of 23 hours, and one of 25.
  for (const char* begin : {"2024-03-31 21:15:00", "2024-10-27 22:15:00", "2024-03-31 00:30:00"}) {
    INFO("from ", begin);
    for (std::uint64_t seed = 100; seed <= 104; ++seed) {
      INFO("seed ", seed);
      Replay(seed, offset_of(begin)).run(90);
    }
  }
}
