// Any bytes as line protocol: no crash, and a refusal always says why.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "collector/receive/influx.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nines;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::RecordingAppender store;
  const auto log = make_null_log();
  const auto telemetry = make_telemetry();
  collector::InfluxReceiver receiver({store, clock, *log, *telemetry}, {});
  for (const std::string_view precision : {"ns", "h"}) {
    const auto answer = receiver.take("db", precision, "", bytes);
    if (answer.status != 204 && answer.status != 400) __builtin_trap();
    if ((answer.status == 204) != answer.text.empty()) __builtin_trap();
  }
  return 0;
}
