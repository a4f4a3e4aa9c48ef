#pragma once
// What expressions evaluate to: one row of values per series, one value per step.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
#include "rules/promql/internal/cells.h"

namespace nines::promql {

// "No sample at this step". A staleness marker never leaves a selector, so its bits are free to say
// it.
inline double absent() {
  return stale_nan();
}
inline bool is_absent(double v) {
  return is_stale_nan(v);
}

// The instants an expression is evaluated at: start, start + step, ...
struct Grid {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::size_t count = 1;
  std::int64_t at(std::size_t i) const { return start + static_cast<std::int64_t>(i) * step; }
  std::int64_t end() const { return at(count - 1); }
};

// What a query holds at once, against its limits: samples, and bytes of memory. Thread-safe: what
// one thread takes too much, every one sees.
class Budget {
 public:
  explicit Budget(std::size_t samples_max, std::uint64_t bytes_max = UINT64_MAX)
      : samples_max_(samples_max), bytes_max_(bytes_max) {}
  Result<void> take(std::size_t samples, std::uint64_t bytes) {
    if (samples > samples_max_) return too_many();
    if (bytes > bytes_max_) return too_large();
    const std::size_t now = samples_.fetch_add(samples, kRelaxed) + samples;
    const std::uint64_t held = bytes_.fetch_add(bytes, kRelaxed) + bytes;
    if (now > samples_max_ || held > bytes_max_) {
      give(samples, bytes);
      return now > samples_max_ ? too_many() : too_large();
    }
    std::size_t peak = peak_.load(kRelaxed);
    while (now > peak && !peak_.compare_exchange_weak(peak, now, kRelaxed)) {
    }
    return {};
  }
  // For what is found out while it is made, a histogram at a time: check() sees it soon after.
  void hold(std::uint64_t bytes) { bytes_.fetch_add(bytes, kRelaxed); }
  Result<void> check() const {
    return bytes_.load(kRelaxed) > bytes_max_ ? too_large() : Result<void>();
  }
  void give(std::size_t samples, std::uint64_t bytes) {
    samples_.fetch_sub(samples, kRelaxed);
    bytes_.fetch_sub(bytes, kRelaxed);
  }
  std::size_t peak_samples() const { return peak_.load(kRelaxed); }

 private:
  static constexpr std::memory_order kRelaxed = std::memory_order_relaxed;
  static Error too_many();
  Error too_large() const;

  const std::size_t samples_max_;
  const std::uint64_t bytes_max_;
  std::atomic<std::size_t> samples_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<std::size_t> peak_ = 0;
};

// Samples and bytes taken from a budget, given back when this ends.
class Charge {
 public:
  Charge() = default;
  explicit Charge(Budget& budget) : budget_(&budget) {}
  Charge(Charge&& o) noexcept
      : budget_(std::exchange(o.budget_, nullptr)),
        samples_(std::exchange(o.samples_, 0)),
        bytes_(std::exchange(o.bytes_, 0)) {}
  Charge& operator=(Charge&& o) noexcept {
    if (this != &o) {
      release();
      budget_ = std::exchange(o.budget_, nullptr);
      samples_ = std::exchange(o.samples_, 0);
      bytes_ = std::exchange(o.bytes_, 0);
    }
    return *this;
  }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  ~Charge() { release(); }
  Result<void> add(std::size_t samples, std::uint64_t bytes) {
    if (budget_ == nullptr) return {};
    if (Result<void> ok = budget_->take(samples, bytes); !ok) return ok;
    samples_ += samples;
    bytes_ += bytes;
    return {};
  }
  void hold(std::uint64_t bytes) {
    if (budget_ == nullptr) return;
    budget_->hold(bytes);
    bytes_ += bytes;
  }
  void give_back(std::size_t samples, std::uint64_t bytes) {
    if (budget_ == nullptr) return;
    samples = std::min(samples, samples_);
    bytes = std::min(bytes, bytes_);
    budget_->give(samples, bytes);
    samples_ -= samples;
    bytes_ -= bytes;
  }

 private:
  void release() {
    if (budget_ != nullptr) budget_->give(samples_, bytes_);
    samples_ = 0;
    bytes_ = 0;
  }
  Budget* budget_ = nullptr;
  std::size_t samples_ = 0;
  std::uint64_t bytes_ = 0;
};

// The most that was held at a time of what comes one after the other and is held for a while.
class Most {
 public:
  explicit Most(Budget& budget) : charge_(budget) {}
  Result<void> raise(std::size_t samples, std::uint64_t bytes) {
    if (samples <= samples_ && bytes <= bytes_) return {};
    const std::size_t more_samples = samples - std::min(samples, samples_);
    const std::uint64_t more_bytes = bytes - std::min(bytes, bytes_);
    if (Result<void> ok = charge_.add(more_samples, more_bytes); !ok) return ok;
    samples_ += more_samples;
    bytes_ += more_bytes;
    return {};
  }

 private:
  Charge charge_;
  std::size_t samples_ = 0;
  std::uint64_t bytes_ = 0;
};

// What samples take in memory, as columns of times and values.
inline constexpr std::uint64_t kSampleBytes = 16;
std::uint64_t bytes_of(const Histogram& histogram);
std::uint64_t bytes_of(const SampleColumns& columns);
std::uint64_t bytes_of(const LabelSet& labels);  // about, as though nobody shared them

struct SeriesHead {
  LabelSet labels;
  // The name goes at the end of the query only, so that what stands around may still use it.
  bool drop_name = false;
};

using Column = std::vector<double>;  // a scalar at every step

// An instant vector at every step: rows of series, columns of steps, absent() where there is none.
// A cell is a histogram when `histograms` holds one there; its value is then 0.
struct Block {
  std::size_t steps = 0;
  std::vector<SeriesHead> series;
  Cells values;                          // series.size() * steps
  std::vector<HistogramPtr> histograms;  // empty, or as many
  Charge charge;

  Block() = default;
  Block(std::size_t step_count, Budget& budget) : steps(step_count), charge(budget) {}

  std::size_t size() const { return series.size(); }
  double* row(std::size_t i) { return values.data() + i * steps; }
  const double* row(std::size_t i) const { return values.data() + i * steps; }
  const HistogramPtr* histogram_row(std::size_t i) const {
    return histograms.empty() ? nullptr : histograms.data() + i * steps;
  }
  const Histogram* histogram(std::size_t i, std::size_t step) const {
    return histograms.empty() ? nullptr : histograms[i * steps + step].get();
  }
  bool present(std::size_t i, std::size_t step) const {
    return !is_absent(values[i * steps + step]);
  }
  // Appends a row of absent values. kLimit past what the query may hold.
  Result<std::size_t> add_row(SeriesHead head);
  void set_histogram(std::size_t i, std::size_t step, HistogramPtr h);
  void clear_cell(std::size_t i, std::size_t step);
  bool row_empty(std::size_t i) const;
  // Copies one cell of another block with the same steps.
  void copy_cell(std::size_t to, std::size_t step, const Block& from, std::size_t row);
  // Forgets the last row.
  void pop_row();
  // Moves all rows of another block with the same steps behind those here. kLimit.
  Result<void> append(Block&& more);
};

// Rows by labels, for results whose series are found as they come.
class RowIndex {
 public:
  // The row of these labels in `block`, made when new.
  Result<std::size_t> row(Block& block, const LabelSet& labels, bool drop_name);

 private:
  std::unordered_map<LabelSet, std::size_t> rows_;
};

// Without the metric's name, type and unit.
LabelSet without_metadata(const LabelSet& labels);

struct QueryContext;

// Joins rows with equal labels whose samples never meet; kInvalid when they do.
Result<Block> merge_equal_rows(Block block, QueryContext& q);

}  // namespace nines::promql
