#include "rules/promql/internal/histogram_math.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "base/text/numbers.h"
#include "rules/promql/internal/kahan.h"

namespace nines::promql {
namespace {

using Buckets = std::vector<IndexedBucket>;

bool same_bounds(const Histogram& a, const Histogram& b) {
  return a.custom_values == b.custom_values;
}

// Halves the resolution `steps` times: 2^steps neighbours become one.
Buckets reduced(const Buckets& buckets, int steps) {
  Buckets out;
  for (const IndexedBucket& b : buckets) {
    const std::int32_t index = ((b.index - 1) >> std::min(steps, 31)) + 1;
    if (!out.empty() && out.back().index == index) {
      out.back().count += b.count;
    } else {
      out.push_back({index, b.count});
    }
  }
  return out;
}

// Moves custom buckets to fewer bounds, which must all be among the old ones.
Buckets remapped(const Buckets& buckets, const std::vector<double>& from,
                 const std::vector<double>& to) {
  Buckets out;
  for (const IndexedBucket& b : buckets) {
    const bool last = b.index >= static_cast<std::int32_t>(from.size());
    const double bound =
        last ? std::numeric_limits<double>::infinity() : from[static_cast<std::size_t>(b.index)];
    const auto at = std::lower_bound(to.begin(), to.end(), bound);
    const auto index = static_cast<std::int32_t>(at - to.begin());
    if (!out.empty() && out.back().index == index) {
      out.back().count += b.count;
    } else {
      out.push_back({index, b.count});
    }
  }
  return out;
}

std::vector<double> common_bounds(const Histogram& a, const Histogram& b) {
  std::vector<double> out;
  std::set_intersection(a.custom_values.begin(), a.custom_values.end(), b.custom_values.begin(),
                        b.custom_values.end(), std::back_inserter(out));
  return out;
}

// A histogram taken apart, so that two can be brought to one layout.
struct Parts {
  int schema = 0;
  double zero_threshold = 0;
  double zero_count = 0;
  Buckets positive, negative;
  std::vector<double> bounds;

  explicit Parts(const Histogram& h)
      : schema(h.schema),
        zero_threshold(h.zero_threshold),
        zero_count(h.zero_count),
        positive(expand(h.positive_spans, h.positive_buckets)),
        negative(expand(h.negative_spans, h.negative_buckets)),
        bounds(h.custom_values) {}

  bool custom() const { return schema == kCustomBucketsSchema; }
  double bound(std::int32_t index) const {
    Histogram shape;
    shape.schema = schema;
    shape.custom_values = bounds;
    return upper_bound(shape, index);
  }
  void reduce_to(int wanted) {
    if (wanted >= schema) return;
    positive = reduced(positive, schema - wanted);
    negative = reduced(negative, schema - wanted);
    schema = wanted;
  }
  void use_bounds(const std::vector<double>& wanted) {
    positive = remapped(positive, bounds, wanted);
    bounds = wanted;
  }
  // Takes into the zero bucket all that lies within `threshold`, which grows to the end of a bucket
  // that it would cut; returns what it became.
  double widen_zero(double threshold) {
    bool grew = true;
    while (grew) {
      grew = false;
      for (const Buckets* side : {&positive, &negative}) {
        for (const IndexedBucket& b : *side) {
          if (bound(b.index - 1) >= threshold) break;
          const double upper = bound(b.index);
          if (upper > threshold && b.count != 0) {
            threshold = upper;
            grew = true;
          }
        }
      }
    }
    for (Buckets* side : {&positive, &negative}) {
      std::size_t inside = 0;
      while (inside < side->size() && bound((*side)[inside].index - 1) < threshold) {
        zero_count += (*side)[inside++].count;
      }
      side->erase(side->begin(), side->begin() + static_cast<std::ptrdiff_t>(inside));
    }
    zero_threshold = threshold;
    return threshold;
  }
};

// One layout for both. False when they cannot have one.
bool align(Parts& a, Parts& b, bool& bounds_reconciled) {
  if (a.custom() != b.custom()) return false;
  if (a.custom()) {
    if (a.bounds != b.bounds) {
      std::vector<double> common;
      std::set_intersection(a.bounds.begin(), a.bounds.end(), b.bounds.begin(), b.bounds.end(),
                            std::back_inserter(common));
      a.use_bounds(common);
      b.use_bounds(common);
      bounds_reconciled = true;
    }
    return true;
  }
  while (a.zero_threshold != b.zero_threshold) {
    const double wanted = std::max(a.zero_threshold, b.zero_threshold);
    if (a.zero_threshold < wanted) a.widen_zero(wanted);
    if (b.zero_threshold < wanted) b.widen_zero(wanted);
  }
  const int schema = std::min(a.schema, b.schema);
  a.reduce_to(schema);
  b.reduce_to(schema);
  return true;
}

template <typename Combine>
Buckets merged(const Buckets& a, const Buckets& b, Combine combine) {
  Buckets out;
  out.reserve(a.size() + b.size());
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    const bool left = j == b.size() || (i < a.size() && a[i].index <= b[j].index);
    const bool right = i == a.size() || (j < b.size() && b[j].index <= a[i].index);
    const std::int32_t index = left ? a[i].index : b[j].index;
    const double x = left ? a[i++].count : 0;
    const double y = right ? b[j++].count : 0;
    out.push_back({index, combine(x, y, index)});
  }
  return out;
}

bool join_hints(Histogram& to, const Histogram& other) {
  if (to.reset_hint == other.reset_hint || to.reset_hint == ResetHint::kGauge) return false;
  if (other.reset_hint == ResetHint::kGauge) {
    to.reset_hint = ResetHint::kGauge;
    return false;
  }
  const bool collision =
      to.reset_hint != ResetHint::kUnknown && other.reset_hint != ResetHint::kUnknown;
  to.reset_hint = ResetHint::kUnknown;
  return collision;
}

void rebuild(Histogram& h, const Parts& layout, const Buckets& positive, const Buckets& negative) {
  h.schema = layout.schema;
  h.zero_threshold = layout.zero_threshold;
  h.custom_values = layout.bounds;
  compress(positive, h.positive_spans, h.positive_buckets);
  compress(negative, h.negative_spans, h.negative_buckets);
}

MergeOutcome combine(Histogram& to, const Histogram& other, double sign) {
  Parts a(to);
  Parts b(other);
  MergeOutcome out;
  if (!align(a, b, out.bounds_reconciled)) {
    out.result = Merge::kIncompatible;
    return out;
  }
  out.reset_collision = join_hints(to, other);
  const auto plus = [sign](double x, double y, std::int32_t) { return x + sign * y; };
  rebuild(to, a, merged(a.positive, b.positive, plus), merged(a.negative, b.negative, plus));
  to.zero_count = a.zero_count + sign * b.zero_count;
  to.count += sign * other.count;
  to.sum += sign * other.sum;
  return out;
}

// The count of a bucket, 0 where there is none; buckets ascending.
double count_of(const Buckets& buckets, std::int32_t index) {
  const auto at =
      std::lower_bound(buckets.begin(), buckets.end(), index,
                       [](const IndexedBucket& b, std::int32_t i) { return b.index < i; });
  return at != buckets.end() && at->index == index ? at->count : 0;
}

Buckets kahan_merged(const Buckets& to, const Buckets& other, Buckets& error) {
  Buckets new_error;
  Buckets out = merged(to, other, [&](double x, double y, std::int32_t index) {
    double sum = x;
    double lost = count_of(error, index);
    kahan_add(y, sum, lost);
    new_error.push_back({index, lost});
    return sum;
  });
  error = std::move(new_error);
  return out;
}

bool any_less(const Buckets& current, const Buckets& previous) {
  return std::any_of(previous.begin(), previous.end(), [&](const IndexedBucket& b) {
    return b.count != 0 && count_of(current, b.index) < b.count;
  });
}

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool same_buckets(const Buckets& a, const Buckets& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const IndexedBucket& x, const IndexedBucket& y) {
                      return x.index == y.index && same_bits(x.count, y.count);
                    });
}

void drop_empty(Buckets& buckets) {
  std::erase_if(buckets, [](const IndexedBucket& b) { return b.count == 0; });
}

}  // namespace

std::vector<IndexedBucket> expand(std::span<const HistogramSpan> spans,
                                  std::span<const double> counts) {
  Buckets out;
  out.reserve(counts.size());
  std::int64_t index = 0;
  std::size_t next = 0;
  for (const HistogramSpan& span : spans) {
    index += span.offset;
    for (std::uint32_t k = 0; k < span.length && next < counts.size(); ++k) {
      out.push_back({static_cast<std::int32_t>(index++), counts[next++]});
    }
  }
  return out;
}

void compress(const Buckets& buckets, std::vector<HistogramSpan>& spans,
              std::vector<double>& counts) {
  spans.clear();
  counts.clear();
  std::int32_t next = 0;
  for (const IndexedBucket& b : buckets) {
    if (spans.empty() || b.index != next) {
      spans.push_back({b.index - next, 0});
    }
    ++spans.back().length;
    counts.push_back(b.count);
    next = b.index + 1;
  }
}

std::vector<Bucket> all_buckets(const Histogram& h) {
  std::vector<Bucket> out;
  const Buckets positive = expand(h.positive_spans, h.positive_buckets);
  const Buckets negative = expand(h.negative_spans, h.negative_buckets);
  out.reserve(positive.size() + negative.size() + 1);
  const double zero = is_custom(h) ? -std::numeric_limits<double>::infinity() : h.zero_threshold;
  for (auto b = negative.rbegin(); b != negative.rend(); ++b) {
    const double near = std::max(upper_bound(h, b->index - 1), zero);
    out.push_back({-upper_bound(h, b->index), -near, b->count});
  }
  // As in Prometheus, a zero bucket of less than nothing is no bucket.
  if (!is_custom(h) && h.zero_count > 0) out.push_back({-zero, zero, h.zero_count});
  for (const IndexedBucket& b : positive) {
    out.push_back({std::max(upper_bound(h, b.index - 1), zero), upper_bound(h, b.index), b.count});
  }
  return out;
}

MergeOutcome add(Histogram& to, const Histogram& other) {
  return combine(to, other, 1);
}
MergeOutcome subtract(Histogram& from, const Histogram& other) {
  return combine(from, other, -1);
}

MergeOutcome kahan_add(Histogram& to, const Histogram& other, Histogram& error, bool& has_error) {
  if (!has_error) {
    error = Histogram{};
    error.schema = to.schema;
    error.zero_threshold = to.zero_threshold;
    error.custom_values = to.custom_values;
    has_error = true;
  }
  Parts a(to);
  Parts b(other);
  MergeOutcome out;
  if (!align(a, b, out.bounds_reconciled)) {
    out.result = Merge::kIncompatible;
    return out;
  }
  Parts e(error);
  bool ignored = false;
  Parts layout = a;
  align(layout, e, ignored);
  out.reset_collision = join_hints(to, other);
  const Buckets positive = kahan_merged(a.positive, b.positive, e.positive);
  const Buckets negative = kahan_merged(a.negative, b.negative, e.negative);
  rebuild(to, a, positive, negative);
  rebuild(error, e, e.positive, e.negative);
  to.zero_count = a.zero_count;
  error.zero_count = e.zero_count;
  kahan_add(b.zero_count, to.zero_count, error.zero_count);
  kahan_add(other.count, to.count, error.count);
  kahan_add(other.sum, to.sum, error.sum);
  return out;
}

void scale(Histogram& h, double factor) {
  h.zero_count *= factor;
  h.count *= factor;
  h.sum *= factor;
  for (double& v : h.positive_buckets) v *= factor;
  for (double& v : h.negative_buckets) v *= factor;
  if (factor < 0) h.reset_hint = ResetHint::kGauge;
}

void divide(Histogram& h, double divisor) {
  h.zero_count /= divisor;
  h.count /= divisor;
  h.sum /= divisor;
  for (double& v : h.positive_buckets) v /= divisor;
  for (double& v : h.negative_buckets) v /= divisor;
  if (divisor < 0) h.reset_hint = ResetHint::kGauge;
  if (divisor == 0) {  // buckets of infinities tell nothing
    h.positive_spans.clear();
    h.positive_buckets.clear();
    h.negative_spans.clear();
    h.negative_buckets.clear();
  }
}

void compact(Histogram& h) {
  Buckets positive = expand(h.positive_spans, h.positive_buckets);
  Buckets negative = expand(h.negative_spans, h.negative_buckets);
  drop_empty(positive);
  drop_empty(negative);
  compress(positive, h.positive_spans, h.positive_buckets);
  compress(negative, h.negative_spans, h.negative_buckets);
}

bool has_overflow(const Histogram& h) {
  const auto infinite = [](double v) { return std::isinf(v); };
  return infinite(h.zero_count) || infinite(h.count) || infinite(h.sum) ||
         std::any_of(h.positive_buckets.begin(), h.positive_buckets.end(), infinite) ||
         std::any_of(h.negative_buckets.begin(), h.negative_buckets.end(), infinite);
}

bool equal(const Histogram& a, const Histogram& b) {
  return a.schema == b.schema && same_bits(a.count, b.count) && same_bits(a.sum, b.sum) &&
         same_bounds(a, b) && a.zero_threshold == b.zero_threshold &&
         same_bits(a.zero_count, b.zero_count) &&
         same_buckets(expand(a.positive_spans, a.positive_buckets),
                      expand(b.positive_spans, b.positive_buckets)) &&
         same_buckets(expand(a.negative_spans, a.negative_buckets),
                      expand(b.negative_spans, b.negative_buckets));
}

bool detect_reset(const Histogram& current, const Histogram& previous) {
  if (current.reset_hint == ResetHint::kReset) return true;
  if (current.reset_hint == ResetHint::kNotReset) return false;
  if (current.count < previous.count) return true;
  if (is_custom(current) != is_custom(previous)) return true;
  Parts now(current);
  Parts before(previous);
  if (is_custom(current)) {
    if (!same_bounds(current, previous)) {
      const std::vector<double> bounds = common_bounds(current, previous);
      now.use_bounds(bounds);
      before.use_bounds(bounds);
    }
    return any_less(now.positive, before.positive);
  }
  if (current.schema > previous.schema) return true;
  if (current.zero_threshold < previous.zero_threshold) return true;
  if (before.zero_threshold < current.zero_threshold &&
      before.widen_zero(current.zero_threshold) != current.zero_threshold) {
    return true;
  }
  if (current.zero_count < before.zero_count) return true;
  before.reduce_to(current.schema);
  return any_less(now.positive, before.positive) || any_less(now.negative, before.negative);
}

HistogramPtr interpolate(const Histogram& left, const Histogram& right, double part, bool counter) {
  auto out = std::make_shared<Histogram>(right);
  if (counter && detect_reset(right, left)) {
    scale(*out, part);
  } else {
    if (subtract(*out, left).result == Merge::kIncompatible) return nullptr;
    scale(*out, part);
    if (add(*out, left).result == Merge::kIncompatible) return nullptr;
  }
  out->reset_hint = left.reset_hint == ResetHint::kGauge || right.reset_hint == ResetHint::kGauge
                        ? ResetHint::kGauge
                        : ResetHint::kUnknown;
  return out;
}

}  // namespace nines::promql
