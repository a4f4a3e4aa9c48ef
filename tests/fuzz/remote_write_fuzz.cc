// Any bytes, as a message and as a snappy block of either version: no crash, and nothing is taken
// from what is refused as a whole.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <snappy.h>

#include "collector/receive/remote_write.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nines;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::RecordingAppender store;
  const auto log = make_null_log();
  const auto telemetry = make_telemetry();
  collector::RemoteWriteReceiver receiver({store, clock, *log, *telemetry}, {});
  std::string block;
  snappy::Compress(bytes.data(), bytes.size(), &block);
  for (const std::string_view type :
       {"application/x-protobuf", "application/x-protobuf;proto=io.prometheus.write.v2.Request"}) {
    for (const std::string_view body : {bytes, std::string_view(block)}) {
      const auto answer = receiver.take(type, "snappy", body);
      if (answer.status == 415) __builtin_trap();
      if (answer.status == 204 && !answer.text.empty()) __builtin_trap();
    }
  }
  return 0;
}
