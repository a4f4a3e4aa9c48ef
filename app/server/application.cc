#include "app/server/application.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/config/restart.h"
#include "app/server/internal/flags.h"
#include "app/server/internal/parts.h"
#include "base/core/mutex.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::app {
namespace {

Result<config::Config> load_config(Fs& fs, const ServeOptions& options) {
  Result<config::Config> config = options.config_file.empty()
                                      ? config::load_defaults(fs)
                                      : config::load_file(fs, options.config_file);
  if (!config) return config;
  if (!options.data.empty()) config->storage.path = options.data;
  if (config->storage.path.empty()) config->storage.path = default_data_path();
  if (!options.listen.empty()) config->web.listen = options.listen;
  if (config->external_url.empty()) config->external_url = "http://" + config->web.listen;
  return config;
}

class RunningApplication final : public Application {
 public:
  RunningApplication(ServeOptions options, const Surroundings& around)
      : options_(std::move(options)), around_(around) {}

  Result<void> begin() {
    const MutexLock one_at_a_time(reload_mutex_);  // requests come in before `parts_` is set
    NINES_TRY(config::Config config, load_config(around_.fs, options_));
    {
      MutexLock lock(mutex_);
      runtime_.started_at = around_.clock.now();
      runtime_.reloaded_at = runtime_.started_at;
      runtime_.version = kVersion;
      runtime_.config_file = config.file;
      runtime_.config_toml = config.toml;
      runtime_.flags = prometheus_flags(config);
      running_ = started_ = config;
    }
    NINES_TRY(parts_, Parts::open(std::move(config), around_,
                                  {[this] { return runtime(); }, [this] { return reload(); },
                                   [this] { return maintenance_changed(); }}));
    return {};
  }

  Result<void> reload() override {
    const MutexLock one_at_a_time(reload_mutex_);
    around_.log.info("app", "reloading {}",
                     options_.config_file.empty() ? "the built-in defaults" : options_.config_file);
    Result<config::Config> config = load_config(around_.fs, options_);
    Result<void> applied = config ? parts_->apply(*config) : Result<void>(config.error());
    MutexLock lock(mutex_);
    runtime_.reload_ok = applied.has_value();
    runtime_.reload_error = applied ? "" : applied.error().what();
    runtime_.reloaded_at = around_.clock.now();
    parts_->note_reload(applied.has_value(), runtime_.reloaded_at);
    if (!applied) {
      around_.log.error("app", "configuration not reloaded, nothing changed: {}",
                        applied.error().what());
      return applied;
    }
    if (const auto waiting = config::changes_that_wait(started_, *config); !waiting.empty()) {
      around_.log.warn("app", "these settings have changed and take effect at the next start: {}",
                       fmt::join(waiting, ", "));
    }
    runtime_.config_toml = config->toml;
    running_ = *std::move(config);
    around_.log.info("app", "configuration reloaded");
    return {};
  }

  std::string greeting(Duration since_start) const override {
    config::Config config;
    {
      MutexLock lock(mutex_);
      config = running_;
    }
    return parts_->greeting(config, since_start);
  }

 private:
  Result<void> maintenance_changed() {
    const MutexLock one_at_a_time(reload_mutex_);
    config::Config config;
    {
      const MutexLock lock(mutex_);
      config = running_;
    }
    parts_->apply_maintenance(config);
    return {};
  }

  web::RuntimeInfo runtime() const {
    MutexLock lock(mutex_);
    return runtime_;
  }

  const ServeOptions options_;
  const Surroundings around_;
  Mutex reload_mutex_;
  mutable Mutex mutex_;
  web::RuntimeInfo runtime_ NINES_GUARDED_BY(mutex_);
  config::Config running_ NINES_GUARDED_BY(mutex_);
  config::Config started_ NINES_GUARDED_BY(mutex_);  // what waits for a start is told against it
  std::unique_ptr<Parts> parts_;  // last: its threads call back into what stands above
};

}  // namespace

std::string default_data_path() {
  const auto get = [](const char* name) -> std::string {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody calls setenv
    return value ? value : "";
  };
  if (const std::string state = get("XDG_STATE_HOME"); !state.empty()) return state + "/nines";
  if (const std::string home = get("HOME"); !home.empty()) return home + "/.local/state/nines";
  return "/var/lib/nines";
}

Result<std::unique_ptr<Application>> Application::start(const ServeOptions& options,
                                                        const Surroundings& around) {
  auto application = std::make_unique<RunningApplication>(options, around);
  if (Result<void> begun = application->begin(); !begun) return std::move(begun).error();
  return std::unique_ptr<Application>(std::move(application));
}

}  // namespace nines::app
