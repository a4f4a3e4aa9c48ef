// How fast scrape bodies become (series, value) pairs, on captures of real targets. Folder of the
// captures: NINES_CAPTURES, by default ../shared/captures. Budget: 25 M samples/s on one core when
// the scrape before predicts this one, 10 M/s without.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "collector/exposition/parser.h"
#include "collector/scrape/internal/series_cache.h"

namespace {

using namespace nines;
using namespace nines::collector;

std::vector<std::string> bodies_of(const std::string& name) {
  const char* folder = std::getenv("NINES_CAPTURES");
  const std::string command = "zstd -dcq --long=27 '" +
                              std::string(folder != nullptr ? folder : "../shared/captures") + "/" +
                              name + ".txt.zst' 2>/dev/null";
  std::string all;
  if (std::FILE* pipe = ::popen(command.c_str(), "r")) {
    char bytes[65536];
    for (std::size_t n = 0; (n = std::fread(bytes, 1, sizeof bytes, pipe)) > 0;)
      all.append(bytes, n);
    ::pclose(pipe);
  }
  constexpr std::string_view kMark = "## scrape ";
  std::vector<std::string> out;
  for (std::size_t at = all.find(kMark); at != std::string::npos;) {
    const std::size_t from = all.find('\n', at) + 1;
    at = all.find(kMark, from);
    out.push_back(all.substr(from, at == std::string::npos ? at : at - from));
  }
  return out;
}

// What a scrape does with each sample, short of the store.
struct Visitor final : ExpositionVisitor {
  explicit Visitor(bool guess) : positional(guess) {}
  Result<void> on_sample(const ExposedSample& sample) override {
    std::optional<SeriesCache::Place> place =
        sample.as_expected ? cache.expected_place() : cache.find(sample.series);
    if (!place) place = cache.add(sample.series);
    cache.use(*place, sample);
    sum += sample.value;
    ++samples;
    return {};
  }
  ExpectedSample expected() const override {
    return positional ? cache.expected() : ExpectedSample();
  }
  ExpectedLines expected_lines() const override {
    return positional ? cache.expected_lines() : ExpectedLines();
  }
  Result<void> on_expected(std::span<const double> values, bool) override {
    cache.use_expected(values.size());
    for (const double value : values) sum += value;
    samples += values.size();
    return {};
  }
  const bool positional;
  LineBlocks blocks;
  SeriesCache cache{blocks, "job"};
  double sum = 0;
  std::uint64_t samples = 0;
};

// The page with a timestamp behind each sample, as a federation endpoint writes it.
std::string timed(const std::string& body) {
  std::string out;
  for (std::size_t from = 0; from < body.size();) {
    const std::size_t to = std::min(body.find('\n', from), body.size());
    out.append(body, from, to - from);
    out += body[from] == '#' ? "\n" : " 1700000000123\n";
    from = to + 1;
  }
  return out;
}

void BM_Scrapes(benchmark::State& state, const char* name, bool positional, bool times = false) {
  std::vector<std::string> bodies = bodies_of(name);
  if (times) {
    for (std::string& body : bodies) body = timed(body);
  }
  if (bodies.empty()) {
    state.SkipWithError("no captures: set NINES_CAPTURES");
    return;
  }
  Visitor visitor(positional);
  std::size_t next = 0;
  std::int64_t bytes = 0;
  for (auto _ : state) {
    const std::string& body = bodies[next];
    next = (next + 1) % bodies.size();
    visitor.cache.begin();
    if (!parse_exposition(body, ExpositionFormat::kText004, visitor)) std::abort();
    visitor.cache.commit();
    bytes += static_cast<std::int64_t>(body.size());
  }
  benchmark::DoNotOptimize(visitor.sum);
  state.SetItemsProcessed(static_cast<std::int64_t>(visitor.samples));
  state.SetBytesProcessed(bytes);
}
BENCHMARK_CAPTURE(BM_Scrapes, node_exporter_positional, "node_exporter_5s", true);
BENCHMARK_CAPTURE(BM_Scrapes, node_exporter_plain, "node_exporter_5s", false);
BENCHMARK_CAPTURE(BM_Scrapes, node_exporter_timed_positional, "node_exporter_5s", true, true);
BENCHMARK_CAPTURE(BM_Scrapes, node_exporter_timed_plain, "node_exporter_5s", false, true);
BENCHMARK_CAPTURE(BM_Scrapes, prometheus_positional, "prometheus_5s", true);
BENCHMARK_CAPTURE(BM_Scrapes, prometheus_plain, "prometheus_5s", false);
BENCHMARK_CAPTURE(BM_Scrapes, victoria_metrics_positional, "victoria_metrics_5s", true);
BENCHMARK_CAPTURE(BM_Scrapes, victoria_metrics_plain, "victoria_metrics_5s", false);
BENCHMARK_CAPTURE(BM_Scrapes, alertmanager_positional, "alertmanager_5s", true);
BENCHMARK_CAPTURE(BM_Scrapes, alertmanager_plain, "alertmanager_5s", false);

}  // namespace

BENCHMARK_MAIN();
