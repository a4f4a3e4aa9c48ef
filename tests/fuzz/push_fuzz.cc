// Any bytes as a push: the first says how, the line after it is the grouping key, the rest the
// body. No crash, no answer a pusher does not know, and what was taken stands after a restart.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "collector/receive/push_gateway.h"
#include "tests/support/memory_state.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nines;
  using collector::PushKind;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string_view key = bytes.substr(0, bytes.find('\n'));
  const std::string_view body = bytes.substr(std::min(key.size() + 1, bytes.size()));
  constexpr std::string_view kTypes[] = {
      "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0",
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
      "encoding=delimited",
      ""};
  const PushKind kind = (data[0] & 4) != 0 ? PushKind::kReplaceFamilies : PushKind::kReplaceGroup;
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::RecordingAppender store;
  testing::MemoryState state;
  const auto log = make_null_log();
  const auto telemetry = make_telemetry();
  const collector::PushGatewayParts parts{store, state, scheduler, executor, *log, *telemetry};
  std::string shown;
  {
    collector::PushGateway gateway(parts, {});
    if (!gateway.start()) __builtin_trap();
    for (const std::string_view coding : {"", "gzip"}) {
      const auto answer = gateway.push(kind, key, kTypes[data[0] & 3], coding, body);
      if (answer.status != 200 && answer.status != 400 && answer.status != 413) __builtin_trap();
    }
    shown = gateway.metrics_json();
  }
  collector::PushGateway again(parts, {});
  if (!again.start() || again.metrics_json() != shown) __builtin_trap();
  if (again.push(PushKind::kDelete, key, "", "", "").status == 503) __builtin_trap();
  return 0;
}
