// `nines test promql`: Prometheus's test scripts through the real ring, in a folder that goes away.
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/ring_store.h"
#include "app/cli/internal/verbs.h"
#include "base/fs/fs.h"
#include "base/text/numbers.h"
#include "rules/promql/script.h"

namespace nines::app {
int test_promql(const std::vector<std::string>& files, std::uint32_t rows_per_page,
                const std::string& page_span) {
  RingCut cut{rows_per_page, Duration(0)};
  if (!page_span.empty()) {
    const auto span = parse_duration(page_span);
    if (!span || *span <= Duration(0)) {
      fmt::print(stderr, "nines: --page-span: \"{}\" is no duration such as 1m\n", page_span);
      return kExitUsage;
    }
    cut.page_span = *span;
  }

  const auto fs = make_posix_fs();
  RingStores stores(cut);
  const promql::ScriptStoreFactory make_store = [&] { return stores.make(); };
  int passed = 0, failed = 0;
  for (const std::string& file : files) {
    const auto text = read_file(*fs, file);
    if (!text) {
      fmt::print(stderr, "nines: {}\n", text.error().what());
      ++failed;
      continue;
    }
    const auto report = promql::run_script(file, *text, make_store, stores.clock());
    if (!report) {
      fmt::print("{}\n", report.error().what());
      ++failed;
      continue;
    }
    for (const std::string& failure : report->failures) fmt::print("{}\n", failure);
    fmt::print("{}: {} passed, {} failed\n", file, report->passed, report->failed);
    passed += report->passed;
    failed += report->failed;
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? kExitOk : kExitFailure;
}

}  // namespace nines::app
