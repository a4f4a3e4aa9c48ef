// From sample to page on a virtual clock: targets flap and vanish, the receiver is down for hours,
// the process is killed at any moment. Everything follows from one seed, which a failure prints.
// 1,000 seeds of 7 days, two at a time; NINES_SIM_SEEDS and NINES_SIM_DAYS say otherwise, and
// NINES_SIM_FIRST which seed is the first.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/text/json.h"
#include "base/text/numbers.h"
#include "rules/alerts/manager.h"
#include "rules/notify/notifier.h"
#include "rules/promql/engine.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

namespace nines::notify {
namespace {

constexpr Duration kStep{60'000};
constexpr Duration kHold{120'000};
constexpr Timestamp kStart = from_millis(1'700'000'040'000);  // a whole minute
constexpr int kTargets = 4;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// Whether a rule's condition held, at each step that was evaluated.
class Truth {
 public:
  void note(Timestamp at, bool held) {
    const std::size_t step = step_of(at);
    if (step >= known_.size()) known_.resize(step + 1, kNothing);
    known_[step] = held ? kHeld : kNot;
  }
  bool is_known(Timestamp at) const {
    const std::size_t step = step_of(at);
    return kStart + kStep * static_cast<std::int64_t>(step) == at && step < known_.size() &&
           known_[step] != kNothing;
  }
  bool held(Timestamp at) const { return is_known(at) && known_[step_of(at)] == kHeld; }

 private:
  enum Held : char { kNothing, kNot, kHeld };
  static std::size_t step_of(Timestamp at) {
    return static_cast<std::size_t>((at - kStart) / kStep);
  }
  std::vector<Held> known_;
};

struct Target {
  LabelSet labels;
  bool up = true;
  bool scraped = true;
  std::optional<Timestamp> seen_at = std::nullopt;  // its last sample, and what it said
  bool seen_up = true;
  Truth truth = {};
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : rng_(seed) {
    for (int i = 0; i < kTargets; ++i) {
      targets_.push_back({{{"__name__", "up"}, {"instance", std::string(1, char('a' + i))}}});
    }
    http_.set_handler([this](const HttpRequest& r) { return receive(r); });
  }

  void run(std::uint64_t days) {
    boot();
    const auto steps = static_cast<std::int64_t>(days) * 1'440;
    for (std::int64_t i = 0; i < steps; ++i) {
      change_world();
      step();
      if (rng_.below(400) == 0) crash_wanted_ = true;
      if (crash_wanted_) crash();
    }
    settle();
    CHECK(pages_ > 0);
    CHECK(crashes_ > 0);
  }

 private:
  // ManagerOptions::restore_grace is two intervals here: a restored alert whose data have not
  // arrived yet is kept for so long, since its expression cannot tell that from an end.
  bool in_grace(Timestamp at) const {
    const auto boot = std::upper_bound(boots_.begin(), boots_.end(), at);
    return boot != boots_.begin() && at - *std::prev(boot) <= kStep * 2;
  }

  void boot() {
    boots_.push_back(clock_.now());
    notifier_ = std::make_unique<Notifier>(
        NotifierOptions{}, NotifierParts{state_, state_, state_, http_, scheduler_, executor_, rng_,
                                         *log_, *telemetry_});
    Config config;
    Route route;
    route.receiver = "oncall";
    route.group_by = std::vector<std::string>{"alertname"};
    config.route = route;
    WebhookConfig hook;
    hook.url = "http://127.0.0.1:1/page";
    config.receivers = {{"oncall", {hook}}};
    notifier_->load(config);
    manager_ = std::make_unique<alerts::Manager>(alerts::ManagerOptions{},
                                                 alerts::ManagerParts{engine_,
                                                                      metrics_,
                                                                      state_,
                                                                      state_,
                                                                      scheduler_,
                                                                      executor_,
                                                                      *log_,
                                                                      *telemetry_,
                                                                      {notifier_.get()}});
    alerts::GroupConfig group;
    group.file = "f";
    group.name = "g";
    group.interval = kStep;
    alerts::RuleConfig rule;
    rule.alert = "Down";
    rule.expr = "up == 0";
    rule.hold = kHold;
    group.rules = {rule};
    REQUIRE(manager_->load({group}));
    notifier_->start();
  }

  void crash() {
    crash_wanted_ = false;
    ++crashes_;
    manager_ = nullptr;
    notifier_ = nullptr;  // what it had not written is gone, what was under way has no answer
    scheduler_.run_for(kStep * static_cast<std::int64_t>(rng_.below(20)));
    boot();
  }

  void change_world() {
    for (Target& target : targets_) {
      if (rng_.below(target.up ? 300 : 20) == 0) target.up = !target.up;
      if (rng_.below(target.scraped ? 500 : 10) == 0) target.scraped = !target.scraped;
    }
    if (rng_.below(receiver_up_ ? 500 : 60) == 0) receiver_up_ = !receiver_up_;
  }

  void step() {
    scheduler_.run_for(kStep);
    const Timestamp now = clock_.now();
    for (Target& target : targets_) {
      if (target.scraped) {
        metrics_.add(target.labels, now, target.up ? 1 : 0);
        target.seen_at = now;
        target.seen_up = target.up;
      }
      // What the rule sees: the last sample, for five minutes.
      const bool fresh = target.seen_at && now - *target.seen_at < Duration(300'000);
      target.truth.note(now, fresh && !target.seen_up);
    }
    manager_->evaluate_once(now);
  }

  std::optional<Result<HttpResponse>> receive(const HttpRequest& request) {
    if (!receiver_up_) {
      last_refused_ = clock_.now();
      return testing::make_response(503);
    }
    ++pages_;
    for (const auto& [name, value] : request.headers) {
      if (name == "Idempotency-Key") ++keys_[value];
    }
    const auto body = Json::parse(request.body);
    REQUIRE(body);
    CHECK((*body)["alerts"].items().size() > 0);
    for (const Json& alert : (*body)["alerts"].items()) heard(alert);
    if (rng_.below(50) == 0) {  // it was heard, and its answer is lost with the process
      crash_wanted_ = true;
      ++answers_lost_;
      return std::nullopt;
    }
    return testing::make_response(200);
  }

  void heard(const Json& alert) {
    const std::string instance = alert["labels"]["instance"].as_string();
    const Timestamp starts = *parse_time(alert["startsAt"].as_string());
    const Truth& truth = targets_[static_cast<std::size_t>(instance[0] - 'a')].truth;
    const bool resolved = alert["status"].as_string() == "resolved";
    told_[instance] = {starts, resolved};
    if (!resolved) {
      firing_told_.insert({instance, starts});
      // Every page cites an evaluation at which the condition had held for `for`.
      REQUIRE(truth.is_known(starts));
      CHECK(truth.held(starts));
      for (Timestamp at = starts - kHold; at <= starts; at += kStep) {
        // Not known: the process was dead. Right after a start what was pending is waited for.
        if (truth.is_known(at) && !in_grace(at)) CHECK(truth.held(at));
      }
      return;
    }
    // Nobody hears of an end that no evaluation has seen, nor of one without a beginning: only when
    // the receiver has refused a page meanwhile may newer news have taken the beginning's place.
    const bool refused = last_refused_ && *last_refused_ >= starts;
    CHECK((firing_told_.contains({instance, starts}) || refused));
    const Timestamp ends = *parse_time(alert["endsAt"].as_string());
    REQUIRE(truth.is_known(ends));
    CHECK_FALSE(truth.held(ends));
  }

  // Everything works for hours: what people know is then what is.
  void settle() {
    receiver_up_ = true;
    for (Target& target : targets_) target.scraped = true;
    for (int i = 0; i < 180; ++i) {
      step();
      if (crash_wanted_) crash();
    }
    std::map<std::string, Timestamp> firing;
    for (const alerts::Alert& alert : manager_->active_alerts()) {
      if (alert.state == alerts::AlertState::kFiring)
        firing[std::string(alert.labels.get("instance"))] = alert.fired_at;
    }
    for (const Target& target : targets_) {
      const std::string instance(target.labels.get("instance"));
      CHECK(firing.contains(instance) == !target.up);
      const auto told = told_.find(instance);
      const bool known_firing = told != told_.end() && !told->second.second;
      CHECK_MESSAGE(known_firing == firing.contains(instance), "instance ", instance);
      if (known_firing) CHECK(told->second.first == firing[instance]);
    }
    for (const auto& [key, times] : keys_) CHECK(times <= 1 + answers_lost_);
    int twice = 0;
    for (const auto& [key, times] : keys_) twice += times - 1;
    CHECK(twice <= crashes_);  // one duplicate per crash at most, under the same key
  }

  testing::SeededRng rng_;
  testing::SimClock clock_{kStart};
  testing::SimScheduler scheduler_{clock_};
  testing::InlineExecutor executor_;
  testing::MemoryState state_;
  testing::MemoryMetrics metrics_;
  testing::FakeHttpClient http_;
  std::unique_ptr<Log> log_ = make_null_log();
  std::unique_ptr<Telemetry> telemetry_ = make_telemetry();
  promql::Engine engine_{metrics_, clock_, {}};
  std::unique_ptr<Notifier> notifier_;
  std::unique_ptr<alerts::Manager> manager_;

  std::vector<Target> targets_;
  bool receiver_up_ = true, crash_wanted_ = false;
  std::optional<Timestamp> last_refused_;
  std::vector<Timestamp> boots_;
  int crashes_ = 0, pages_ = 0, answers_lost_ = 0;
  std::map<std::string, std::pair<Timestamp, bool>> told_;  // last: startsAt, resolved
  std::set<std::pair<std::string, Timestamp>> firing_told_;
  std::map<std::string, int> keys_;
};

}  // namespace

TEST_CASE("whatever happens, pages are true, in order, and nothing is forgotten") {
  const std::uint64_t seeds = from_environment("NINES_SIM_SEEDS", 1000);
  const std::uint64_t days = from_environment("NINES_SIM_DAYS", 7);
  const std::uint64_t first = from_environment("NINES_SIM_FIRST", 1);
  std::atomic<std::uint64_t> begun{0}, ended{0};
  const auto some = [&] {
    for (std::uint64_t i = begun++; i < seeds; i = begun++) {
      const std::uint64_t seed = first + i;
      INFO("seed ", seed);
      try {
        Simulation(seed).run(days);
      } catch (...) {  // a REQUIRE that failed, which doctest has counted
        return;
      }
      ++ended;
    }
  };
  std::thread other(some);
  some();
  other.join();
  CHECK(ended == seeds);
}

}  // namespace nines::notify
