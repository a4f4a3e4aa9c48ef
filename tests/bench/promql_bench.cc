// What the engine itself costs on top of reading: columns lie ready in memory, and are copied as a
// store would. `samples/s` counts the samples read; divide by the cores used (one).

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "rules/promql/engine.h"
#include "storage/api/querier.h"
#include "tests/support/sim_clock.h"

namespace {

using namespace nines;  // NOLINT: a program of one file

constexpr std::int64_t kGapMs = 15'000;
constexpr std::int64_t kSamples = 5760;  // 24 h
constexpr std::int64_t kEndMs = kGapMs * kSamples;

// Every series has the same samples; only labels differ.
class Ready final : public storage::Querier {
 public:
  explicit Ready(std::size_t series, std::size_t buckets) {
    for (std::size_t i = 0; i < series; ++i) {
      const std::string le = buckets == 1 ? "x" : std::to_string(i % buckets);
      labels_.push_back({{"__name__", "m"}, {"instance", std::to_string(i / buckets)}, {"le", le}});
    }
    for (std::int64_t i = 0; i < kSamples; ++i) {
      columns_.times.push_back((i + 1) * kGapMs);
      columns_.values.push_back(static_cast<double>(i % 1000) * 3);
    }
  }

  Result<std::unique_ptr<storage::SeriesSelection>> select(
      std::span<const Matcher>, storage::TimeRange, std::size_t,
      const storage::StopFlag*) const override {
    return std::unique_ptr<storage::SeriesSelection>(std::make_unique<Selection>(*this));
  }
  Result<std::vector<std::string>> label_names(std::span<const Matcher>, storage::TimeRange,
                                               std::size_t,
                                               const storage::StopFlag*) const override {
    return std::vector<std::string>{};
  }
  Result<std::vector<std::string>> label_values(const std::string&, std::span<const Matcher>,
                                                storage::TimeRange, std::size_t,
                                                const storage::StopFlag*) const override {
    return std::vector<std::string>{};
  }
  std::map<std::string, Metadata> metadata() const override { return {}; }

 private:
  class Selection final : public storage::SeriesSelection {
   public:
    explicit Selection(const Ready& all) : all_(all) {}
    std::size_t size() const override { return all_.labels_.size(); }
    const LabelSet& labels(std::size_t i) const override { return all_.labels_[i]; }
    Result<void> read(std::size_t, storage::TimeRange, SampleColumns& out) const override {
      out = all_.columns_;
      return {};
    }

   private:
    const Ready& all_;
  };
  std::vector<LabelSet> labels_;
  SampleColumns columns_;
};

void BM_Range(benchmark::State& state, const char* text, std::size_t series, std::size_t buckets) {
  const Ready store(series, buckets);
  const testing::SimClock clock{from_millis(kEndMs)};
  promql::EngineOptions options;
  options.samples_max = 1'000'000'000;
  const promql::Engine engine(store, clock, options);
  const auto query = promql::Query::parse(text, options);
  std::uint64_t samples = 0;
  for (auto _ : state) {
    const auto result =
        engine.range(*query, from_millis(kGapMs), from_millis(kEndMs), Duration(60'000));
    if (!result) state.SkipWithError(result.error().what().c_str());
    if (result) samples += result->stats.samples;
  }
  state.counters["samples/s"] =
      benchmark::Counter(static_cast<double>(samples), benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(BM_Range, rate, "rate(m[5m])", 200, 1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Range, sum_rate, "sum(rate(m[5m]))", 200, 1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Range, select, "m", 200, 1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Range, max_over_time, "max_over_time(m[10m])", 200, 1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Range, topk, "topk(5, m)", 200, 1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Range, quantile, "histogram_quantile(0.9, sum by (le) (rate(m[5m])))", 200, 10)
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
