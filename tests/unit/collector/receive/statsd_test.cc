#include "collector/receive/statsd.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::InlineExecutor;
using testing::RecordingAppender;
using testing::SimClock;
using testing::SimScheduler;

constexpr std::int64_t kTime = 1'700'000'000'000;

struct Stage {
  explicit Stage(StatsdOptions o = {}) : options(std::move(o)) {}
  // What stands in the store after these lines and a flush.
  void take(std::string_view lines) {
    receiver.take(lines);
    clock.advance(Duration(1000));
    receiver.flush(clock.now());
  }
  std::optional<double> value(const std::string& series) {
    std::optional<double> found;
    for (const auto& batch : store.batches()) {
      if (const auto v = batch.value(series)) found = v;
    }
    return found;
  }
  double refused() { return telemetry->counter("nines_statsd_lines_refused_total", "").value(); }

  StatsdOptions options;
  SimClock clock{from_millis(kTime)};
  SimScheduler scheduler{clock};
  InlineExecutor executor;
  RecordingAppender store;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  StatsdReceiver receiver{{store, scheduler, executor, *log, *telemetry}, options};
};

TEST_CASE("counters add up, by their sampling rate, and keep their start") {
  Stage s;
  s.take("shop.hits:1|c|@0.1|#route:/pay,new\nshop.hits:2|c|#route:/pay,new");
  const std::string hits = R"(shop_hits{new="true", route="/pay"})";
  CHECK(s.value(hits) == 12);
  s.take("shop.hits:3:4|c|#route:/pay,new\n");
  CHECK(s.value(hits) == 19);
  CHECK(s.store.last().start(hits) == kTime);
}

TEST_CASE("gauges are set and changed, sets count their members of an interval") {
  Stage s;
  s.take("g:10|g\ng:+5|g\ng:-1|g\nu:a|s\nu:b|s\nu:a|s\n");
  CHECK(s.value("g") == 14);
  CHECK(s.value("u") == 2);
  s.take("u:c|s\n");
  CHECK(s.value("g") == 14);
  CHECK(s.value("u") == 1);
}

TEST_CASE("timers are histograms of seconds, h and d of what was sent") {
  StatsdOptions options;
  options.buckets = {0.1, 1};
  Stage s(options);
  s.take("t:50|ms\nt:500|ms|@0.5\nh:5|h\nd:0.5|d\n");
  CHECK(s.value(R"(t_bucket{le="0.1"})") == 1);
  CHECK(s.value(R"(t_bucket{le="1"})") == 3);
  CHECK(s.value(R"(t_bucket{le="+Inf"})") == 3);
  CHECK(s.value("t_count") == 3);
  CHECK(s.value("t_sum") == doctest::Approx(1.05));
  CHECK(s.value(R"(h_bucket{le="1"})") == 0);
  CHECK(s.value(R"(h_bucket{le="+Inf"})") == 1);
  CHECK(s.value("d_sum") == 0.5);
}

TEST_CASE("what is no line is counted, its neighbours are kept") {
  Stage s;
  s.take("x\nx:1\nx:a|c\nx:1|zz\nx:1|c|@0\nx:1|c|@2\n:1|c\n_sc|up|0\n_e{1,1}:a|b\nx:-1|c\nx:7|c\n"
         "x:1|g\n");
  CHECK(s.value("x") == 7);
  CHECK(s.refused() == 11);
}

TEST_CASE("series that got nothing for long end; limits hold and refuse one past them") {
  StatsdOptions options;
  options.series_max = 1;
  options.set_members_max = 2;
  options.series_idle_max = Duration(5000);
  Stage s(options);
  s.take("u:a|s\nu:b|s\n");
  CHECK(s.refused() == 0);
  s.take("u:a|s\nu:b|s\nu:c|s\nother:1|c\n");
  CHECK(s.refused() == 2);
  s.clock.advance(Duration(6000));
  s.receiver.flush(s.clock.now());
  CHECK(is_stale_nan(*s.value("u")));
  s.take("other:1|c\n");
  CHECK(s.value("other") == 1);
}

}  // namespace
}  // namespace nines::collector
