// Any bytes as lines of Graphite: no crash, and no sample without a name.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "collector/receive/graphite.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nines;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::RecordingAppender store;
  const auto log = make_null_log();
  const auto telemetry = make_telemetry();
  collector::GraphiteReceiver receiver({store, clock, *log, *telemetry}, {});
  receiver.take(bytes);
  for (const auto& batch : store.batches()) {
    for (const auto& row : batch.rows) {
      if (row.series.empty() || row.series == "{}") __builtin_trap();
    }
  }
  return 0;
}
