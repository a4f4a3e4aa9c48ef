#pragma once
// Builds every part of a running nines, joins them, and reloads their configuration as one.

#include <memory>
#include <string>

#include "app/config/config.h"
#include "base/core/result.h"
#include "base/core/rng.h"
#include "base/core/scheduler.h"
#include "base/fs/fs.h"
#include "base/log/log.h"

namespace nines::app {

inline constexpr const char* kVersion = "0.1.0";

// What the command line says; it wins over the file.
struct ServeOptions {
  std::string config_file;  // empty: built-in defaults
  std::string data;         // empty: [storage] path, else default_data_path()
  std::string listen;       // empty: [web] listen
};

// $XDG_STATE_HOME/nines, $HOME/.local/state/nines, or /var/lib/nines when neither is set.
std::string default_data_path();

struct Surroundings {
  Fs& fs;
  const Clock& clock;
  Scheduler& scheduler;
  Rng& rng;
  Log& log;
};

// Everything runs from start() until destroyed. reload() from any thread, one at a time.
class Application {
 public:
  // kInvalid: the configuration (every problem on its own line); others as the parts report them.
  static Result<std::unique_ptr<Application>> start(const ServeOptions& options,
                                                    const Surroundings& around);
  virtual ~Application() = default;

  // Reads the configuration again and applies it whole, or changes nothing and says why. Storage
  // and listen settings take effect at the next start; a changed one is logged.
  virtual Result<void> reload() = 0;

  // The lines for a person who has just started nines: where the page is, what is collected, what
  // is kept for how long, whether anybody is paged. Waits at most `wait` for the first samples.
  virtual std::string greeting(Duration since_start) const = 0;
};

}  // namespace nines::app
