// `nines test promql`: Prometheus's test scripts through the real ring, in a folder that goes away.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/verbs.h"
#include "base/core/real_clock.h"
#include "base/fs/fs.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "rules/promql/script.h"
#include "storage/engine/engine.h"

namespace nines::app {
namespace {

constexpr std::uint64_t kScriptBudget = 16ULL << 20;
constexpr Duration kAnyAge{100LL * 365 * 86'400'000};

// A store of the smallest budget. Its folder is removed with it.
class RingStore final : public promql::ScriptStore {
 public:
  RingStore(std::string path, std::unique_ptr<storage::Engine> engine,
            std::unique_ptr<Telemetry> telemetry)
      : path_(std::move(path)), telemetry_(std::move(telemetry)), engine_(std::move(engine)) {}
  ~RingStore() override {
    engine_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  RingStore(const RingStore&) = delete;
  RingStore& operator=(const RingStore&) = delete;
  storage::Appender& appender() override { return engine_->appender(); }
  const storage::Querier& querier() const override { return engine_->querier(); }

 private:
  std::string path_;
  std::unique_ptr<Telemetry> telemetry_;
  std::unique_ptr<storage::Engine> engine_;
};

}  // namespace

int test_promql(const std::vector<std::string>& files) {
  const auto clock = make_real_clock();
  const auto scheduler = make_real_scheduler(*clock);
  const auto log = make_null_log();
  const auto fs = make_posix_fs();
  const std::string folder =
      (std::filesystem::temp_directory_path() / ("nines-promql-" + std::to_string(::getpid())))
          .string();
  int made = 0;
  const promql::ScriptStoreFactory make_store =
      [&]() -> Result<std::unique_ptr<promql::ScriptStore>> {
    storage::Options options;
    options.path = folder + "/" + std::to_string(made++);
    options.budget_bytes = kScriptBudget;
    options.out_of_order_window = kAnyAge;
    auto telemetry = make_telemetry();
    NINES_TRY(auto engine,
              storage::Engine::open(options, {*fs, *clock, *scheduler, *log, *telemetry}));
    return std::unique_ptr<promql::ScriptStore>(
        std::make_unique<RingStore>(options.path, std::move(engine), std::move(telemetry)));
  };
  int passed = 0, failed = 0;
  for (const std::string& file : files) {
    const auto text = read_file(*fs, file);
    if (!text) {
      fmt::print(stderr, "nines: {}\n", text.error().what());
      ++failed;
      continue;
    }
    const auto report = promql::run_script(file, *text, make_store, *clock);
    if (!report) {
      fmt::print("{}\n", report.error().what());
      ++failed;
      continue;
    }
    for (const std::string& failure : report->failures) fmt::print("{}\n", failure);
    fmt::print("{}: {} passed, {} failed\n", file, report->passed, report->failed);
    passed += report->passed;
    failed += report->failed;
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? kExitOk : kExitFailure;
}

}  // namespace nines::app
