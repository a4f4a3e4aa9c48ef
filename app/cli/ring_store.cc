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

// Writes the open rows into pages whenever time passes a multiple of the span.
class CuttingWriter final : public storage::GroupWriter {
 public:
  CuttingWriter(std::unique_ptr<storage::GroupWriter> writer, storage::Engine& engine,
                Duration span)
      : writer_(std::move(writer)), engine_(engine), span_(span.count()) {}
  Result<storage::Slot> slot(const LabelSet& labels) override { return writer_->slot(labels); }
  Result<storage::AppendOutcome> append(Timestamp at, std::span<const storage::Row> rows) override {
    const std::int64_t part = to_millis(at) / span_;
    if (any_ && part != part_) {
      if (const Result<void> ok = engine_.flush(); !ok) return ok.error();
    }
    any_ = true;
    part_ = part;
    return writer_->append(at, rows);
  }

 private:
  std::unique_ptr<storage::GroupWriter> writer_;
  storage::Engine& engine_;
  std::int64_t span_;
  std::int64_t part_ = 0;
  bool any_ = false;
};

class CuttingAppender final : public storage::Appender {
 public:
  CuttingAppender(storage::Engine& engine, Duration span) : engine_(engine), span_(span) {}
  Result<std::unique_ptr<storage::GroupWriter>> open_group(
      const storage::GroupSpec& spec) override {
    NINES_TRY(auto writer, engine_.appender().open_group(spec));
    if (span_.count() <= 0) return writer;
    return std::unique_ptr<storage::GroupWriter>(
        std::make_unique<CuttingWriter>(std::move(writer), engine_, span_));
  }
  void set_metadata(const std::string& family, const Metadata& metadata) override {
    engine_.appender().set_metadata(family, metadata);
  }

 private:
  storage::Engine& engine_;
  Duration span_;
};

// A store of the smallest budget. Its folder is removed with it.
class RingStore final : public promql::ScriptStore {
 public:
  RingStore(std::string path, std::unique_ptr<storage::Engine> engine,
            std::unique_ptr<Telemetry> telemetry, Duration span)
      : path_(std::move(path)),
        telemetry_(std::move(telemetry)),
        engine_(std::move(engine)),
        appender_(*engine_, span) {}
  ~RingStore() override {
    engine_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  RingStore(const RingStore&) = delete;
  RingStore& operator=(const RingStore&) = delete;
  storage::Appender& appender() override { return appender_; }
  const storage::Querier& querier() const override { return engine_->querier(); }

 private:
  std::string path_;
  std::unique_ptr<Telemetry> telemetry_;
  std::unique_ptr<storage::Engine> engine_;
  CuttingAppender appender_;
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
  RingCut cut;
  int made = 0;
};

RingStores::RingStores(RingCut cut) : impl_(std::make_unique<Impl>()) {
  impl_->cut = cut;
}

RingStores::~RingStores() {
  std::error_code ignored;
  std::filesystem::remove_all(impl_->folder, ignored);
}

Result<std::unique_ptr<promql::ScriptStore>> RingStores::make() {
  storage::Options options;
  options.path = impl_->folder + "/" + std::to_string(impl_->made++);
  options.budget_bytes = kScriptBudget;
  options.out_of_order_window = kAnyAge;
  options.rows_per_page = impl_->cut.rows_per_page;
  auto telemetry = make_telemetry();
  NINES_TRY(auto engine,
            storage::Engine::open(
                options, {*impl_->fs, *impl_->clock, *impl_->scheduler, *impl_->log, *telemetry}));
  return std::unique_ptr<promql::ScriptStore>(std::make_unique<RingStore>(
      options.path, std::move(engine), std::move(telemetry), impl_->cut.page_span));
}

const Clock& RingStores::clock() const {
  return *impl_->clock;
}

}  // namespace nines::app
