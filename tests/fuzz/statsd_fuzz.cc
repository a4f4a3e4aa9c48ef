// Any bytes as lines of Statsd: no crash, and no sample without a name.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "collector/receive/statsd.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nines;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::RecordingAppender store;
  const auto log = make_null_log();
  const auto telemetry = make_telemetry();
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  collector::StatsdReceiver receiver({store, scheduler, executor, *log, *telemetry}, {});
  receiver.take(bytes);
  receiver.flush(clock.now());
  for (const auto& batch : store.batches()) {
    for (const auto& row : batch.rows) {
      if (row.series.empty() || row.series == "{}") __builtin_trap();
    }
  }
  return 0;
}
