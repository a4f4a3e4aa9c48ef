// Measures the metric store on the real file system, in one process, and prints a line a figure.
// Times are of the processor.
//
//   metric_store_bench capture STEP FILE...   bytes per sample of captures (every STEP-th scrape),
//   20
//                                             targets
//   metric_store_bench series N SCRAPES       memory per series, append rate, restart time
//   metric_store_bench query SERIES HOURS     select and read rates over pages at 15 s
//
// A capture is `## scrape <unix milliseconds>` lines, each followed by what a target answered. Read
// a compressed one with: metric_store_bench capture 1 <(zstd -dc --long=27 FILE)
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "collector/exposition/parser.h"
#include "tests/bench/fleet.h"
#include "tests/bench/real_store.h"

namespace {

using namespace nines;         // NOLINT: a program of one file
using namespace nines::bench;  // NOLINT

// Of processor time: other programs do not count.
double seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

std::size_t rss_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * 4096;
}

struct Scrape final : collector::ExpositionVisitor {
  std::vector<std::pair<std::string, double>> samples;
  Result<void> on_sample(const collector::ExposedSample& sample) override {
    samples.emplace_back(std::string(sample.series), sample.value);
    return {};
  }
};

struct Timed {
  std::int64_t time = 0;
  std::string body;
};

std::vector<Timed> read_capture(const std::string& path, int step) {
  std::ifstream in(path);
  std::vector<Timed> all;
  std::string line;
  int scrape = -1;
  while (std::getline(in, line)) {
    if (line.starts_with("## scrape ")) {
      if (++scrape % step == 0) all.push_back({std::stoll(line.substr(10)), {}});
    } else if (scrape % step == 0) {
      all.back().body += line + "\n";
    }
  }
  return all;
}

void capture(int step, const std::string& path) {
  constexpr int kTargets = 20;
  const std::vector<Timed> scrapes = read_capture(path, step);
  RealStore s(128ULL << 20);
  std::vector<std::unique_ptr<storage::GroupWriter>> writers;
  std::vector<std::unordered_map<std::string, storage::Slot>> slots(kTargets);
  for (int t = 0; t < kTargets; ++t)
    writers.push_back(*s.store->open_group(
        {"target/" + std::to_string(t),
         LabelSet{{"instance", "10.0.0." + std::to_string(t) + ":9100"}, {"job", "node"}},
         "node"}));
  std::uint64_t samples = 0;
  double appending = 0;
  for (const Timed& scrape : scrapes) {
    Scrape seen;
    if (!collector::parse_exposition(scrape.body, collector::ExpositionFormat::kText004, seen))
      continue;
    s.clock.advance(from_millis(scrape.time) - s.clock.now());
    for (std::size_t t = 0; t < writers.size(); ++t) {
      std::vector<storage::Row> rows;
      for (const auto& [series, value] : seen.samples) {
        auto& known = slots[t];
        auto at = known.find(series);
        if (at == known.end()) {
          LabelBuilder labels(*collector::parse_series(series));
          labels.set("instance", "10.0.0." + std::to_string(t) + ":9100").set("job", "node");
          at = known.emplace(series, *writers[t]->slot(labels.build())).first;
        }
        storage::Row row;
        row.slot = at->second;
        row.value = value;
        rows.push_back(row);
      }
      const double begin = seconds();
      const auto done = writers[t]->append(from_millis(scrape.time), rows);
      appending += seconds() - begin;
      if (done) samples += done->appended;
    }
  }
  if (auto flushed = s.store->flush(); !flushed) fail(flushed.error().what());
  const auto n = static_cast<double>(samples);
  std::cout << path << " every " << step << ": " << samples << " samples, pages and layouts "
            << static_cast<double>(s.bytes(storage::ring::SegmentClass::kRaw)) / n
            << " B/sample, journal "
            << static_cast<double>(s.bytes(storage::ring::SegmentClass::kJournal)) / n
            << " B/sample, append " << appending / n * 1e9 << " ns/sample\n";
}

// `count` series of groups of 512: see fleet.h.
struct Fleet {
  std::vector<std::unique_ptr<storage::GroupWriter>> writers;
  std::vector<std::vector<storage::Row>> rows;
};

Fleet make_fleet(RealStore& s, std::size_t count, bool alone = false) {
  Fleet fleet;
  for (std::size_t g = 0; g * kTargetSeries < count; ++g) {
    const std::string instance = fleet_instance(g);
    fleet.writers.push_back(
        *s.store->open_group({"scrape/node/http://" + instance + "/metrics", fleet_target(instance),
                              alone ? "scrape/" + instance : "scrape/node"}));
    auto& rows = fleet.rows.emplace_back();
    for (std::size_t i = 0; i < kTargetSeries; ++i) {
      storage::Row row;
      row.slot = *fleet.writers.back()->slot(fleet_series(instance, i));
      row.value = fleet_first(i);
      rows.push_back(row);
    }
  }
  return fleet;
}

void step(Fleet& fleet, std::size_t scrape) {
  for (std::size_t g = 0; g < fleet.rows.size(); ++g) {
    for (std::size_t i = 0; i < fleet.rows[g].size(); ++i) {
      double& value = fleet.rows[g][i].value;
      value = fleet_next(value, g, i, scrape);
    }
  }
}

double scrape_all(RealStore& s, Fleet& fleet, std::size_t scrape) {
  step(fleet, scrape);
  s.clock.advance(Duration(15'000));
  const double begin = seconds();
  for (std::size_t g = 0; g < fleet.writers.size(); ++g) {
    if (auto done = fleet.writers[g]->append(s.clock.now(), fleet.rows[g]); !done)
      fail(done.error().what());
  }
  return seconds() - begin;
}

void select(RealStore& s, const char* what, const std::vector<Matcher>& matchers) {
  const Timestamp to = s.clock.now();
  const double begin = seconds();
  const auto found = s.store->select(matchers, {to - Duration(300'000), to}, 10'000'000);
  if (!found) fail(found.error().what());
  std::cout << "select " << what << ": " << (*found)->size() << " series in "
            << (seconds() - begin) * 1000 << " ms\n";
}

void series(std::size_t count, std::size_t scrapes, bool alone) {
  RealStore s(4ULL << 30);
  const std::size_t before = rss_bytes();
  double spent = 0;
  {
    Fleet fleet = make_fleet(s, count, alone);
    const std::size_t rows_of_bench = fleet.rows.size() * kTargetSeries * sizeof(storage::Row);
    for (std::size_t i = 0; i < scrapes; ++i) spent += scrape_all(s, fleet, i);
    std::cout << count << " series, " << scrapes << " scrapes: "
              << static_cast<double>(rss_bytes() - before - rows_of_bench) /
                     static_cast<double>(count)
              << " B of memory per series, append "
              << spent / static_cast<double>(scrapes * count) * 1e9 << " ns/sample, journal "
              << static_cast<double>(s.bytes(storage::ring::SegmentClass::kJournal)) /
                     static_cast<double>(scrapes * count)
              << " B/sample\n";
    select(s, "by name", {Matcher::equal("__name__", "node_metric_7_total")});
    select(s, "by target", {Matcher::equal("instance", "10.0.0.3:9100")});
    select(s, "by job, all", {Matcher::equal("job", "node")});
  }
  const double begin = seconds();
  s.open();
  std::cout << "restart " << (seconds() - begin) * 1000 << " ms, with ";
  storage::StoreStatus status;
  s.store->add_status(status, 0);
  std::cout << status.recovered_samples << " samples from the journal, "
            << static_cast<double>(rss_bytes() - before) / static_cast<double>(count)
            << " B of memory per series\n";
}

void query(std::size_t count, std::size_t hours) {
  RealStore s(1ULL << 30);
  s.options.page_cache_bytes = 256u << 20;
  s.open();
  const Timestamp from = s.clock.now();
  Fleet fleet = make_fleet(s, count);
  for (std::size_t i = 0; i < hours * 240; ++i) (void)scrape_all(s, fleet, i);
  for (int round = 0; round < 3; ++round) {
    const double begin = seconds();
    const std::vector<Matcher> matchers = {Matcher::equal("job", "node")};
    const auto found = s.store->select(matchers, {from, s.clock.now()}, count * 2);
    if (!found) fail(found.error().what());
    const double selected = seconds();
    std::uint64_t samples = 0;
    SampleColumns out;
    for (std::size_t i = 0; i < (*found)->size(); ++i) {
      if ((*found)->read(i, {from, s.clock.now()}, out)) samples += out.size();
    }
    const double end = seconds();
    std::cout << (round == 0 ? "cold: " : "warm: ") << "select of " << (*found)->size()
              << " series " << (selected - begin) * 1000 << " ms, read of " << samples
              << " samples " << (end - selected) * 1000
              << " ms = " << static_cast<double>(samples) / (end - selected) / 1e6
              << " M samples/s\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "capture" && argc > 3) {
    for (int i = 3; i < argc; ++i) capture(std::atoi(argv[2]), argv[i]);
  } else if (verb == "series" && (argc == 4 || (argc == 5 && argv[4] == std::string("alone")))) {
    series(std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[3], nullptr, 10), argc == 5);
  } else if (verb == "query" && argc == 4) {
    query(std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[3], nullptr, 10));
  } else {
    std::cerr << "usage: metric_store_bench capture STEP FILE... | series N SCRAPES [alone] | "
                 "query SERIES "
                 "HOURS\n";
    return 2;
  }
  return 0;
}
