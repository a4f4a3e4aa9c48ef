#pragma once
// A metric store on the real file system, in a folder that goes with it; its clock is moved by
// hand. Ends the program when it cannot be opened.

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "base/fs/fs.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "storage/metrics/metric_store.h"
#include "storage/ring/ring.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"
#include "tests/support/temp_dir.h"

namespace nines::bench {

[[noreturn]] inline void fail(const std::string& why) {
  std::cerr << why << "\n";
  std::exit(1);
}

struct RealStore {
  testing::TempDir folder;
  std::unique_ptr<Fs> fs = make_posix_fs();
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  testing::MemoryState state;
  storage::ring::RingOptions ring_options;
  storage::MetricStoreOptions options;
  std::unique_ptr<storage::ring::Ring> ring;
  std::unique_ptr<storage::MetricStore> store;

  explicit RealStore(std::uint64_t budget) {
    ring_options.path = folder.path();
    ring_options.bytes = budget;
    ring_options.segment_bytes = static_cast<std::uint32_t>(budget / 64 / 4096 * 4096);
    ring_options.parts = {250, 700, 0, 0, 30, 20};
    open();
  }
  ~RealStore() = default;
  RealStore(const RealStore&) = delete;
  RealStore& operator=(const RealStore&) = delete;
  void open() {
    store.reset();
    ring.reset();
    auto opened = storage::ring::Ring::open(ring_options, *fs, clock, *log);
    if (!opened) fail(opened.error().what());
    ring = *std::move(opened);
    auto made = storage::MetricStore::open(options, {*ring, state, clock, *log, *telemetry});
    if (!made) fail(made.error().what());
    store = *std::move(made);
  }
  std::uint64_t bytes(storage::ring::SegmentClass cls) const {
    return ring->use(cls).bytes_appended;
  }
};

}  // namespace nines::bench
