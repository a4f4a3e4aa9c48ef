#include "collector/receive/push_gateway.h"

#include <string>

#include <doctest/doctest.h>

#include "base/text/json.h"
#include "tests/support/memory_state.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::InlineExecutor;
using testing::MemoryState;
using testing::RecordingAppender;
using testing::SimClock;
using testing::SimScheduler;

constexpr std::int64_t kTime = 1'700'000'000'000;
constexpr std::string_view kText = "text/plain; version=0.0.4";

struct Stage {
  explicit Stage(PushGatewayOptions o = {}) : options(o) { REQUIRE(gateway().start()); }
  PushGateway& gateway() {
    if (!made) {
      made = std::make_unique<PushGateway>(
          PushGatewayParts{store, state, scheduler, executor, *log, *telemetry}, options);
    }
    return *made;
  }
  void restart() {
    made.reset();
    REQUIRE(gateway().start());
  }
  PushAnswer put(std::string_view key, std::string_view body) {
    return gateway().push(PushKind::kReplaceGroup, key, kText, "", body);
  }
  PushAnswer post(std::string_view key, std::string_view body) {
    return gateway().push(PushKind::kReplaceFamilies, key, kText, "", body);
  }
  PushAnswer remove(std::string_view key) {
    return gateway().push(PushKind::kDelete, key, "", "", "");
  }
  std::optional<double> value(const std::string& series) {
    std::optional<double> found;
    for (const auto& batch : store.batches()) {
      if (const auto v = batch.value(series)) found = v;
    }
    return found;
  }

  PushGatewayOptions options;
  SimClock clock{from_millis(kTime)};
  SimScheduler scheduler{clock};
  InlineExecutor executor;
  RecordingAppender store;
  MemoryState state;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  std::unique_ptr<PushGateway> made;
};

TEST_CASE("a push is sampled under its grouping key, at once and at every interval") {
  Stage s;
  CHECK(s.put("job/nightly/instance/a", "# TYPE rows counter\nrows{job=\"x\",t=\"1\"} 5\n").status ==
        200);
  const std::string rows = R"(rows{instance="a", job="nightly", t="1"})";
  CHECK(s.value(rows) == 5);
  CHECK(s.value(R"(push_time_seconds{instance="a", job="nightly"})") == kTime / 1000);
  CHECK(s.value(R"(push_failure_time_seconds{instance="a", job="nightly"})") == 0);
  const std::size_t before = s.store.batches().size();
  s.scheduler.run_for(Duration(30'000));
  CHECK(s.store.batches().size() == before + 2);
  CHECK(s.store.last().value(rows) == 5);
  CHECK(to_millis(s.store.last().at) == kTime + 30'000);
}

TEST_CASE("POST replaces families of the same name, PUT the whole group; what is gone ends") {
  Stage s;
  s.put("job/j", "a 1\nb 2\n");
  s.post("job/j", "a{x=\"1\"} 3\n");
  CHECK(is_stale_nan(*s.value(R"(a{job="j"})")));
  CHECK(s.value(R"(a{job="j", x="1"})") == 3);
  CHECK(s.value(R"(b{job="j"})") == 2);
  s.put("job/j", "c 4\n");
  CHECK(is_stale_nan(*s.value(R"(b{job="j"})")));
  CHECK(s.value(R"(c{job="j"})") == 4);
}

TEST_CASE("DELETE ends a group's series and forgets it; deleting nothing is fine") {
  Stage s;
  s.put("job/j", "a 1\n");
  CHECK(s.remove("job/j").status == 202);
  CHECK(is_stale_nan(*s.value(R"(a{job="j"})")));
  CHECK(is_stale_nan(*s.value(R"(push_time_seconds{job="j"})")));
  CHECK(s.remove("job/j").status == 202);
  s.restart();
  CHECK(s.gateway().metrics_json() == "[]");
}

TEST_CASE("groups outlive a restart, values to the bit") {
  Stage s;
  s.put("job/j", "# HELP a What.\n# TYPE a gauge\na 0.1\nb NaN\n");
  const std::string before = s.gateway().metrics_json();
  s.clock.advance(Duration(1000));
  s.restart();
  CHECK(s.gateway().metrics_json() == before);
  CHECK(s.store.last().value(R"(a{job="j"})") == 0.1);
  CHECK(to_millis(s.store.last().at) == kTime + 1000);
}

TEST_CASE("grouping keys: base64, empty values, and what is refused") {
  Stage s;
  CHECK(s.put("job@base64/YS9i/path@base64/L3Zhci90bXA", "m 1\n").status == 200);
  CHECK(s.value(R"(m{job="a/b", path="/var/tmp"})") == 1);
  CHECK(s.put("job/j/empty@base64/=", "m 2\n").status == 200);
  CHECK(s.value(R"(m{job="j"})") == 2);
  CHECK(s.put("job/j/odd", "m 1\n").text ==
        R"(odd number of components in label string "job/j/odd")");
  CHECK(s.put("job@base64/=", "m 1\n").text == "job name is required");
  CHECK(s.put("job/j/__x/1", "m 1\n").text == R"(improper label name "__x")");
  CHECK(s.put("job/j/x@base64/!", "m 1\n").status == 400);
}

TEST_CASE("a bad push changes nothing but the group's failure time") {
  Stage s;
  s.put("job/j", "# TYPE a counter\na 1\n");
  CHECK(s.put("job/j", "a 1 1700000000000\n").text == "pushed metrics must not have timestamps");
  CHECK(s.put("job/j", "a{\n").status == 400);
  CHECK(s.put("job/j", "a 1\na 1\n").status == 400);
  CHECK(s.put("job/k", "# TYPE a gauge\na 1\n").text.find("inconsistent with existing metrics") !=
        std::string::npos);
  s.scheduler.run_for(Duration(15'000));
  CHECK(s.value(R"(a{job="j"})") == 1);
  CHECK(s.value(R"(push_failure_time_seconds{job="j"})") == kTime / 1000);
  CHECK(s.value(R"(push_failure_time_seconds{job="k"})") == kTime / 1000);
}

TEST_CASE("a disk that says no refuses the push") {
  Stage s;
  s.state.fail_with(Error(ErrorCode::kIo, "disk"));
  CHECK(s.put("job/j", "a 1\n").status == 503);
  s.state.heal();
  CHECK(s.gateway().metrics_json() == "[]");
}

TEST_CASE("limits hold at their value and refuse one past it") {
  PushGatewayOptions options;
  options.groups_max = 1;
  options.series_per_group_max = 1;
  options.body_bytes_max = 8;
  Stage s(options);
  CHECK(s.put("job/j", "a 1\n").status == 200);
  CHECK(s.put("job/j", "a 1\nb 2\n").status == 413);
  CHECK(s.put("job/k", "a 1\n").status == 413);
  CHECK(s.put("job/j", "abcde 1\n").status == 200);
  CHECK(s.put("job/j", "abcdef 1\n").status == 413);
  options = {};
  options.state_bytes_max = 10;
  Stage tight(options);
  CHECK(tight.put("job/j", "a 1\n").status == 413);
}

TEST_CASE("/api/v1/metrics as Pushgateway's clients read it") {
  Stage s;
  s.put("job/j", "# HELP a What.\n# TYPE a gauge\na{x=\"1\"} 0.5\n");
  const Result<Json> json = Json::parse(s.gateway().metrics_json());
  REQUIRE(json);
  const Json& group = (*json)[std::size_t{0}];
  CHECK(group["labels"]["job"].as_string() == "j");
  CHECK(group["last_push_successful"].as_bool());
  CHECK(group["a"]["type"].as_string() == "GAUGE");
  CHECK(group["a"]["help"].as_string() == "What.");
  const Json& metric = group["a"]["metrics"][std::size_t{0}];
  CHECK(metric["labels"]["x"].as_string() == "1");
  CHECK(metric["value"].as_string() == "0.5");
}

}  // namespace
}  // namespace nines::collector
