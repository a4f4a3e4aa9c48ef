#include "storage/logs/internal/merge.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <queue>
#include <tuple>
#include <utility>

namespace nines::storage::logs {
namespace {

constexpr std::uint64_t kLinesBetweenStopChecks = 256;

// Place in the total order of all lines: by time, then by arrival (cut, place in the cut). Lines of
// the head arrived after every cut.
struct Key {
  std::int64_t at = 0;
  std::uint64_t cut = 0;
  std::uint64_t arrival = 0;
  auto operator<=>(const Key&) const = default;
};
constexpr std::uint64_t kHeadCut = UINT64_MAX;

struct Line {
  Key key;
  const LabelSet* labels;
  std::string_view text;
};

// An opened block or batch: its lines that are asked for, in the order asked for.
struct Source {
  std::string text;  // of a block
  std::vector<Line> lines;
  std::size_t next = 0;
};

// A block or batch that is not opened yet.
struct Waiting {
  std::int64_t edge;  // the first time it may have, in the order asked for
  const Block* block;
  const Batch* batch;
  std::uint64_t batch_place;
};

class Merger {
 public:
  Merger(const MergeParts& parts, LogScanStats& stats)
      : parts_(parts), stats_(stats), newest_first_(parts.order == LogOrder::kNewestFirst) {
    from_ = parts.range.from.time_since_epoch().count();
    to_ = parts.range.to.time_since_epoch().count();
    for (const BlockPtr& block : parts.snapshot.blocks) {
      waiting_.push_back({edge(block->header.times), block.get(), nullptr, 0});
    }
    std::uint64_t place = 0;
    for (const BatchPtr& batch : parts.snapshot.batches) {
      waiting_.push_back({edge(batch->bounds), nullptr, batch.get(), place++});
    }
    // The next one to open stands last.
    std::stable_sort(waiting_.begin(), waiting_.end(), [this](const Waiting& a, const Waiting& b) {
      return newest_first_ ? a.edge < b.edge : a.edge > b.edge;
    });
  }

  Result<void> run(const std::function<bool(const LabelSet&, const LogLine&)>& visit) {
    for (;;) {
      if (auto r = open_due(); !r) return r;
      if (heap_.empty()) return {};
      Source& source = *heap_.front();
      const Line& line = source.lines[source.next];
      if (stats_.lines % kLinesBetweenStopChecks == 0) {
        if (auto r = check_stop(); !r) return r;
      }
      ++stats_.lines;
      stats_.bytes += line.text.size();
      const LogTime at{std::chrono::nanoseconds(line.key.at)};
      if (!visit(*line.labels, LogLine{at, line.text})) return {};
      std::pop_heap(heap_.begin(), heap_.end(), later_);
      if (++heap_.back()->next == heap_.back()->lines.size()) {
        heap_.pop_back();
      } else {
        std::push_heap(heap_.begin(), heap_.end(), later_);
      }
    }
  }

 private:
  std::int64_t edge(const ring::TimeBounds& times) const {
    return newest_first_ ? times.max : times.min;
  }

  Result<void> check_stop() const {
    if (parts_.stop != nullptr && parts_.stop->stop.load(std::memory_order_relaxed)) {
      return Error(ErrorCode::kUnavailable, "log scan stopped");
    }
    return {};
  }

  // Opens every source that may have a line before or at the next one.
  Result<void> open_due() {
    while (!waiting_.empty()) {
      const Waiting next = waiting_.back();
      if (!heap_.empty()) {
        const std::int64_t at = heap_.front()->lines[heap_.front()->next].key.at;
        if (newest_first_ ? next.edge < at : next.edge > at) return {};
      }
      waiting_.pop_back();
      if (auto r = check_stop(); !r) return r;
      auto source = std::make_unique<Source>();
      if (next.block != nullptr) {
        if (auto r = open_block(*next.block, *source); !r) return r;
      } else {
        open_batch(*next.batch, next.batch_place, *source);
      }
      if (source->lines.empty()) continue;
      std::sort(source->lines.begin(), source->lines.end(), [this](const Line& a, const Line& b) {
        return newest_first_ ? a.key > b.key : a.key < b.key;
      });
      heap_.push_back(std::move(source));
      std::push_heap(heap_.begin(), heap_.end(), later_);
    }
    return {};
  }

  Result<void> open_block(const Block& block, Source& source) {
    auto frame = parts_.ring.read(block.location);
    if (!frame) {
      const ErrorCode code = frame.error().code();
      if (code == ErrorCode::kNotFound) return {};  // evicted meanwhile
      if (code != ErrorCode::kCorrupt) return std::move(frame).error();
      parts_.on_damage(block, frame.error());
      return {};
    }
    auto columns = decode_columns(frame->payload, block.header);
    if (!columns) {
      parts_.on_damage(block, columns.error());
      return {};
    }
    ++stats_.blocks;
    source.text = std::move(columns->text);
    std::size_t i = 0;
    for (const BlockStream& stream : block.header.streams) {
      const std::size_t end = i + stream.lines;
      if (!parts_.snapshot.streams.contains(stream.stream.get())) {
        i = end;
        continue;
      }
      for (; i < end; ++i) {
        if (columns->times[i] < from_ || columns->times[i] >= to_) continue;
        const std::size_t begin = i == 0 ? 0 : columns->ends[i - 1];
        source.lines.push_back(
            {{columns->times[i], block.header.cut.number, columns->arrivals[i]},
             &stream.stream->labels,
             std::string_view(source.text).substr(begin, columns->ends[i] - begin)});
      }
    }
    return {};
  }

  void open_batch(const Batch& batch, std::uint64_t place, Source& source) const {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch.times[i] < from_ || batch.times[i] >= to_) continue;
      source.lines.push_back(
          {{batch.times[i], kHeadCut, (place << 32) + i}, &batch.stream->labels, batch.line(i)});
    }
  }

  const MergeParts& parts_;
  LogScanStats& stats_;
  bool newest_first_;
  std::int64_t from_ = 0, to_ = 0;
  std::vector<Waiting> waiting_;
  std::vector<std::unique_ptr<Source>> heap_;
  std::function<bool(const std::unique_ptr<Source>&, const std::unique_ptr<Source>&)> later_ =
      [this](const std::unique_ptr<Source>& a, const std::unique_ptr<Source>& b) {
        const Key& x = a->lines[a->next].key;
        const Key& y = b->lines[b->next].key;
        return newest_first_ ? x < y : x > y;
      };
};

}  // namespace

Result<void> merge_lines(const MergeParts& parts,
                         const std::function<bool(const LabelSet&, const LogLine&)>& visit,
                         LogScanStats& stats) {
  return Merger(parts, stats).run(visit);
}

}  // namespace nines::storage::logs
