// `nines serve`: one process, its signals, and what it says on the terminal.
#include <csignal>
#include <cstdio>
#include <string>

#include <pthread.h>

#include "app/cli/cli.h"
#include "app/cli/internal/descriptors.h"
#include "app/cli/internal/verbs.h"
#include "base/core/real_clock.h"

namespace nines::app {
namespace {

// fmt::print() throws where there is no room: a log on a full disk must not end the program.
void tell(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace

int serve(const ServeOptions& options, bool verbose) {
  // Blocked here, before any thread exists, so that only sigwait() below receives them.
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, s);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();

  const auto clock = make_real_clock();
  const Instant started = clock->elapsed();
  const auto log = make_stderr_log(verbose ? LogLevel::kDebug : LogLevel::kInfo);
  const auto fs = make_posix_fs();
  const auto rng = make_real_rng();
  const auto scheduler = make_real_scheduler(*clock);

  const Surroundings around{*fs, *clock, *scheduler, *rng, *log};
  Result<std::unique_ptr<Application>> application = Application::start(options, around);
  if (!application) {
    tell("nines: " + application.error().what() + "\n");
    return kExitFailure;
  }
  const auto ready_in = std::chrono::duration_cast<Duration>(clock->elapsed() - started);
  // Said once the first round of collection has had a moment, so that its counts are real.
  scheduler->after(Duration(1'500), [&] { tell((*application)->greeting(ready_in)); });

  for (;;) {
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) continue;
    if (signal == SIGHUP) {
      (void)(*application)->reload();  // says itself what was wrong
      continue;
    }
    log->info("app", "stopping on signal {}", signal);
    break;
  }
  application->reset();
  log->info("app", "stopped");
  return kExitOk;
}

}  // namespace nines::app
