// kill -9, again and again, at any moment of rule evaluation: 500 alerts, some inactive, some
// pending, some firing, some held by keep_firing_for, some ended. Whatever was on disk is what the
// next life begins with, to the millisecond, and nobody is told what is not so: no end that was
// none, no alert that did not fire. 1,000 kills; NINES_CRASH_SCALE makes it more.

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "rules/alerts/manager.h"
#include "storage/api/alert_batch.h"
#include "storage/engine/engine.h"
#include "tests/crash/states.h"
#include "tests/support/sim_clock.h"

namespace nines {
namespace {

constexpr std::size_t kRules = 10;
constexpr std::size_t kEach = 50;
constexpr std::int64_t kBegin = 1'700'000'000'000;
constexpr std::int64_t kTick = 15'000;
constexpr std::int64_t kGrace = 45'000;       // three intervals
constexpr std::int64_t kRetention = 900'000;  // of what has ended

enum class State : std::uint8_t { kNone, kPending, kFiring, kEnded };

// What a restart must find of one alert.
struct Known {
  State state = State::kNone;
  std::int64_t active_at = 0, fired_at = 0, ended_at = 0, kept_since = 0;
  bool operator==(const Known&) const = default;
};
using RuleKnown = std::array<Known, kEach>;

// Shared with the process that will be killed.
struct Ledger {
  std::array<RuleKnown, kRules> acknowledged{};  // the store said that it is on disk
  std::array<RuleKnown, kRules> under_way{};     // of the rules whose state is being written
  std::atomic<std::uint32_t> writing{0};         // these, one bit each
  std::atomic<std::int64_t> tick{0};
  std::atomic<std::uint64_t> starts{0}, evaluations{0}, told{0}, mid_write{0}, batches{0};
  std::array<std::atomic<std::uint64_t>, 4> found{};  // at starts, by state
  char wrong[600] = {};
};

[[noreturn]] void complain(Ledger& ledger, const std::string& what) {
  std::snprintf(ledger.wrong, sizeof ledger.wrong, "%s", what.c_str());
  _exit(3);
}

std::int64_t hold_of(std::size_t rule) {
  return std::array<std::int64_t, 5>{0, 15'000, 30'000, 60'000, 300'000}[rule % 5];
}
std::int64_t keep_of(std::size_t rule) {
  return rule < kRules / 2 ? 0 : 45'000;
}

// Whether the condition of an alert holds at a tick: stretches of 2 to 40 ticks of one or the
// other.
bool holds(std::size_t rule, std::size_t alert, std::int64_t tick) {
  std::uint64_t z = (rule * kEach + alert + 1) * 0x9E3779B97F4A7C15ULL;
  const auto stretch = static_cast<std::int64_t>(2 + (z >> 32) % 39);
  z += static_cast<std::uint64_t>(tick / stretch) * 0xD1B54A32D192ED03ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  return ((z >> 40) & 1) != 0;
}

std::int64_t time_of(std::int64_t tick) {
  return kBegin + tick * kTick;
}

// One life of rule evaluation, as this test has it.
class Life final : public storage::AlertStateStore,
                   public storage::AlertBatches,
                   public alerts::AlertSink {
 public:
  Life(Ledger& ledger, storage::StateStore& store)
      : ledger_(ledger), store_(store), batches_(dynamic_cast<storage::AlertBatches*>(&store)) {
    if (batches_ == nullptr) complain(ledger_, "the store saves no rules together");
  }

  // Every rule found as it was acknowledged; those that were being written all as before or all as
  // after.
  Result<std::vector<storage::StoredAlert>> load_alerts() override {
    Result<std::vector<storage::StoredAlert>> loaded = store_.load_alerts();
    if (!loaded) complain(ledger_, loaded.error().what());
    std::array<std::vector<storage::StoredAlert>, kRules> by_rule;
    for (const storage::StoredAlert& one : *loaded) by_rule[rule_of(one.rule)].push_back(one);
    bool any_before = false, any_after = false;
    for (std::size_t rule = 0; rule < kRules; ++rule) {
      const RuleKnown found = known(by_rule[rule]);
      const bool writing = (ledger_.writing >> rule & 1U) != 0;
      if (writing && found != ledger_.under_way[rule]) any_before = true;
      if (found == ledger_.acknowledged[rule]) continue;
      any_after = true;
      if (!writing || found != ledger_.under_way[rule])
        complain(ledger_, "rule " + std::to_string(rule) + " is not as it was acknowledged");
      ledger_.acknowledged[rule] = found;
    }
    if (any_before && any_after) complain(ledger_, "of rules written together some are written");
    if (ledger_.writing != 0) ++ledger_.mid_write;
    ledger_.writing = 0;
    for (std::size_t rule = 0; rule < kRules; ++rule) {
      for (std::size_t i = 0; i < kEach; ++i) {
        const State state = ledger_.acknowledged[rule][i].state;
        ++ledger_.found[static_cast<std::size_t>(state)];
        unseen_[rule][i] = state == State::kPending || state == State::kFiring;
      }
    }
    return loaded;
  }

  Result<void> save_alerts(const std::string& key,
                           const std::vector<storage::StoredAlert>& alerts) override {
    const storage::RuleAlerts one{key, alerts};
    begin_write({&one, 1});
    if (auto saved = store_.save_alerts(key, alerts); !saved)
      complain(ledger_, saved.error().what());
    end_write();
    return {};
  }
  Result<void> save_alerts_of(std::span<const storage::RuleAlerts> rules) override {
    begin_write(rules);
    if (auto saved = batches_->save_alerts_of(rules); !saved)
      complain(ledger_, saved.error().what());
    ++ledger_.batches;
    end_write();
    return {};
  }

  void on_alerts(const std::string& key, std::span<const alerts::Alert> alerts) override {
    const std::size_t rule = rule_of(key);
    for (const alerts::Alert& alert : alerts) {
      ++ledger_.told;
      const std::size_t i = index_of(alert.labels);
      const Known& now = ledger_.acknowledged[rule][i];
      const std::string name = "alert " + std::to_string(rule) + "/" + std::to_string(i);
      if (to_millis(alert.active_at) != now.active_at || to_millis(alert.fired_at) != now.fired_at)
        complain(ledger_, name + ": told with other times than are on disk");
      if (alert.state == alerts::AlertState::kFiring) {
        check_firing(name, rule, i, now);
      } else if (now.state != State::kEnded || to_millis(alert.resolved_at) != now.ended_at) {
        complain(ledger_, name + ": a false end");
      } else if (holds(rule, i, (now.ended_at - kBegin) / kTick)) {
        complain(ledger_, name + ": said to be over while its condition held");
      }
    }
  }

  void begin_evaluation(std::int64_t tick) {
    tick_ = tick;
    before_ = ledger_.acknowledged;
    if (grace_from_ == 0) grace_from_ = time_of(tick);
  }
  void end_evaluation() {
    for (std::size_t rule = 0; rule < kRules; ++rule) {
      if (ledger_.acknowledged[rule] != expected(rule))
        complain(ledger_, "rule " + std::to_string(rule) + " kept a change to itself");
      for (std::size_t i = 0; i < kEach; ++i) {
        if (holds(rule, i, tick_)) unseen_[rule][i] = false;
      }
    }
    ++ledger_.evaluations;
  }

 private:
  void begin_write(std::span<const storage::RuleAlerts> rules) {
    std::uint32_t writing = 0;
    for (const storage::RuleAlerts& one : rules) {
      const std::size_t rule = rule_of(one.rule);
      ledger_.under_way[rule] = known(one.alerts);
      if (ledger_.under_way[rule] != expected(rule))
        complain(ledger_, "rule " + std::to_string(rule) + " went where it must not");
      writing |= 1U << rule;
    }
    ledger_.writing = writing;
  }
  void end_write() {
    for (std::size_t rule = 0; rule < kRules; ++rule) {
      if ((ledger_.writing >> rule & 1U) != 0) ledger_.acknowledged[rule] = ledger_.under_way[rule];
    }
    ledger_.writing = 0;
  }

  static std::size_t rule_of(const std::string& key) {
    return static_cast<std::size_t>(key[key.rfind(";R") + 2] - '0');
  }
  static std::size_t index_of(const LabelSet& labels) {
    return static_cast<std::size_t>(std::stoul(std::string(labels.get("i"))));
  }
  static RuleKnown known(const std::vector<storage::StoredAlert>& alerts) {
    RuleKnown out{};
    for (const storage::StoredAlert& one : alerts) {
      Known& k = out[index_of(one.labels)];
      k.state = one.resolved_at != Timestamp{} ? State::kEnded
                : one.firing                   ? State::kFiring
                                               : State::kPending;
      k.active_at = to_millis(one.active_at);
      k.fired_at = to_millis(one.fired_at);
      k.ended_at = to_millis(one.resolved_at);
      k.kept_since = to_millis(one.keep_firing_since);
    }
    return out;
  }

  void check_firing(const std::string& name, std::size_t rule, std::size_t i, const Known& now) {
    if (now.state != State::kFiring) complain(ledger_, name + ": said to fire and does not");
    const std::int64_t from = (now.active_at - kBegin) / kTick;
    const std::int64_t fired = (now.fired_at - kBegin) / kTick;
    if (!holds(rule, i, from) || !holds(rule, i, fired))
      complain(ledger_, name + ": fires although its condition did not hold");
    if (now.fired_at - now.active_at < hold_of(rule))
      complain(ledger_, name + ": fires before its `for` has passed");
  }

  // What an evaluation at tick_ makes of a rule: the rules of the state machine, said once more.
  RuleKnown expected(std::size_t rule) const {
    RuleKnown out = before_[rule];
    const std::int64_t now = time_of(tick_);
    for (std::size_t i = 0; i < kEach; ++i) {
      Known& k = out[i];
      if (holds(rule, i, tick_)) {
        if (k.state == State::kNone || k.state == State::kEnded)
          k = {State::kPending, now, 0, 0, 0};
        k.kept_since = 0;
        if (k.state == State::kPending && now - k.active_at >= hold_of(rule)) {
          k.state = State::kFiring;
          k.fired_at = now;
        }
        continue;
      }
      if (k.state == State::kEnded && now - k.ended_at > kRetention) k = {};
      if (k.state == State::kNone || k.state == State::kEnded) continue;
      if (unseen_[rule][i] && now - grace_from_ < kGrace) continue;  // maybe only the data is late
      if (k.state == State::kPending) {
        k = {};
        continue;
      }
      if (keep_of(rule) > 0 && k.kept_since == 0) k.kept_since = now;
      if (keep_of(rule) > 0 && now - k.kept_since < keep_of(rule)) continue;
      k.state = State::kEnded;
      k.ended_at = now;
    }
    return out;
  }

  Ledger& ledger_;
  storage::StateStore& store_;
  storage::AlertBatches* const batches_;
  std::int64_t tick_ = 0;
  std::int64_t grace_from_ = 0;
  std::array<RuleKnown, kRules> before_{};
  std::array<std::array<bool, kEach>, kRules> unseen_{};  // restored, and in no result since
};

alerts::GroupConfig rules() {
  alerts::GroupConfig group;
  group.file = "f";
  group.name = "g";
  group.interval = Duration(kTick);
  for (std::size_t rule = 0; rule < kRules; ++rule) {
    alerts::RuleConfig config;
    config.alert = "R" + std::to_string(rule);
    config.expr = "load{rule=\"" + std::to_string(rule) + "\"} > 0";
    config.hold = Duration(hold_of(rule));
    config.keep_firing_for = Duration(keep_of(rule));
    group.rules.push_back(std::move(config));
  }
  return group;
}

[[noreturn]] void evaluate_until_killed(const std::string& path, Ledger& ledger,
                                        std::uint64_t cycle) {
  const auto fs = make_posix_fs();
  testing::SeededRng dice(cycle);
  // Down for a while: ticks that nobody saw.
  std::int64_t tick = ledger.tick + 1 + static_cast<std::int64_t>(dice.next() % 3);
  testing::SimClock clock{from_millis(time_of(tick) - 1)};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  const auto log = make_null_log();
  const auto telemetry = make_telemetry();
  storage::Options options;
  options.path = path;
  options.budget_bytes = 18u << 20;
  auto engine = storage::Engine::open(options, {*fs, clock, scheduler, *log, *telemetry});
  if (!engine) complain(ledger, engine.error().what());
  auto writer = (*engine)->appender().open_group("load");
  if (!writer) complain(ledger, writer.error().what());
  std::vector<storage::Row> rows(kRules * kEach);
  for (std::size_t n = 0; n < rows.size(); ++n) {
    const auto slot = (*writer)->slot({{"__name__", "load"},
                                       {"i", std::to_string(n % kEach)},
                                       {"rule", std::to_string(n / kEach)}});
    if (!slot) complain(ledger, slot.error().what());
    rows[n].slot = *slot;
  }
  Life life(ledger, (*engine)->state());
  const promql::Engine queries((*engine)->querier(), clock, {});
  alerts::Manager manager({}, {queries,
                               (*engine)->appender(),
                               life,
                               (*engine)->state(),
                               scheduler,
                               executor,
                               *log,
                               *telemetry,
                               {&life}});
  if (auto loaded = manager.load({rules()}); !loaded) complain(ledger, loaded.error().what());
  ++ledger.starts;
  for (;; ++tick) {
    clock.advance(from_millis(time_of(tick)) - clock.now());
    ledger.tick = tick;
    for (std::size_t n = 0; n < rows.size(); ++n)
      rows[n].value = holds(n / kEach, n % kEach, tick) ? 1 : 0;
    if (auto written = (*writer)->append(clock.now(), rows); !written)
      complain(ledger, written.error().what());
    life.begin_evaluation(tick);
    manager.evaluate_once(clock.now());
    for (const alerts::RuleStatus& rule : manager.status()[0].rules) {
      if (rule.health != "ok") complain(ledger, rule.last_error);
    }
    life.end_evaluation();
  }
}

TEST_CASE("kill -9 at any moment makes no alert begin, end or move") {
  const std::uint64_t cycles = testing::crash_count(1000);
  std::string path = "/dev/shm/nines-alerts-";
  path.append(6, 'X');  // what mkdtemp fills in
  REQUIRE(mkdtemp(path.data()) != nullptr);
  void* memory =
      mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  auto* ledger = new (memory) Ledger;
  testing::SeededRng dice(7);
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) evaluate_until_killed(path, *ledger, cycle);
    // A third of them in the start, wherever it is; the others while evaluating.
    const std::uint64_t before = ledger->evaluations;
    for (int wait = 0; cycle % 3 != 0 && wait < 10'000 && ledger->evaluations == before &&
                       waitpid(child, nullptr, WNOHANG) == 0;
         ++wait) {
      usleep(1000);
    }
    usleep(static_cast<useconds_t>(dice.next() % 60'000));
    kill(child, SIGKILL);
    int status = 0;
    const pid_t reaped = waitpid(child, &status, 0);
    const std::string wrong = ledger->wrong;
    REQUIRE_MESSAGE(wrong.empty(), wrong, " (cycle ", cycle, ")");
    REQUIRE(reaped == child);
    REQUIRE(WIFSIGNALED(status));
  }
  CHECK(ledger->starts >= cycles / 2);
  CHECK(ledger->evaluations > cycles);
  CHECK(ledger->batches > cycles);
  for (const auto& found : ledger->found) CHECK(found > cycles);  // the states were mixed
  const double per_start = 1.0 / static_cast<double>(ledger->starts);
  MESSAGE(cycles, " kills, ", ledger->starts.load(), " starts with every alert as it was, ",
          ledger->mid_write.load(), " of them after a kill amid a write; ",
          ledger->evaluations.load(), " evaluations, ", ledger->told.load(),
          " alerts told, none falsely; at a start on average ",
          static_cast<double>(ledger->found[1]) * per_start, " pending, ",
          static_cast<double>(ledger->found[2]) * per_start, " firing, ",
          static_cast<double>(ledger->found[3]) * per_start, " ended");
  const std::string remove = "rm -rf " + path;
  CHECK(std::system(remove.c_str()) == 0);  // NOLINT(concurrency-mt-unsafe)
  munmap(memory, sizeof(Ledger));
}

}  // namespace
}  // namespace nines
