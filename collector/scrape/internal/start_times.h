#pragma once
// _created lines of OpenMetrics: when the counters of a metric began to count.

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/model/labels.h"
#include "collector/exposition/parser.h"
#include "storage/api/appender.h"

namespace nines::collector {

// One target's. Such a line says the start of all series of its metric: the same family and labels,
// le and quantile aside. It may stand before or behind them.
//
// Source: OpenMetrics 1.0 specification, "Counter", "Summary", "Histogram".
class StartTimes {
 public:
  enum class Line : std::uint32_t {};

  // Which metric a series of this family is of, its _created line included; nothing for families
  // that have no such line, and series that are not the family's.
  struct Part {
    std::uint64_t metric = 0;
    bool created = false;
  };
  static std::optional<Part> part_of(const LabelSet& exposed, const DeclaredFamily& family);

  Line line(std::uint64_t metric);
  // A series of the metric that has its slot now.
  void add(std::uint64_t metric, storage::Slot slot) { fresh_.emplace_back(metric, slot); }
  // What the line says in this scrape, in seconds since the epoch.
  void set(Line line, double seconds);
  // The scrape is complete: fills the rows that have no start yet. A failed one needs no call.
  void fill(std::span<storage::Row> rows);
  // Slots have new numbers: `moved` by the old one; nothing: the series is gone.
  void move(std::span<const std::optional<storage::Slot>> moved);
  // Nothing of series that came with a failed scrape is kept.
  void discard() { fresh_.clear(); }

 private:
  struct Created {
    std::int64_t start_ms = 0;  // 0: unknown
    std::vector<storage::Slot> slots;
  };
  void set_slot(storage::Slot slot, std::int64_t start_ms);

  std::vector<Created> lines_;
  std::unordered_map<std::uint64_t, Line> by_metric_;
  std::vector<std::int64_t> by_slot_;
  std::vector<std::pair<std::uint64_t, storage::Slot>> fresh_;  // of this scrape
};

}  // namespace nines::collector
