// What the parts of the metric store cost, one at a time, on one core: a scrape going in, columns,
// pages and journal rows, series being found. Values and labels are those of fleet.h.
//
// items_per_second counts samples (series, where they are selected or added); bytes_per_second what
// was written or read of them: encoded bytes, the text of labels, or what the comment says.
//
//   storage_bench --benchmark_filter=Select
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "storage/chunk/column.h"
#include "storage/metrics/internal/page.h"
#include "storage/metrics/internal/rows_codec.h"
#include "storage/series/series_index.h"
#include "tests/bench/fleet.h"
#include "tests/bench/real_store.h"

namespace {

using namespace nines;           // NOLINT: a program of one file
using namespace nines::bench;    // NOLINT
using namespace nines::storage;  // NOLINT

constexpr std::size_t kRows = 64;  // of a page
constexpr std::int64_t kStartMs = 1'700'000'000'000;
constexpr std::int64_t kStepMs = 15'000;

template <typename T>
T must(Result<T> result) {
  if (!result) fail(result.error().what());
  return *std::move(result);
}

void report(benchmark::State& state, std::size_t items, std::size_t bytes) {
  state.SetItemsProcessed(static_cast<std::int64_t>(items));
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
  if (items > 0) state.counters["B/item"] = static_cast<double>(bytes) / static_cast<double>(items);
}

// kRows values of each series of a target, by series.
std::vector<std::vector<double>> target_values() {
  std::vector<std::vector<double>> out(kTargetSeries);
  for (std::size_t i = 0; i < kTargetSeries; ++i) {
    double value = fleet_first(i);
    for (std::size_t row = 0; row < kRows; ++row)
      out[i].push_back(value = fleet_next(value, 0, i, row));
  }
  return out;
}

// --- appending ---

// A scrape of 512 series, with the pages and the tending that it brings about; what an interval's
// sync costs is not in it.
void BM_Append(benchmark::State& state) {
  RealStore s(256u << 20);
  const std::string instance = fleet_instance(0);
  const auto writer =
      must(s.store->open_group({"scrape/node", fleet_target(instance), "scrape/node"}));
  const auto values = target_values();
  std::vector<std::vector<Row>> scrapes(kRows, std::vector<Row>(kTargetSeries));
  for (std::size_t i = 0; i < kTargetSeries; ++i) {
    const Slot slot = must(writer->slot(fleet_series(instance, i)));
    for (std::size_t row = 0; row < kRows; ++row) {
      scrapes[row][i].slot = slot;
      scrapes[row][i].value = values[i][row];
    }
  }
  std::size_t next = 0, samples = 0;
  for (auto _ : state) {
    s.clock.advance(Duration(kStepMs));
    samples += must(writer->append(s.clock.now(), scrapes[next])).appended;
    if (++next < kRows) continue;
    next = 0;
    s.store->tend();
  }
  report(state, samples, s.bytes(ring::SegmentClass::kJournal) + s.bytes(ring::SegmentClass::kRaw));
}
BENCHMARK(BM_Append);

// --- columns of values ---

enum class Kind : std::uint8_t { kFleet, kStill, kCounter, kHundredths, kNoise };

bool is_of(Kind kind, std::size_t i) {
  if (kind == Kind::kStill) return fleet_still(i);
  if (kind == Kind::kHundredths) return fleet_hundredths(i);
  if (kind == Kind::kCounter) return !fleet_still(i) && !fleet_hundredths(i);
  return true;
}

std::vector<std::vector<double>> columns_of(Kind kind) {
  std::vector<std::vector<double>> out;
  const auto all = target_values();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (is_of(kind, i)) out.push_back(all[i]);
  }
  if (kind != Kind::kNoise) return out;
  testing::SeededRng rng(1);
  for (std::vector<double>& column : out) {
    for (double& value : column) value = static_cast<double>(rng.next() >> 11) * 0x1p-53;
  }
  return out;
}

void BM_EncodeValues(benchmark::State& state, Kind kind) {
  const auto columns = columns_of(kind);
  std::size_t next = 0, samples = 0, bytes = 0;
  std::string out;
  for (auto _ : state) {
    out.clear();
    chunk::encode_values(columns[next], out);
    benchmark::DoNotOptimize(out.data());
    samples += kRows;
    bytes += out.size();
    if (++next == columns.size()) next = 0;
  }
  report(state, samples, bytes);
}

void BM_DecodeValues(benchmark::State& state, Kind kind) {
  std::vector<std::string> columns;
  for (const std::vector<double>& column : columns_of(kind))
    chunk::encode_values(column, columns.emplace_back());
  std::size_t next = 0, samples = 0, bytes = 0;
  std::vector<double> out(kRows);
  for (auto _ : state) {
    chunk::ByteReader in(columns[next]);
    if (!chunk::decode_values(in, kRows, out.data())) fail("a column does not decode");
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
    samples += kRows;
    bytes += columns[next].size();
    if (++next == columns.size()) next = 0;
  }
  report(state, samples, bytes);
}
BENCHMARK_CAPTURE(BM_EncodeValues, fleet, Kind::kFleet);
BENCHMARK_CAPTURE(BM_EncodeValues, still, Kind::kStill);
BENCHMARK_CAPTURE(BM_EncodeValues, counter, Kind::kCounter);
BENCHMARK_CAPTURE(BM_EncodeValues, hundredths, Kind::kHundredths);
BENCHMARK_CAPTURE(BM_EncodeValues, noise, Kind::kNoise);
BENCHMARK_CAPTURE(BM_DecodeValues, fleet, Kind::kFleet);
BENCHMARK_CAPTURE(BM_DecodeValues, still, Kind::kStill);
BENCHMARK_CAPTURE(BM_DecodeValues, counter, Kind::kCounter);
BENCHMARK_CAPTURE(BM_DecodeValues, hundredths, Kind::kHundredths);
BENCHMARK_CAPTURE(BM_DecodeValues, noise, Kind::kNoise);

// --- journal rows and pages of a target ---

struct Scrape {
  std::int64_t at = 0;
  std::vector<Entry> entries;
};

std::vector<Scrape> target_scrapes() {
  const auto values = target_values();
  std::vector<Scrape> out(kRows);
  for (std::size_t row = 0; row < kRows; ++row) {
    out[row].at = kStartMs + static_cast<std::int64_t>(row) * kStepMs;
    for (std::size_t i = 0; i < kTargetSeries; ++i) {
      Entry& entry = out[row].entries.emplace_back();
      entry.slot = static_cast<std::uint32_t>(i);
      entry.time = out[row].at;
      entry.value = values[i][row];
    }
  }
  return out;
}

std::vector<std::string> target_pages(const GroupHead& head) {
  std::vector<std::string> out;
  for (std::uint32_t first = 0; first < kTargetSeries; first += kPageSlots) {
    PageHead page;
    page.slots = {first, first + kPageSlots};
    page.parts = kTargetSeries / kPageSlots;
    std::string columns;
    encode_columns(head, page, columns);
    encode_page_head(page, out.emplace_back());
    out.back() += columns;
  }
  return out;
}

GroupHead target_head() {
  GroupHead head;
  head.grow(kTargetSeries);
  for (const Scrape& scrape : target_scrapes()) head.keep(scrape.at, scrape.entries);
  return head;
}

// The open rows of a target, on their way to a page; bytes are those of memory.
void BM_KeepRows(benchmark::State& state) {
  const auto scrapes = target_scrapes();
  GroupHead head;
  head.grow(kTargetSeries);
  std::size_t samples = 0, bytes = 0;
  for (auto _ : state) {
    for (const Scrape& scrape : scrapes) head.keep(scrape.at, scrape.entries);
    samples += kRows * kTargetSeries;
    state.PauseTiming();
    bytes += head.bytes();
    head.clear();
    state.ResumeTiming();
  }
  report(state, samples, bytes);
}
BENCHMARK(BM_KeepRows);

// All eight pages of a target, compression included.
void BM_EncodePages(benchmark::State& state) {
  const GroupHead head = target_head();
  std::size_t samples = 0, bytes = 0;
  for (auto _ : state) {
    for (const std::string& page : target_pages(head)) bytes += page.size();
    samples += kRows * kTargetSeries;
  }
  report(state, samples, bytes);
}
BENCHMARK(BM_EncodePages);

// Unpacks pages and reads the first `slots` series of each.
void BM_DecodePages(benchmark::State& state) {
  const auto pages = target_pages(target_head());
  const auto slots = static_cast<std::uint32_t>(state.range(0));
  std::size_t samples = 0, bytes = 0;
  SampleColumns out;
  for (auto _ : state) {
    for (const std::string& payload : pages) {
      const auto page = must(Page::open(payload));
      for (std::uint32_t slot = 0; slot < slots; ++slot) {
        out.clear();
        if (!page->read(page->head().slots.first + slot, out)) fail("a page does not decode");
        benchmark::DoNotOptimize(out.values.data());
        samples += out.size();
      }
      bytes += payload.size();
    }
  }
  report(state, samples, bytes);
}
BENCHMARK(BM_DecodePages)->Arg(1)->Arg(kPageSlots);

// A row of 512 samples as the journal takes it, every 16th a key row.
void BM_EncodeRows(benchmark::State& state) {
  const auto scrapes = target_scrapes();
  RowsState rows;
  std::size_t next = 0, samples = 0, bytes = 0;
  std::string out;
  for (auto _ : state) {
    const Scrape& scrape = scrapes[next];
    if (rows.next_index == kRowsPerKey) rows.next_index = 0;
    out.clear();
    encode_rows(rows, scrape.at, scrape.entries, out);
    samples += scrape.entries.size();
    bytes += out.size();
    if (++next == scrapes.size()) next = 0;
  }
  report(state, samples, bytes);
}
BENCHMARK(BM_EncodeRows);

void BM_DecodeRows(benchmark::State& state) {
  std::vector<std::string> payloads;
  RowsState writer;
  for (const Scrape& scrape : target_scrapes()) {
    if (writer.next_index == kRowsPerKey) writer.next_index = 0;
    encode_rows(writer, scrape.at, scrape.entries, payloads.emplace_back());
  }
  RowsState reader;
  std::size_t next = 0, samples = 0, bytes = 0;
  for (auto _ : state) {
    const RowsFrame frame = must(decode_rows(reader, payloads[next]));
    reader.next_index = frame.index;
    advance(reader, frame.time, frame.entries);
    samples += frame.entries.size();
    bytes += payloads[next].size();
    if (++next == payloads.size()) next = 0;
  }
  report(state, samples, bytes);
}
BENCHMARK(BM_DecodeRows);

// --- finding series ---

std::size_t text_bytes(const LabelSet& labels) {
  std::size_t bytes = 0;
  for (const Label& label : labels) bytes += label.name.size() + label.value.size();
  return bytes;
}

// 100,000 series of 200 targets that share a layout, with a sample each.
struct Sharing {
  static constexpr std::size_t kTargets = 200;
  static constexpr std::size_t kSeries = 500;  // of a target
  RealStore s{256u << 20};
  std::vector<std::unique_ptr<GroupWriter>> writers;

  Sharing() {
    for (std::size_t target = 0; target < kTargets; ++target) {
      const std::string instance = fleet_instance(target);
      writers.push_back(
          must(s.store->open_group({"scrape/" + instance, fleet_target(instance), "scrape/node"})));
      std::vector<Row> rows(kSeries);
      for (std::size_t i = 0; i < kSeries; ++i) {
        rows[i].slot = must(writers.back()->slot(fleet_series(instance, i)));
        rows[i].value = fleet_first(i);
      }
      must(writers.back()->append(s.clock.now(), rows));
    }
  }
};

void BM_Select(benchmark::State& state, const char* label, MatchOp op, const char* value) {
  static const Sharing all;  // costs more than what is measured
  const std::vector<Matcher> matchers = {must(Matcher::make(op, label, value))};
  const TimeRange range{all.s.clock.now() - Duration(300'000), all.s.clock.now()};
  std::size_t series = 0, bytes = 0;
  for (auto _ : state) {
    const auto found = must(all.s.store->select(matchers, range, 1'000'000));
    series += found->size();
    state.PauseTiming();
    for (std::size_t i = 0; i < found->size(); ++i) bytes += text_bytes(found->labels(i));
    state.ResumeTiming();
  }
  if (series == 0) state.SkipWithError("nothing was selected");
  report(state, series, bytes);
}
BENCHMARK_CAPTURE(BM_Select, name, "__name__", MatchOp::kEqual, "node_metric_7_total")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Select, target, "instance", MatchOp::kEqual, "10.0.0.3:9100")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Select, name_regex, "__name__", MatchOp::kRegex, "node_.*_1.*_total")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Select, target_regex, "instance", MatchOp::kRegex, "10\\.0\\.0\\.1.*")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Select, all, "job", MatchOp::kEqual, "node")->Unit(benchmark::kMicrosecond);

// As many series of one target, as the index sees them: without the target's labels.
struct OwnLabels {
  LabelSet base = fleet_target(fleet_instance(0));
  std::vector<LabelSet> sets;
  std::vector<std::vector<series::LabelView>> own;
  std::size_t bytes = 0;

  explicit OwnLabels(std::size_t count) {
    sets.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      sets.push_back(fleet_series(fleet_instance(0), i));
      own.push_back(series::own_labels(sets.back(), base));
      for (const series::LabelView& label : own.back())
        bytes += label.name.size() + label.value.size();
    }
  }
  void add_to(series::SeriesIndex& index) const {
    for (const auto& labels : own) index.add(labels);
  }
};

void BM_IndexAdd(benchmark::State& state) {
  const OwnLabels all(static_cast<std::size_t>(state.range(0)));
  std::size_t series = 0, bytes = 0;
  for (auto _ : state) {
    series::SeriesIndex index;
    all.add_to(index);
    series += index.size();
    bytes += all.bytes;
  }
  report(state, series, bytes);
}
BENCHMARK(BM_IndexAdd)->Arg(500)->Arg(100'000)->Unit(benchmark::kMicrosecond);

// The same once more: each is known.
void BM_IndexAddKnown(benchmark::State& state) {
  const OwnLabels all(static_cast<std::size_t>(state.range(0)));
  series::SeriesIndex index;
  all.add_to(index);
  std::size_t series = 0, bytes = 0;
  for (auto _ : state) {
    all.add_to(index);
    series += all.own.size();
    bytes += all.bytes;
  }
  if (index.size() != all.own.size()) fail("a known series was added anew");
  report(state, series, bytes);
}
BENCHMARK(BM_IndexAddKnown)->Arg(500)->Arg(100'000)->Unit(benchmark::kMicrosecond);

// Bytes are those of the numbers found.
void BM_IndexSelect(benchmark::State& state, const char* label, MatchOp op, const char* value) {
  const OwnLabels all(100'000);
  series::SeriesIndex index;
  all.add_to(index);
  const std::vector<Matcher> matchers = {must(Matcher::make(op, label, value))};
  std::size_t series = 0, of_one = 0;
  for (auto _ : state) {
    const auto ids = index.select(matchers, series::SeriesIndex::verdicts(matchers, all.base));
    series += ids.size();
    benchmark::DoNotOptimize(ids.data());
    of_one = ids.size();
  }
  if (of_one == 0) state.SkipWithError("nothing was selected");
  report(state, series, series * sizeof(std::uint32_t));
}
BENCHMARK_CAPTURE(BM_IndexSelect, name, "__name__", MatchOp::kEqual, "node_metric_7_total");
BENCHMARK_CAPTURE(BM_IndexSelect, mode, "mode", MatchOp::kEqual, "idle");
BENCHMARK_CAPTURE(BM_IndexSelect, not_mode, "mode", MatchOp::kNotEqual, "idle");
BENCHMARK_CAPTURE(BM_IndexSelect, name_regex, "__name__", MatchOp::kRegex, "node_.*_1.*_total");
BENCHMARK_CAPTURE(BM_IndexSelect, all, "job", MatchOp::kEqual, "node");

}  // namespace

BENCHMARK_MAIN();
