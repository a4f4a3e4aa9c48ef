#include "app/cli/internal/rule_files.h"

#include "base/text/text.h"

namespace nines::app {

Result<config::Config> load_rule_file(Fs& fs, const std::string& file,
                                      alerts::UnknownKeys unknown) {
  const std::string path = file.starts_with('/') ? file : "./" + file;
  const std::string toml =
      "rule_files = [" + quote_go(path) + "]\n[builtin]\nrules = false\nslo = false\n";
  Result<config::Config> config = config::load_text(fs, "<command line>", toml, unknown);
  if (file.starts_with('/')) return config;
  // Files are looked for beside the configuration, which is here.
  const std::string shown = "./" + path;
  if (!config) {
    std::string what = config.error().what();
    for (std::size_t at = what.find(shown); at != std::string::npos; at = what.find(shown, at))
      what.replace(at, shown.size(), file);
    return Error(config.error().code(), what);
  }
  for (alerts::GroupConfig& group : config->groups) {
    if (group.file == shown) group.file = file;
  }
  return config;
}

Result<config::Config> load_rule_file_of(Fs& fs, const std::string& main, const std::string& file) {
  const std::string path = file.starts_with('/') ? file : "./" + file;
  NINES_TRY(config::Config config, config::load_file_with_rules(fs, main, path));
  std::erase_if(config.groups, [&](const auto& group) { return group.file != path; });
  std::erase_if(config.slos, [&](const auto& slo) { return slo.file != path; });
  return config;
}

}  // namespace nines::app
