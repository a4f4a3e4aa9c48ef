// Runs the scripts of ../shared/promqltest (or NINES_PROMQLTEST_DIR) and holds what they reached.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "doctest/doctest.h"
#include "rules/promql/script.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/sim_clock.h"

namespace nines::promql {
namespace {

class MemoryStore final : public ScriptStore {
 public:
  storage::Appender& appender() override { return metrics_; }
  const storage::Querier& querier() const override { return metrics_; }

 private:
  testing::MemoryMetrics metrics_;
};

Result<std::unique_ptr<ScriptStore>> make_store() {
  return std::unique_ptr<ScriptStore>(std::make_unique<MemoryStore>());
}

std::filesystem::path scripts_dir() {
  if (const char* dir = std::getenv("NINES_PROMQLTEST_DIR")) return dir;
  // Beside the repository, wherever the test runs inside it.
  std::filesystem::path here = std::filesystem::path(__FILE__).parent_path();
  while (here.has_parent_path() && here != here.root_path()) {
    const std::filesystem::path there = here / "shared" / "promqltest";
    if (std::filesystem::is_directory(there)) return there;
    here = here.parent_path();
  }
  return {};
}

// What each script has reached; raise them, never lower them.
const std::map<std::string, int> kReached = {
    {"aggregators.test", 115},
    {"at_modifier.test", 58},
    {"collision.test", 0},
    {"duration_expression.test", 44},
    {"extended_vectors.test", 124},
    {"fill-modifier.test", 37},
    {"functions.test", 321},
    {"histograms.test", 144},
    {"info.test", 44},
    {"limit.test", 23},
    {"literals.test", 17},
    {"name_label_dropping.test", 24},
    {"native_histograms.test", 390},
    {"operators.test", 156},
    {"range_queries.test", 14},
    {"selectors.test", 26},
    {"staleness.test", 12},
    {"start_timestamps.test", 19},
    {"subquery.test", 24},
    {"trig_functions.test", 14},
    {"type_and_unit.test", 45},
};

TEST_CASE("the scripts of Prometheus pass as far as they ever have") {
  const std::filesystem::path dir = scripts_dir();
  if (dir.empty() || !std::filesystem::is_directory(dir)) {
    MESSAGE("skipped: no folder of scripts");
    return;
  }
  const testing::SimClock clock{Timestamp{}};
  const bool verbose = std::getenv("NINES_PROMQLTEST_VERBOSE") != nullptr;
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    if (entry.path().extension() == ".test") files.insert(entry.path());
  }
  int passed = 0;
  int failed = 0;
  for (const std::filesystem::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::string name = file.filename().string();
    const Result<ScriptReport> report = run_script(name, text, make_store, clock);
    CHECK_MESSAGE(report.has_value(), name);
    if (!report) {
      std::printf("%-28s %s\n", name.c_str(), report.error().what().c_str());
      continue;
    }
    std::printf("%-28s %4d passed %4d failed\n", name.c_str(), report->passed, report->failed);
    if (verbose) {
      for (const std::string& failure : report->failures) std::printf("  %s\n", failure.c_str());
    }
    passed += report->passed;
    failed += report->failed;
    const auto reached = kReached.find(name);
    if (reached != kReached.end()) CHECK_MESSAGE(report->passed >= reached->second, name);
  }
  std::printf("%-28s %4d passed %4d failed\n", "all scripts", passed, failed);
}

}  // namespace
}  // namespace nines::promql
