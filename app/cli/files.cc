// Verbs that work on files: init, check config, check rules.
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/verbs.h"
#include "app/config/config.h"
#include "base/fs/fs.h"
#include "base/text/text.h"

namespace nines::app {

int init(const std::string& file) {
  const auto fs = make_posix_fs();
  if (fs->info(file)) {
    fmt::print(stderr, "nines: {} exists; name another file, or remove it\n", file);
    return kExitFailure;
  }
  if (const auto written = write_file_atomically(*fs, file, config::default_toml()); !written) {
    fmt::print(stderr, "nines: {}\n", written.error().what());
    return kExitFailure;
  }
  fmt::print(stderr,
             "wrote {0}; edit it, then: nines check config {0} && nines serve --config {0}\n",
             file);
  return kExitOk;
}

int check_config(const std::string& file) {
  const auto fs = make_posix_fs();
  const auto config = config::load_file(*fs, file);
  if (!config) {
    fmt::print(stderr, "{}\n", config.error().what());
    return kExitFailure;
  }
  std::size_t rules = 0;
  for (const auto& group : config->groups) rules += group.rules.size();
  fmt::print(
      "{}: ok: {} scrape jobs, {} probe jobs, {} log jobs, {} rules, {} SLOs, {} receivers, {} "
      "remediations\n",
      file, config->scrapes.size(), config->probes.size(), config->logs.size(), rules,
      config->slos.size(), config->notify.receivers.size(), config->remediations.size());
  return kExitOk;
}

}  // namespace nines::app
