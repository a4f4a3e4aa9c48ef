// `nines storage dump`: samples of a data folder as text.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/folder.h"
#include "base/text/numbers.h"
#include "rules/promql/ast.h"
#include "rules/promql/engine.h"
#include "storage/offline/dump.h"

namespace nines::app {
namespace {

Result<std::vector<Matcher>> matchers_of(const std::string& selector) {
  if (selector.empty()) return std::vector<Matcher>{};
  NINES_TRY(const promql::Query query, promql::Query::parse(selector));
  const auto* vector = dynamic_cast<const promql::VectorSelector*>(&query.expr());
  if (!vector) return Error(ErrorCode::kInvalid, "not a series selector: " + selector);
  return vector->matchers;
}

Result<Timestamp> time_of(const std::string& text, std::int64_t otherwise) {
  if (text.empty()) return from_millis(otherwise);
  return parse_time(text);
}

Result<storage::DumpOptions> dump_options(const DumpVerbOptions& options) {
  storage::DumpOptions out;
  auto matchers = matchers_of(options.match);
  if (!matchers) return std::move(matchers).error().in("--match");
  out.matchers = *std::move(matchers);
  auto from = time_of(options.from, std::numeric_limits<std::int64_t>::min());
  if (!from) return std::move(from).error().in("--from");
  auto to = time_of(options.to, std::numeric_limits<std::int64_t>::max());
  if (!to) return std::move(to).error().in("--to");
  if (*to < *from) return Error(ErrorCode::kInvalid, "--to lies before --from");
  out.range = {*from, *to};
  out.format = options.format == "json" ? storage::DumpFormat::kJson
                                        : storage::DumpFormat::kOpenMetrics;
  return out;
}

Result<void> write_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size()) return {};
  return Error(ErrorCode::kIo, std::string("cannot write: ") + std::strerror(errno));
}

}  // namespace

int storage_dump(const DumpVerbOptions& options) {
  const auto wanted = dump_options(options);
  if (!wanted) {
    fmt::print(stderr, "nines: {}\n", wanted.error().what());
    return kExitUsage;
  }
  return with_folder(options.storage, {}, [&wanted](const AskedFolder& folder) {
    auto report = storage::dump(folder.stores.querier(), *wanted, write_out);
    if (report && std::fflush(stdout) != 0)
      report = Error(ErrorCode::kIo, std::string("cannot write: ") + std::strerror(errno));
    if (!report) {
      fmt::print(stderr, "nines: {}\n", report.error().what());
      return kExitFailure;
    }
    fmt::print(stderr, "nines: {} series, {} samples\n", report->series, report->samples);
    if (report->stale_markers_left_out > 0 || report->histograms_left_out > 0) {
      fmt::print(stderr,
                 "nines: left out: {} staleness markers, {} native histograms (--format json has "
                 "them)\n",
                 report->stale_markers_left_out, report->histograms_left_out);
    }
    if (report->damaged_series > 0) {
      fmt::print(stderr, "nines: of {} series something could not be read\n",
                 report->damaged_series);
      return kExitFailure;
    }
    return kExitOk;
  });
}

}  // namespace nines::app
