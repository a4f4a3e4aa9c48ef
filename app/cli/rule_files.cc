#include "app/cli/internal/rule_files.h"

#include "base/text/text.h"

namespace nines::app {

Result<config::Config> load_rule_file(Fs& fs, const std::string& file) {
  const std::string path = file.starts_with('/') ? file : "./" + file;
  const std::string toml =
      "rule_files = [" + quote_go(path) + "]\n[builtin]\nrules = false\nslo = false\n";
  return config::load_text(fs, "<command line>", toml);
}

}  // namespace nines::app
