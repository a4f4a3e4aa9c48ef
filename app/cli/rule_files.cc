#include "app/cli/internal/rule_files.h"

namespace nines::app {

Result<config::Config> load_rule_file(Fs& fs, const std::string& file,
                                      alerts::UnknownKeys unknown) {
  const bool literal = file.find_first_of("*?[") == std::string::npos;
  if (const auto found = glob_files(fs, file); literal && found && found->empty()) {
    return Error(ErrorCode::kNotFound, file + ": there is no such file");
  }
  return config::load_rules_alone(fs, file, unknown);
}

Result<config::Config> load_rule_file_of(Fs& fs, const std::string& main, const std::string& file) {
  const std::string path = file.starts_with('/') ? file : "./" + file;
  NINES_TRY(config::Config config, config::load_file_with_rules(fs, main, path));
  std::erase_if(config.groups, [&](const auto& group) { return group.file != path; });
  std::erase_if(config.slos, [&](const auto& slo) { return slo.file != path; });
  return config;
}

}  // namespace nines::app
