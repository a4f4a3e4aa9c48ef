#include "app/cli/internal/ring_store.h"

#include <filesystem>
#include <utility>

#include <unistd.h>

#include "base/core/real_clock.h"
#include "base/fs/fs.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
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

struct RingStores::Impl {
  std::unique_ptr<Clock> clock = make_real_clock();
  std::unique_ptr<Scheduler> scheduler = make_real_scheduler(*clock);
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Fs> fs = make_posix_fs();
  std::string folder =
      (std::filesystem::temp_directory_path() / ("nines-test-" + std::to_string(::getpid())))
          .string();
  int made = 0;
};

RingStores::RingStores() : impl_(std::make_unique<Impl>()) {}

RingStores::~RingStores() {
  std::error_code ignored;
  std::filesystem::remove_all(impl_->folder, ignored);
}

Result<std::unique_ptr<promql::ScriptStore>> RingStores::make() {
  storage::Options options;
  options.path = impl_->folder + "/" + std::to_string(impl_->made++);
  options.budget_bytes = kScriptBudget;
  options.out_of_order_window = kAnyAge;
  auto telemetry = make_telemetry();
  NINES_TRY(auto engine,
            storage::Engine::open(
                options, {*impl_->fs, *impl_->clock, *impl_->scheduler, *impl_->log, *telemetry}));
  return std::unique_ptr<promql::ScriptStore>(
      std::make_unique<RingStore>(options.path, std::move(engine), std::move(telemetry)));
}

const Clock& RingStores::clock() const {
  return *impl_->clock;
}

}  // namespace nines::app
