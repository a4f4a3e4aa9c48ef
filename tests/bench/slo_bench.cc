// What SLOs cost: so many of them with a month of minutes, on real files.
//
//   slo_bench [SLOS] [DAYS] [MINUTES]     (default 1000 30 20)
//
// Fills the ledger (state.db), opens the service over it, and updates it each simulated minute with
// four scrapes of each SLO's three series. Prints disk, memory, and CPU time of opening and of a
// minute.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "rules/slo/service.h"
#include "storage/state/sqlite_state.h"
#include "tests/bench/real_store.h"

namespace {

using namespace nines;       // NOLINT: a program of one file
using namespace nines::slo;  // NOLINT

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double rss_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

std::string name_of(int slo) {
  return "service-" + std::to_string(slo) + "-availability";
}

SloConfig config_of(int slo) {
  SloConfig config;
  config.name = name_of(slo);
  config.service = "service-" + std::to_string(slo);
  const std::string job = "{instance=\"" + config.service + "\"";
  config.indicator.good = "requests_total" + job + ",code!=\"500\"}";
  config.indicator.total = "requests_total" + job + "}";
  config.alerting = google_30d();
  return config;
}

// Uneven traffic, some hundreds to some thousands of requests a minute, now and then a bad one.
storage::LedgerMinute minute_of(int slo, std::int64_t minute) {
  const double valid = 200 + static_cast<double>((minute * 31 + slo * 17) % 3'000);
  const double bad = (minute + slo) % 50 == 0 ? 3 : 0;
  return {minute, valid - bad, valid, 0};
}

struct Targets {
  std::unique_ptr<storage::GroupWriter> writer;
  std::vector<storage::Row> rows;

  explicit Targets(storage::Appender& appender, int slo) {
    const LabelSet labels{{"instance", "service-" + std::to_string(slo)}, {"job", "services"}};
    auto opened = appender.open_group(
        {"scrape/" + std::to_string(slo), labels, "scrape/services"});  // as a job's targets are
    if (!opened) bench::fail(opened.error().what());
    writer = *std::move(opened);
    for (const char* code : {"200", "404", "500"}) {
      storage::Row row;
      row.slot = *writer->slot(labels.with("__name__", "requests_total").with("code", code));
      row.value = 1'000;
      rows.push_back(row);
    }
  }
  void scrape(Timestamp at) {
    rows[0].value += 250;
    rows[1].value += 3;
    if (auto done = writer->append(at, rows); !done) bench::fail(done.error().what());
  }
};

void fill(storage::StateStore& state, int slos, std::int64_t from, std::int64_t to) {
  constexpr std::int64_t kStep = 1'440;
  for (std::int64_t begin = from; begin < to; begin += kStep) {
    std::vector<storage::LedgerRows> all;
    for (int slo = 0; slo < slos; ++slo) {
      storage::LedgerRows rows{name_of(slo), {}};
      for (std::int64_t m = begin; m < std::min(to, begin + kStep); ++m)
        rows.minutes.push_back(minute_of(slo, m));
      all.push_back(std::move(rows));
    }
    if (auto done = state.write_ledger(all); !done) bench::fail(done.error().what());
    for (int slo = 0; slo < slos; ++slo) {  // what the service does once a day
      if (auto done = state.prune_ledger(name_of(slo), from); !done)
        bench::fail(done.error().what());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int slos = argc > 1 ? std::atoi(argv[1]) : 1'000;
  const int days = argc > 2 ? std::atoi(argv[2]) : 30;
  std::cout << std::unitbuf;
  const int minutes = argc > 3 ? std::atoi(argv[3]) : 20;
  bench::RealStore store(1ULL << 30);
  const std::string path = store.folder.path() + "/state.db";
  auto opened = storage::open_sqlite_state(path, store.clock, *store.log);
  if (!opened) bench::fail(opened.error().what());
  storage::StateStore& state = **opened;
  const std::int64_t now = to_millis(store.clock.now()) / 60'000;
  double began = cpu_seconds();
  fill(state, slos, now - days * 1'440LL, now);
  std::cout << "ledger: " << slos << " SLOs x " << days << " d, filled in " << cpu_seconds() - began
            << " s of CPU\n"
            << "  disk: " << static_cast<double>(std::filesystem::file_size(path)) / 1e6 << " MB, "
            << static_cast<double>(std::filesystem::file_size(path)) / (slos * days * 1'440.0)
            << " B a minute\n";

  std::vector<Targets> targets;
  for (int slo = 0; slo < slos; ++slo) targets.emplace_back(*store.store, slo);
  std::vector<SloConfig> configs;
  for (int slo = 0; slo < slos; ++slo) configs.push_back(config_of(slo));
  testing::SimScheduler scheduler(store.clock);
  testing::InlineExecutor executor;
  const double rss_before = rss_mib();
  Service service(
      {*store.store, *store.store, state, scheduler, executor, *store.log, *store.telemetry});
  began = cpu_seconds();
  service.load(configs);
  const double rss_opened = rss_mib();
  std::cout << "opened: " << cpu_seconds() - began << " s of CPU, " << rss_opened - rss_before
            << " MiB more memory, " << (rss_opened - rss_before) * 1'048'576 / slos / 1'024
            << " KiB an SLO\n";

  double in_updates = 0, worst = 0;
  for (int minute = 0; minute < minutes; ++minute) {
    for (int quarter = 0; quarter < 4; ++quarter) {
      store.clock.advance(Duration(15'000));
      for (Targets& one : targets) one.scrape(store.clock.now());
    }
    began = cpu_seconds();
    if (auto done = service.update(store.clock.now()); !done) bench::fail(done.error().what());
    const double took = cpu_seconds() - began;
    if (minute == 0) {
      std::cout << "first update: " << took * 1'000 << " ms of CPU\n";
      continue;
    }
    in_updates += took;
    worst = std::max(worst, took);
  }
  const double mean = in_updates / std::max(1, minutes - 1);
  std::cout << "a minute: " << mean * 1'000 << " ms of CPU, " << mean / 60 * 100
            << " % of a core; worst " << worst * 1'000 << " ms\n";
  began = cpu_seconds();
  const std::size_t shown = service.status(store.clock.now()).size();
  std::cout << "status of " << shown << ": " << (cpu_seconds() - began) * 1'000
            << " ms of CPU\nmemory in the end: " << rss_mib() << " MiB\n";
  return 0;
}
