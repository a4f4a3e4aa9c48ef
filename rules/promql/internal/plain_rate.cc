#include "rules/promql/internal/plain_rate.h"

#include "rules/promql/internal/columns.h"
#include "rules/promql/internal/rate_kernel.h"

namespace nines::promql {
namespace {

// A place between samples that only moves forward. Samples that come at an interval move it as far
// each time: that is tried first.
class Mark {
 public:
  explicit Mark(const std::vector<std::int64_t>& times)
      : times_(times.data()), size_(times.size()) {}
  // Behind the last sample not after `limit`.
  std::size_t move(std::int64_t limit) {
    const std::size_t guess = at_ + stride_;
    if (guess < size_ && guess > 0 && times_[guess - 1] <= limit && times_[guess] > limit) {
      return at_ = guess;
    }
    const std::size_t before = at_;
    while (at_ < size_ && times_[at_] <= limit) ++at_;
    stride_ = at_ - before;
    return at_;
  }

 private:
  const std::int64_t* times_;
  const std::size_t size_;
  std::size_t at_ = 0, stride_ = 0;
};

}  // namespace

Extrapolation::Extrapolation(std::int64_t first, std::int64_t last, std::size_t count,
                             std::int64_t from, std::int64_t to)
    : sampled(static_cast<double>(last - first) / 1000),
      to_start(static_cast<double>(first - from) / 1000),
      to_end(static_cast<double>(to - last) / 1000) {
  const double between = count > 1 ? sampled / static_cast<double>(count - 1) : 0;
  const double threshold = between * 1.1;
  if (to_start >= threshold) to_start = between / 2;
  if (to_end >= threshold) to_end = between / 2;
}

void PlainRate::place(const std::vector<std::int64_t>& times) {
  steps_.clear(), first_.clear(), last_.clear();
  sampled_.clear(), to_start_.clear(), to_end_.clear();
  Mark begin(times);
  Mark end(times);
  for (std::size_t s = 0; s < grid_.count; ++s) {
    const std::int64_t to = grid_.at(s) - shape_.offset;
    const std::int64_t from = to - shape_.length;
    const std::size_t f0 = begin.move(from);
    const std::size_t f1 = end.move(to);
    if (f1 < f0 + 2) continue;
    const Extrapolation around(times[f0], times[f1 - 1], f1 - f0, from, to);
    steps_.push_back(static_cast<std::uint32_t>(s));
    first_.push_back(static_cast<std::uint32_t>(f0));
    last_.push_back(static_cast<std::uint32_t>(f1 - 1));
    sampled_.push_back(around.sampled);
    to_start_.push_back(around.to_start);
    to_end_.push_back(around.to_end);
  }
  before_.resize(steps_.size());
  increase_.resize(steps_.size());
}

// What a counter had reached when it began anew counts, in each window that saw it.
void PlainRate::add_resets(const std::vector<double>& values) {
  std::vector<std::size_t> resets;
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (values[i] < values[i - 1]) resets.push_back(i);
  }
  std::size_t next = 0;
  for (std::size_t k = 0; k < steps_.size(); ++k) {
    while (next < resets.size() && resets[next] <= first_[k]) ++next;
    for (std::size_t r = next; r < resets.size() && resets[r] <= last_[k]; ++r) {
      increase_[k] += values[resets[r] - 1];
    }
  }
}

void PlainRate::answer(const std::vector<double>& values, double* row) {
  const std::size_t count = steps_.size();
  if (count == 0) return;
  const double* const from = values.data();
  const std::uint32_t* const first = first_.data();
  const std::uint32_t* const last = last_.data();
  double* const before = before_.data();
  double* const increase = increase_.data();
  for (std::size_t k = 0; k < count; ++k) {
    before[k] = from[first[k]];
    increase[k] = from[last[k]] - before[k];
  }
  const bool counter = id_ != Fn::kDelta;
  if (counter && any_decrease(from, values.size())) add_resets(values);
  const RateColumns columns{sampled_.data(), to_start_.data(), to_end_.data(), before};
  // Once all windows have samples, as most do, nothing need be moved.
  const bool dense = steps_.back() - steps_.front() + 1 == count;
  double* const out = dense ? row + steps_.front() : increase;
  const double seconds = static_cast<double>(shape_.length) / 1000;
  finish_rates(columns, increase, count, counter, id_ == Fn::kRate ? seconds : 0, out);
  for (std::size_t k = 0; !dense && k < count; ++k) row[steps_[k]] = out[k];
}

}  // namespace nines::promql
