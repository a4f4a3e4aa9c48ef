// Any bytes, as a binary and as a JSON message: no crash, and every answer is one that a sender of
// OTLP knows.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "collector/receive/otlp.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nines;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::RecordingAppender store;
  const auto log = make_null_log();
  const auto telemetry = make_telemetry();
  collector::OtlpOptions options;
  options.promote_all = true;
  options.promote_scope = true;
  collector::OtlpReceiver receiver({store, clock, *log, *telemetry}, options);
  for (const std::string_view type : {"application/x-protobuf", "application/json"}) {
    for (const std::string_view coding : {"", "gzip"}) {
      const auto answer = receiver.take(type, coding, bytes);
      if (answer.status != 200 && answer.status != 400 && answer.status != 413) __builtin_trap();
    }
  }
  return 0;
}
