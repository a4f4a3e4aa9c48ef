// Any text as LogQL: it parses, or is refused with its place; what parses is answered over a few
// lines as what it is, lines or samples, or with an error of the query's own.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rules/logql/engine.h"

namespace {

using namespace nines;  // NOLINT: a test program of one file

class Lines final : public storage::LogQuerier {
 public:
  Result<storage::LogScanStats> scan(
      std::span<const Matcher> matchers, storage::LogRange range, storage::LogOrder,
      const std::function<bool(const LabelSet&, const storage::LogLine&)>& visit,
      const storage::StopFlag*) const override {
    const LabelSet streams[] = {{{"app", "shop"}}, {{"app", "db"}, {"env", "prod"}}};
    for (int i = 0; i < 40; ++i) {
      const LogTime at(from_millis(i * 10'000));
      const LabelSet& stream = streams[i % 2];
      if (at < range.from || at >= range.to || !matches_all(matchers, stream)) continue;
      const std::string line = "GET /" + std::to_string(i) + (i % 6 == 0 ? " 500" : " 200");
      if (!visit(stream, {at, i % 9 == 0 ? "\xff" : line})) break;
    }
    return storage::LogScanStats{};
  }
  std::vector<LabelSet> streams(std::span<const Matcher>, storage::LogRange) const override {
    return {};
  }
};

template <typename T>
void check(const Result<T>& result) {
  if (result) return;
  const ErrorCode code = result.error().code();
  if (code != ErrorCode::kInvalid && code != ErrorCode::kLimit) __builtin_trap();
  if (result.error().what().empty()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<logql::LogQuery> query = logql::LogQuery::parse(text);
  if (!query) {
    if (!query.error().what().starts_with("parse error at line ")) __builtin_trap();
    return 0;
  }
  const Lines lines;
  const logql::Engine engine(lines);
  const auto found = engine.lines(*query, {LogTime{}, LogTime(from_millis(300'000))},
                                  storage::LogOrder::kOldestFirst, 7);
  check(found);
  if (found.has_value() == query->is_metric()) __builtin_trap();
  std::size_t count = 0;
  if (found) {
    for (const logql::LogStream& stream : found->streams) count += stream.entries.size();
  }
  if (count > 7) __builtin_trap();
  const auto instant = engine.instant(*query, from_millis(200'000));
  const auto range =
      engine.range(*query, from_millis(100'000), from_millis(280'000), Duration(30'000));
  check(instant);
  check(range);
  if (!query->is_metric() && (instant || range)) __builtin_trap();
  if (!range) return 0;
  const auto* matrix = std::get_if<promql::Matrix>(&range->value);
  if (matrix == nullptr) return 0;
  for (const promql::MatrixSeries& series : *matrix) {
    if (series.samples.size() == 0 || series.samples.size() > 7) __builtin_trap();
  }
  return 0;
}
