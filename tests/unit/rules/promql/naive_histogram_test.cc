// Native histograms beside a naive evaluator that knows them as counts between two bounds:
// addition, subtraction, sum, avg, rate, increase and quantiles, over random histograms.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "doctest/doctest.h"
#include "rules/promql/engine.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/sim_clock.h"

namespace nines::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kZero = 1e-9;  // the width of the zero bucket, to each side
constexpr std::int64_t kGap = 15'000;
constexpr int kLength = 24;  // samples

// Counts by bucket: an index of the schema, or the place of a custom bound.
struct Naive {
  bool custom = false;
  int schema = 0;
  std::vector<double> bounds;  // custom
  std::map<int, double> positive, negative;
  double zero = 0, count = 0, sum = 0;
};

struct Source {
  std::string label;
  std::vector<Naive> samples;
};

int coarser(int index, int steps) {
  return static_cast<int>(std::ceil(static_cast<double>(index) / std::pow(2, steps)));
}

Naive at_schema(const Naive& h, int schema) {
  Naive out = h;
  out.schema = schema;
  out.positive.clear(), out.negative.clear();
  for (const auto& [i, n] : h.positive) out.positive[coarser(i, h.schema - schema)] += n;
  for (const auto& [i, n] : h.negative) out.negative[coarser(i, h.schema - schema)] += n;
  return out;
}

// With only the bounds that both have.
Naive at_bounds(const Naive& h, const std::vector<double>& bounds) {
  Naive out = h;
  out.bounds = bounds;
  out.positive.clear();
  for (const auto& [i, n] : h.positive) {
    const double upper =
        i < static_cast<int>(h.bounds.size()) ? h.bounds[static_cast<std::size_t>(i)] : kInf;
    const auto place = std::lower_bound(bounds.begin(), bounds.end(), upper);
    out.positive[static_cast<int>(place - bounds.begin())] += n;
  }
  return out;
}

Naive plus(Naive a, Naive b, double factor) {
  if (a.custom) {
    std::vector<double> common;
    std::set_intersection(a.bounds.begin(), a.bounds.end(), b.bounds.begin(), b.bounds.end(),
                          std::back_inserter(common));
    a = at_bounds(a, common);
    b = at_bounds(b, common);
  } else {
    const int schema = std::min(a.schema, b.schema);
    a = at_schema(a, schema);
    b = at_schema(b, schema);
  }
  for (const auto& [i, n] : b.positive) a.positive[i] += factor * n;
  for (const auto& [i, n] : b.negative) a.negative[i] += factor * n;
  a.zero += factor * b.zero;
  a.count += factor * b.count;
  a.sum += factor * b.sum;
  return a;
}

Naive times(Naive h, double factor) {
  for (auto& [i, n] : h.positive) n *= factor;
  for (auto& [i, n] : h.negative) n *= factor;
  h.zero *= factor, h.count *= factor, h.sum *= factor;
  return h;
}

struct Piece {
  double lower, upper, count;
};

std::vector<Piece> pieces(const Naive& h) {
  std::vector<Piece> out;
  const auto bound = [&](int i) { return std::pow(2.0, i / std::pow(2.0, h.schema)); };
  if (h.custom) {
    for (const auto& [i, n] : h.positive) {
      const auto at = static_cast<std::size_t>(i);
      out.push_back(
          {at == 0 ? -kInf : h.bounds[at - 1], at < h.bounds.size() ? h.bounds[at] : kInf, n});
    }
    return out;
  }
  for (auto i = h.negative.rbegin(); i != h.negative.rend(); ++i)
    out.push_back({-bound(i->first), -bound(i->first - 1), i->second});
  out.push_back({-kZero, kZero, h.zero});
  for (const auto& [i, n] : h.positive) out.push_back({bound(i - 1), bound(i), n});
  return out;
}

double quantile_of(const Naive& h, double q) {
  double rank = q * h.count, before = 0;
  std::optional<Piece> found;
  for (const Piece& p : pieces(h)) {
    if (p.count == 0) continue;
    if (found) before += found->count;
    found = p;
    if (before + p.count >= rank) break;
  }
  if (!found) return std::nan("");
  const double part = std::min(1.0, (rank - before) / found->count);
  Piece p = *found;
  if (h.custom) {
    if (p.upper == kInf) return p.lower;
    if (p.lower == -kInf && p.upper <= 0) return p.upper;
    if (p.lower == -kInf) p.lower = 0;
    return p.lower + (p.upper - p.lower) * part;
  }
  if (p.lower < 0 && p.upper > 0) {
    if (h.negative.empty()) p.lower = 0;
    if (h.positive.empty()) p.upper = 0;
    return p.lower + (p.upper - p.lower) * part;
  }
  if (p.lower > 0) return p.lower * std::pow(p.upper / p.lower, part);
  return p.lower * std::pow(p.upper / p.lower, part);
}

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}
  int between(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random_);
  }

  Source source(int number, bool custom) {
    Source out;
    out.label = std::to_string(number);
    Naive h;
    h.custom = custom;
    h.schema = custom ? 0 : between(-1, 3);
    for (double b = 1; custom && b < 64; b *= 2) {
      if (between(0, 3) != 0) h.bounds.push_back(b);
    }
    const bool negative = !custom && between(0, 1) == 0;
    for (int s = 0; s < kLength; ++s) {
      if (s > 0 && between(0, 9) == 0) h = emptied(h);
      const int most = custom ? static_cast<int>(h.bounds.size()) : 12;
      for (int i = between(0, 3); i > 0; --i) grow(h, h.positive, between(custom ? 0 : -4, most));
      if (negative) grow(h, h.negative, between(-3, 6));
      if (!custom && between(0, 2) == 0) {
        h.zero += 2;
        h.count += 2;
      }
      out.samples.push_back(h);
    }
    return out;
  }

 private:
  static Naive emptied(Naive h) {
    h.positive.clear(), h.negative.clear();
    h.zero = h.count = h.sum = 0;
    return h;
  }
  void grow(Naive& h, std::map<int, double>& side, int index) {
    const int more = between(1, 9);
    side[index] += more;
    h.count += more;
    h.sum += more * 1.5;
  }
  std::mt19937_64 random_;
};

void put(const std::map<int, double>& from, std::vector<HistogramSpan>& spans,
         std::vector<double>& counts) {
  std::int32_t next = 0;
  for (const auto& [i, n] : from) {
    spans.push_back({i - next, 1});
    counts.push_back(n);
    next = i + 1;
  }
}

Histogram stored(const Naive& h) {
  Histogram out;
  out.schema = h.custom ? kCustomBucketsSchema : h.schema;
  out.custom_values = h.bounds;
  out.zero_threshold = h.custom ? 0 : kZero;
  out.zero_count = h.zero;
  out.count = h.count;
  out.sum = h.sum;
  put(h.positive, out.positive_spans, out.positive_buckets);
  put(h.negative, out.negative_spans, out.negative_buckets);
  return out;
}

Naive shown(const Histogram& h) {
  Naive out;
  out.custom = h.schema == kCustomBucketsSchema;
  out.schema = out.custom ? 0 : h.schema;
  out.bounds = h.custom_values;
  const auto read = [](const std::vector<HistogramSpan>& spans, const std::vector<double>& counts,
                       std::map<int, double>& to) {
    int at = 0;
    std::size_t next = 0;
    for (const HistogramSpan& span : spans) {
      at += span.offset;
      for (std::uint32_t i = 0; i < span.length; ++i) to[at++] = counts[next++];
    }
  };
  read(h.positive_spans, h.positive_buckets, out.positive);
  read(h.negative_spans, h.negative_buckets, out.negative);
  out.zero = h.zero_count, out.count = h.count, out.sum = h.sum;
  return out;
}

bool near(double a, double b) {
  return a == b || std::fabs(a - b) <= 1e-9 * std::max(std::fabs(a), std::fabs(b)) + 1e-9;
}

bool alike(const std::map<int, double>& a, const std::map<int, double>& b) {
  const auto within = [](const std::map<int, double>& x, const std::map<int, double>& y) {
    return std::all_of(x.begin(), x.end(), [&](const auto& one) {
      const auto other = y.find(one.first);
      return near(one.second, other == y.end() ? 0 : other->second);
    });
  };
  return within(a, b) && within(b, a);
}

bool alike(const Naive& a, const Naive& b) {
  return a.custom == b.custom && a.schema == b.schema && a.bounds == b.bounds &&
         alike(a.positive, b.positive) && alike(a.negative, b.negative) && near(a.zero, b.zero) &&
         near(a.count, b.count) && near(a.sum, b.sum);
}

// Some count fell, so the counter began anew.
bool was_reset(const Naive& before, const Naive& now) {
  const auto fell = [](const std::map<int, double>& a, const std::map<int, double>& b) {
    return std::any_of(a.begin(), a.end(), [&](const auto& one) {
      const auto other = b.find(one.first);
      return one.second > (other == b.end() ? 0 : other->second);
    });
  };
  return now.count < before.count || now.zero < before.zero ||
         fell(before.positive, now.positive) || fell(before.negative, now.negative);
}

// increase() over the samples [first, last], which lie in a window that ends with the last sample.
Naive increase_of(const Source& s, int first, int last, std::int64_t length) {
  const auto sample = [&](int i) -> const Naive& { return s.samples[static_cast<std::size_t>(i)]; };
  Naive out = plus(sample(last), sample(first), -1);
  for (int i = first + 1; i <= last; ++i) {
    if (was_reset(sample(i - 1), sample(i))) out = plus(out, sample(i - 1), 1);
  }
  const double sampled = static_cast<double>((last - first) * kGap) / 1000;
  const double between = static_cast<double>(kGap) / 1000;
  double before = static_cast<double>(length) / 1000 - sampled;
  if (before >= between * 1.1) before = between / 2;
  if (out.count > 0) before = std::min(before, sampled * (sample(first).count / out.count));
  return times(out, (sampled + before) / sampled);
}

struct World {
  World(std::uint64_t seed, bool custom) {
    Maker maker(seed);
    for (int n = 0; n < 3; ++n) sources.push_back(maker.source(n, custom));
    for (const Source& s : sources) {
      for (int i = 0; i < kLength; ++i) {
        store.add({{"__name__", "h"}, {"n", s.label}}, from_millis(i * kGap),
                  stored(s.samples[static_cast<std::size_t>(i)]));
      }
    }
  }
  Vector ask(const std::string& text, int sample) const {
    const auto query = Query::parse(text);
    REQUIRE(query);
    const auto result =
        Engine(store, clock, {}).instant(*query, from_millis(std::int64_t{sample} * kGap));
    REQUIRE_MESSAGE(result, text << ": " << (result ? "" : result.error().what()));
    return std::get<Vector>(result->value);
  }
  std::vector<Source> sources;
  testing::MemoryMetrics store;
  testing::SimClock clock{Timestamp{}};
};

void check_histogram(const World& w, const std::string& text, int sample, const Naive& wanted) {
  const Vector got = w.ask(text, sample);
  REQUIRE_MESSAGE(got.size() == 1, text);
  REQUIRE_MESSAGE(got[0].histogram, text);
  const Naive has = shown(*got[0].histogram);
  CHECK_MESSAGE(alike(has, wanted), text << " at sample " << sample << ": schema " << has.schema
                                         << ", count " << has.count << ", should be "
                                         << wanted.schema << ", " << wanted.count);
}

void check_all(std::uint64_t seed, bool custom) {
  CAPTURE(seed);
  CAPTURE(custom);
  const World w(seed, custom);
  for (int i = 4; i < kLength; i += 3) {
    const auto now = [&](std::size_t n) {
      return w.sources[n].samples[static_cast<std::size_t>(i)];
    };
    const std::string h0 = "h{n=\"0\"}", h1 = "h{n=\"1\"}";
    check_histogram(w, h0 + " + ignoring(n) " + h1, i, plus(now(0), now(1), 1));
    check_histogram(w, h0 + " - ignoring(n) " + h1, i, plus(now(0), now(1), -1));
    check_histogram(w, h0 + " * 2.5", i, times(now(0), 2.5));
    check_histogram(w, h0 + " / 4", i, times(now(0), 0.25));
    check_histogram(w, "-" + h0, i, times(now(0), -1));
    const Naive all = plus(plus(now(0), now(1), 1), now(2), 1);
    check_histogram(w, "sum(h)", i, all);
    check_histogram(w, "avg(h)", i, times(all, 1.0 / 3));
    const std::int64_t length = 60'000 + 7'000;  // five samples and a little
    const Naive grown = increase_of(w.sources[0], i - 4, i, length);
    check_histogram(w, "increase(" + h0 + "[67s])", i, grown);
    check_histogram(w, "rate(" + h0 + "[67s])", i, times(grown, 1.0 / 67));
    for (const char* q : {"0.1", "0.5", "0.75", "0.99"}) {
      const Vector got = w.ask("histogram_quantile(" + std::string(q) + ", sum(h))", i);
      REQUIRE(got.size() == 1);
      // A rank between two buckets belongs to either.
      const double below = quantile_of(all, std::stod(q) - 1e-12);
      const double above = quantile_of(all, std::stod(q) + 1e-12);
      const bool right = near(got[0].value, below) || near(got[0].value, above);
      CHECK_MESSAGE(right, q << " at sample " << i << ": " << got[0].value << ", should be "
                             << below << " or " << above);
    }
  }
}

TEST_CASE("exponential histograms: the engine answers as counts between bounds do") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) check_all(seed, false);
}

TEST_CASE("histograms of custom buckets: the engine answers as counts between bounds do") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) check_all(seed, true);
}

}  // namespace
}  // namespace nines::promql
