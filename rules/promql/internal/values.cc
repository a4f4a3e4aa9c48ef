#include "rules/promql/internal/values.h"

#include <algorithm>
#include <iterator>

#include "base/text/numbers.h"
#include "rules/promql/internal/evaluator.h"

namespace nines::promql {
namespace {

constexpr std::uint64_t kLabelBytes = 80;  // two short strings

}  // namespace

Error Budget::too_many() {
  return Error(ErrorCode::kLimit,
               "query processing would load too many samples into memory in query execution");
}

Error Budget::too_large() const {
  return Error(ErrorCode::kLimit,
               "query needs more than " + format_bytes(bytes_max_) +
                   " of memory (max_memory); select fewer series or a shorter time, take a larger "
                   "step, or raise max_memory in [query]");
}

std::uint64_t bytes_of(const Histogram& h) {
  return sizeof(Histogram) +
         8 * (h.positive_spans.size() + h.negative_spans.size() + h.positive_buckets.size() +
              h.negative_buckets.size() + h.custom_values.size());
}

std::uint64_t bytes_of(const SampleColumns& columns) {
  std::uint64_t bytes = columns.size() * kSampleBytes + 8 * columns.start_times.size() +
                        sizeof(HistogramPtr) * columns.histograms.size();
  for (const HistogramPtr& h : columns.histograms) {
    if (h) bytes += bytes_of(*h);
  }
  return bytes;
}

std::uint64_t bytes_of(const LabelSet& labels) {
  return sizeof(SeriesHead) + kLabelBytes * labels.size();
}

Result<std::size_t> Block::add_row(SeriesHead head) {
  if (Result<void> ok = charge.add(steps, 8 * steps + bytes_of(head.labels)); !ok) {
    return ok.error();
  }
  if (!histograms.empty()) charge.hold(sizeof(HistogramPtr) * steps);
  series.push_back(std::move(head));
  values.append(steps, absent());
  if (!histograms.empty()) histograms.resize(values.size());
  return series.size() - 1;
}

void Block::set_histogram(std::size_t i, std::size_t step, HistogramPtr h) {
  if (histograms.empty()) {
    histograms.resize(values.size());
    charge.hold(sizeof(HistogramPtr) * values.size());
  }
  if (h) charge.hold(bytes_of(*h));
  histograms[i * steps + step] = std::move(h);
  values[i * steps + step] = 0;
}

void Block::clear_cell(std::size_t i, std::size_t step) {
  values[i * steps + step] = absent();
  if (!histograms.empty()) histograms[i * steps + step] = nullptr;
}

bool Block::row_empty(std::size_t i) const {
  const double* cells = row(i);
  return std::all_of(cells, cells + steps, [](double v) { return is_absent(v); });
}

void Block::copy_cell(std::size_t to, std::size_t step, const Block& from, std::size_t from_row) {
  if (const HistogramPtr* h = from.histogram_row(from_row); h != nullptr && h[step]) {
    set_histogram(to, step, h[step]);
    return;
  }
  values[to * steps + step] = from.row(from_row)[step];
}

void Block::pop_row() {
  charge.give_back(steps, 8 * steps + bytes_of(series.back().labels));
  series.pop_back();
  values.remove(steps);
  if (!histograms.empty()) histograms.resize(values.size());
}

Result<void> Block::append(Block&& more) {
  if (size() == 0) {
    *this = std::move(more);
    return {};
  }
  std::uint64_t bytes = 8 * more.values.size();
  for (const SeriesHead& head : more.series) bytes += bytes_of(head.labels);
  if (Result<void> ok = charge.add(more.values.size(), bytes); !ok) return ok;
  if (histograms.empty() && !more.histograms.empty()) {
    histograms.resize(values.size());
    charge.hold(sizeof(HistogramPtr) * values.size());
  }
  std::move(more.series.begin(), more.series.end(), std::back_inserter(series));
  values.append(more.values.data(), more.values.size());
  if (histograms.empty()) return {};
  charge.hold(sizeof(HistogramPtr) * more.values.size());
  for (HistogramPtr& h : more.histograms) {
    if (h) charge.hold(bytes_of(*h));
    histograms.push_back(std::move(h));
  }
  histograms.resize(values.size());
  return {};
}

Result<std::size_t> RowIndex::row(Block& block, const LabelSet& labels, bool drop_name) {
  if (const auto known = rows_.find(labels); known != rows_.end()) return known->second;
  NINES_TRY(const std::size_t made, block.add_row({labels, drop_name}));
  rows_.emplace(labels, made);
  return made;
}

LabelSet without_metadata(const LabelSet& labels) {
  static const std::vector<std::string> kNames = {"__name__", "__type__", "__unit__"};
  return labels.drop(kNames);
}

Result<Block> merge_equal_rows(Block block, QueryContext& q) {
  Pace pace(q);
  // In order, as selectors leave them, none can be there twice.
  bool ascending = true;
  for (std::size_t i = 1; ascending && i < block.size(); ++i) {
    if (const Result<void> ok = pace.did(16); !ok) return ok.error();
    ascending = block.series[i - 1].labels < block.series[i].labels;
  }
  if (ascending) return block;
  std::unordered_map<LabelSet, std::size_t> seen;
  seen.reserve(block.size());
  bool unique = true;
  for (const SeriesHead& head : block.series) {
    if (const Result<void> ok = pace.did(16); !ok) return ok.error();
    if (!seen.emplace(head.labels, seen.size()).second) {
      unique = false;
      break;
    }
  }
  if (unique) return block;
  Block out(block.steps, q.budget);
  RowIndex index;
  for (std::size_t i = 0; i < block.size(); ++i) {
    NINES_TRY(const std::size_t to,
              index.row(out, block.series[i].labels, block.series[i].drop_name));
    if (const Result<void> ok = pace.did(block.steps + 16); !ok) return ok.error();
    for (std::size_t s = 0; s < block.steps; ++s) {
      if (!block.present(i, s)) continue;
      if (out.present(to, s)) {
        return Error(ErrorCode::kInvalid, "vector cannot contain metrics with the same labelset");
      }
      out.copy_cell(to, s, block, i);
    }
  }
  return out;
}

}  // namespace nines::promql
