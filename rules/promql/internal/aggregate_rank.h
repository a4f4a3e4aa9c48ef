#pragma once
// Aggregations that rank: topk, bottomk and quantile. Rows are taken as they come; of topk and
// bottomk only what may still be in the answer is kept.

#include <cstdint>
#include <span>
#include <vector>

#include "rules/promql/internal/aggregate_pick.h"
#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/grouping.h"

namespace nines::promql {

class TopSeries final : public RowSink {
 public:
  TopSeries(QueryContext& q, const Aggregate& node, const Column& param);
  // To be asked first: an error when the parameter is no number of series.
  Result<void> check() { return check_count(param_); }
  const std::vector<std::string>* labels() const override { return grouping_.wanted(); }
  Result<void> take(const Block& block, std::size_t row, const storage::SeriesSelection* of,
                    std::size_t index) override;
  // At an instant each group's best first.
  Result<Block> finish();

 private:
  struct Entry {
    double value = 0;
    std::uint32_t series = 0;  // of heads_
  };
  using Heap = std::vector<Entry>;  // the worst on top
  static constexpr std::uint32_t kUnknown = UINT32_MAX;

  bool worse(const Entry& a, const Entry& b) const;
  bool offer(Heap& heap, std::size_t most, Entry entry) const;
  void sink_top(Heap& heap) const;
  void sort_best_first(Heap& heap) const;

  QueryContext& q_;
  const Aggregate& node_;
  const Column& param_;
  const bool top_;
  Grouping grouping_;
  Charge held_;
  Pace pace_;
  std::vector<std::vector<Heap>> groups_;  // by group, then step
  std::vector<SeriesHead> heads_;          // of series that were in a heap once
};

class GroupQuantile final : public RowSink {
 public:
  GroupQuantile(QueryContext& q, const Aggregate& node, const Column& param);
  const std::vector<std::string>* labels() const override { return grouping_.wanted(); }
  Result<void> take(const Block& block, std::size_t row, const storage::SeriesSelection* of,
                    std::size_t index) override;
  Result<Block> finish();

 private:
  struct Group {
    std::vector<std::vector<double>> values;  // by step
    bool drop_name = false;
  };
  QueryContext& q_;
  const Aggregate& node_;
  const Column& param_;
  Grouping grouping_;
  Charge held_;
  Pace pace_;
  std::vector<Group> groups_;
};

}  // namespace nines::promql
