#include "rules/promql/internal/scan.h"

#include <algorithm>
#include <utility>

namespace nines::promql {
namespace {

// Neighbours share pages of the store, so that very small pieces would unpack them more than once;
// very large ones would not stay in a cache until they are taken.
constexpr std::size_t kSeriesLeast = 16, kSeriesMost = 256;
constexpr std::size_t kCells = std::size_t{1} << 16;
// Below this many series, and with less to look at, a helper costs more than it brings: a step of
// one series counts one, and so does each minute of its window.
constexpr std::size_t kHelpFrom = 128, kHelpWork = 2048;
constexpr std::int64_t kMinute = 60'000;

class PieceScanner final : public PieceWorker {
 public:
  PieceScanner(QueryContext& q, std::unique_ptr<Scanner> scanner, std::size_t steps,
               std::size_t series, std::size_t piece_size)
      : q_(q),
        scanner_(std::move(scanner)),
        steps_(steps),
        series_(series),
        piece_size_(piece_size) {}

  std::unique_ptr<Piece> work(std::size_t piece) override {
    auto found = std::make_unique<FoundRows>(q_, steps_);
    const std::size_t end = std::min(series_, (piece + 1) * piece_size_);
    scanner_->begin(piece * piece_size_, end);
    for (std::size_t i = piece * piece_size_; i < end; ++i) {
      if (Result<void> ok = scanner_->find(i, *found); !ok) {
        found->error = std::move(ok).error();
        break;
      }
      if (found->series.size() < found->rows.size()) found->series.push_back(i);
    }
    return found;
  }

 private:
  QueryContext& q_;
  const std::unique_ptr<Scanner> scanner_;
  const std::size_t steps_, series_, piece_size_;
};

}  // namespace

Result<void> Evaluator::scan(const storage::SeriesSelection& of, std::int64_t window,
                             const MakeScanner& make_scanner, RowSink* sink, Block& out) {
  const std::size_t size = std::clamp(kCells / out.steps, kSeriesLeast, kSeriesMost);
  const std::size_t pieces = (of.size() + size - 1) / size;
  // Samples are counted by step on the query's own thread only.
  const std::size_t each = out.steps + static_cast<std::size_t>(window / kMinute);
  const bool alone = of.size() < kHelpFrom || of.size() < kHelpWork / each || q_.tally.on;
  return in_order(
      alone ? Lanes{} : q_.lanes, pieces,
      [&]() -> std::unique_ptr<PieceWorker> {
        return std::make_unique<PieceScanner>(q_, make_scanner(), out.steps, of.size(), size);
      },
      [&](Piece& piece) -> Result<void> {
        auto& found = static_cast<FoundRows&>(piece);
        q_.annotations.add_all(std::move(found.annotations));
        q_.stats.samples += found.samples;
        if (found.error) return *std::move(found.error);
        if (sink == nullptr) return out.append(std::move(found.rows));
        for (std::size_t row = 0; row < found.rows.size(); ++row) {
          if (Result<void> ok = sink->take(found.rows, row, &of, found.series[row]); !ok) return ok;
        }
        return {};
      });
}

}  // namespace nines::promql
