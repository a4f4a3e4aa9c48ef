#pragma once
// A metric store on a file system in memory, that can lose power and start again.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/telemetry/telemetry.h"
#include "storage/metrics/metric_store.h"
#include "tests/support/mem_fs.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

namespace nines::storage {

struct StoreRig {
  testing::MemFs fs;
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  testing::MemoryState state;
  ring::RingOptions ring_options;
  MetricStoreOptions options;
  std::unique_ptr<ring::Ring> ring;
  std::unique_ptr<MetricStore> store;

  explicit StoreRig(std::uint64_t segments = 32, std::uint32_t segment_bytes = 256u << 10) {
    REQUIRE(fs.make_dirs("/data"));
    ring_options.path = "/data";
    ring_options.segment_bytes = segment_bytes;
    ring_options.bytes = segments * segment_bytes + 8192;
    open();
  }
  void open() {
    store.reset();
    ring.reset();
    auto opened = ring::Ring::open(ring_options, fs, clock, *log);
    REQUIRE_MESSAGE(opened, opened.error().what());
    ring = *std::move(opened);
    auto made = MetricStore::open(options, {*ring, state, clock, *log, *telemetry});
    REQUIRE_MESSAGE(made, made.error().what());
    store = *std::move(made);
  }
  // The process dies: nothing it wrote is lost.
  void kill() { open(); }
  // The power goes: what was not synced is lost.
  void lose_power() {
    store.reset();
    ring.reset();
    fs.crash();
    open();
  }

  std::unique_ptr<GroupWriter> group(const std::string& name) {
    auto writer = store->open_group(name);
    REQUIRE_MESSAGE(writer, writer.error().what());
    return *std::move(writer);
  }

  using Points = std::vector<std::pair<std::int64_t, double>>;

  SampleColumns columns(const LabelSet& labels, std::int64_t from = 0,
                        std::int64_t to = INT64_MAX / 2) const {
    std::vector<Matcher> matchers;
    for (const Label& label : labels) matchers.push_back(Matcher::equal(label.name, label.value));
    const auto found = store->select(matchers, {from_millis(from), from_millis(to)}, 100, nullptr);
    REQUIRE(found);
    SampleColumns out;
    for (std::size_t i = 0; i < (*found)->size(); ++i) {
      if ((*found)->labels(i) == labels)
        REQUIRE((*found)->read(i, {from_millis(from), from_millis(to)}, out));
    }
    return out;
  }
  Points points(const LabelSet& labels, std::int64_t from = 0,
                std::int64_t to = INT64_MAX / 2) const {
    const SampleColumns columns_of = columns(labels, from, to);
    Points out;
    for (std::size_t i = 0; i < columns_of.size(); ++i)
      out.emplace_back(columns_of.times[i], columns_of.values[i]);
    return out;
  }
};

inline Row row(Slot slot, double value) {
  Row out;
  out.slot = slot;
  out.value = value;
  return out;
}

}  // namespace nines::storage
