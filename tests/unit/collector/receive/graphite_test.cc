#include "collector/receive/graphite.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::RecordingAppender;
using testing::SimClock;

constexpr std::int64_t kTime = 1'700'000'000'000;

struct Stage {
  explicit Stage(GraphiteOptions o = {}) : options(std::move(o)) {}
  std::int64_t time_of(const std::string& series) {
    for (const auto& batch : store.batches()) {
      if (batch.value(series)) return to_millis(batch.at);
    }
    return 0;
  }
  double refused() { return telemetry->counter("nines_graphite_samples_refused_total", "").value(); }

  GraphiteOptions options;
  SimClock clock{from_millis(kTime)};
  RecordingAppender store;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  GraphiteReceiver receiver{{store, clock, *log, *telemetry}, options};
};

TEST_CASE("path, tags, value, time; without a time it is now") {
  Stage s;
  s.receiver.take("a.b;zone=z;empty= 1.5 1699999999\r\nfrac 2 1699999998.25\nnow 3\nalso 4 -1\n"
                  "n 5 N\n");
  CHECK(s.time_of(R"({"a.b", zone="z"})") + s.time_of(R"(a.b{zone="z"})") == 1'699'999'999'000);
  CHECK(s.time_of("frac") == 1'699'999'998'250);
  CHECK(s.time_of("now") == kTime);
  CHECK(s.time_of("also") == kTime);
  CHECK(s.time_of("n") == kTime);
  CHECK(s.refused() == 0);
}

TEST_CASE("what is no line is counted, its neighbours are kept; names may be sanitized") {
  GraphiteOptions options;
  options.sanitize_names = true;
  Stage s(options);
  s.receiver.take("alone\na x 1\na 1 soon\na 1 1 1\na;x 1 1\n;x=1 1 1\na.b;my-tag=1 1 1699999999\n");
  CHECK(s.refused() == 6);
  CHECK(s.time_of(R"(a_b{my_tag="1"})") == 1'699'999'999'000);
}

TEST_CASE("an address that is none, or is taken, says so") {
  GraphiteOptions options;
  options.listen = "somewhere";
  CHECK(Stage(options).receiver.start().error().what().find("is no address") != std::string::npos);
  options.listen = "127.0.0.1:0";
  Stage first(options);
  REQUIRE(first.receiver.start());
  CHECK(first.receiver.port() > 0);
  options.listen = "127.0.0.1:" + std::to_string(first.receiver.port());
  CHECK(Stage(options).receiver.start().error().code() == ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace nines::collector
