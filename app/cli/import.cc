// `nines import sloth|pyrra|openslo`.
#include "app/cli/internal/import.h"

#include <string>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/verbs.h"
#include "app/config/config.h"

namespace nines::app {
namespace {

// "<slo>:5:1: SLO "x": the target ..." without the place, which is in no file of anybody's.
std::string without_place(std::string text) {
  constexpr std::string_view kName = "<slo>:";
  std::size_t at = 0;
  while ((at = text.find(kName, at)) != std::string::npos) {
    const std::size_t end = text.find(": ", at);
    if (end == std::string::npos) break;
    text.erase(at, end + 2 - at);
  }
  return text;
}

}  // namespace

Result<convert::Converted> import_text(Fs& fs, const std::string& kind, const std::string& file,
                                       std::string_view text) {
  const convert::Check check = [&fs](const std::string& toml) -> std::string {
    const auto loaded =
        config::load_text(fs, "<slo>", "[builtin]\nrules = false\nslo = false\n" + toml);
    return loaded ? "" : without_place(loaded.error().what());
  };
  if (kind == "pyrra") return convert::convert_pyrra(file, text, check);
  if (kind == "openslo") return convert::convert_openslo(file, text, check);
  return convert::convert_sloth(file, text, check);
}

int import_slos(const std::string& kind, const std::string& file) {
  const auto fs = make_posix_fs();
  const auto text = read_file(*fs, file, config::kConfigBytesMax);
  if (!text) {
    fmt::print(stderr, "nines: {}\n", text.error().what());
    return kExitFailure;
  }
  const auto converted = import_text(*fs, kind, file, *text);
  if (!converted) {
    fmt::print(stderr, "{}\n", converted.error().what());
    return kExitFailure;
  }
  for (const std::string& note : converted->notes) fmt::print(stderr, "{}\n", note);
  fmt::print(stderr, "{}: {} SLOs converted, {} not\n", file, converted->slos, converted->left_out);
  fmt::print("{}", converted->toml);
  return converted->left_out > 0 ? kExitLint : kExitOk;
}

}  // namespace nines::app
