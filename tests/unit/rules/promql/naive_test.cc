// The engine beside the naive evaluator, over random data and random expressions.
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

#include "doctest/doctest.h"
#include "rules/promql/engine.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/naive_promql.h"
#include "tests/support/sim_clock.h"

namespace nines::promql {
namespace {

using naive::At;
using naive::Node;

constexpr std::int64_t kLookback = 60'000;
constexpr std::int64_t kLength = 1'800'000;  // of the data

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  std::int64_t between(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
  }
  bool one_in(int n) { return between(1, n) == 1; }
  template <typename T, std::size_t N>
  T any(const T (&items)[N]) {
    return items[static_cast<std::size_t>(between(0, static_cast<std::int64_t>(N) - 1))];
  }

  // Twelve series: a counter that is reset, a gauge with everything a float can be.
  naive::Data data() {
    naive::Data out;
    for (const char* name : {"c", "g"}) {
      for (const char* a : {"x", "y"}) {
        for (const char* b : {"1", "2", "3"}) {
          out[{{"__name__", name}, {"a", a}, {"b", b}}] = points(*name == 'c');
        }
      }
    }
    return out;
  }

  std::unique_ptr<Node> expression(int depth) {
    if (depth == 0 || one_in(8)) return one_in(3) ? selector() : function(0);
    auto node = std::make_unique<Node>();
    switch (between(0, 4)) {
      case 0:
      case 1:
        return function(depth);
      case 2: {
        static constexpr const char* kOps[] = {"sum",   "avg",    "min",    "max",     "count",
                                               "group", "stddev", "stdvar", "quantile"};
        node->kind = Node::kAggregate;
        node->name = any(kOps);
        if (node->name == "quantile") node->params = {any(kRanks)};
        if (one_in(2)) node->by.emplace_back("a");
        if (one_in(3)) node->by.emplace_back("b");
        node->without = one_in(3);
        node->left = expression(depth - 1);
        return node;
      }
      case 3: {
        node->kind = Node::kScalarOp;
        node->name = any(kOperators);
        node->params = {any(kNumbers)};
        node->left = expression(depth - 1);
        break;
      }
      default: {
        static constexpr const char* kSets[] = {"and", "or", "unless"};
        node->kind = Node::kVectorOp;
        const bool set = one_in(3);
        node->name = set ? any(kSets) : any(kOperators);
        node->left = expression(depth - 1);
        node->right = expression(depth - 1);
        matching(*node, set);
        if (set) return node;
      }
    }
    const char first = node->name[0];
    const bool compares = first == '=' || first == '!' || first == '<' || first == '>';
    node->with_bool = compares && one_in(2);
    // What a comparison that drops samples fills, it names after neither side.
    if (node->match != Node::kAll && node->match != Node::kListed) return node;
    if (node->kind == Node::kVectorOp && (!compares || node->with_bool)) {
      if (one_in(4)) node->fill_left = any(kNumbers);
      if (one_in(4)) node->fill_right = any(kNumbers);
    }
    return node;
  }

 private:
  static constexpr double kRanks[] = {0, 0.25, 0.5, 0.9, 1, -1, 2};
  static constexpr double kNumbers[] = {0, 1, 2.5, -3, 100};
  static constexpr const char* kOperators[] = {
      "+", "-", "*", "/", "%", "==", "!=", ">", "<", ">=", "<="};

  naive::Points points(bool counter) {
    naive::Points out;
    const std::int64_t every = any({5'000, 10'000, 15'000, 30'000});
    double level = static_cast<double>(between(0, 1000));
    for (std::int64_t at = between(0, every); at < kLength; at += every) {
      if (one_in(40)) at += between(1, 20) * every;  // a gap
      naive::Point p{at + between(0, 700), 0, one_in(30)};
      level += static_cast<double>(between(0, 1000)) / 8;
      if (counter && one_in(25)) level = static_cast<double>(between(0, 30));
      p.value = counter ? level : static_cast<double>(between(-4000, 4000)) / 16;
      if (!counter && one_in(60)) p.value = std::numeric_limits<double>::quiet_NaN();
      if (!counter && one_in(60)) p.value = std::numeric_limits<double>::infinity();
      if (!counter && one_in(60)) p.value = -std::numeric_limits<double>::infinity();
      if (!counter && one_in(4) && !out.empty()) p.value = out.back().value;
      out.push_back(p);
    }
    return out;
  }

  // on() or ignoring(); half of the time with many on one side, and one on the other.
  void matching(Node& node, bool set) {
    if (one_in(2)) return;
    node.match = Node::kListed;
    node.without = one_in(2);
    node.by.emplace_back(one_in(2) ? "a" : "b");
    if (one_in(3)) node.by.emplace_back("c");
    if (set || one_in(3)) return;
    node.match = one_in(2) ? Node::kGroupLeft : Node::kGroupRight;
    const std::string kept = node.without ? (node.by[0] == "a" ? "b" : "a") : node.by[0];
    std::unique_ptr<Node>& one = node.match == Node::kGroupLeft ? node.right : node.left;
    auto added = std::make_unique<Node>();
    added->kind = Node::kAggregate;
    added->name = any({"sum", "max", "count"});
    added->by = {kept};
    added->left = std::move(one);
    one = std::move(added);
    // A label of on() cannot be taken over, too.
    if (one_in(3)) node.include = {node.without ? kept : "d"};
  }

  void shift(Node& node) {
    if (one_in(4)) node.offset = between(-200'000, 400'000);
    if (!one_in(5)) return;
    node.at = any({At::kStart, At::kEnd, At::kFixed});
    node.at_ms = between(0, kLength);
  }

  std::unique_ptr<Node> selector() {
    auto node = std::make_unique<Node>();
    node->name = one_in(2) ? "c" : "g";
    if (one_in(3)) {
      node->label = "a";
      node->value = one_in(2) ? "x" : "y";
    }
    shift(*node);
    return node;
  }

  std::unique_ptr<Node> function(int depth) {
    static constexpr const char* kNames[] = {"rate",
                                             "increase",
                                             "delta",
                                             "irate",
                                             "idelta",
                                             "changes",
                                             "resets",
                                             "deriv",
                                             "predict_linear",
                                             "double_exponential_smoothing",
                                             "quantile_over_time",
                                             "count_over_time",
                                             "present_over_time",
                                             "last_over_time",
                                             "first_over_time",
                                             "ts_of_first_over_time",
                                             "ts_of_last_over_time",
                                             "min_over_time",
                                             "max_over_time",
                                             "ts_of_min_over_time",
                                             "ts_of_max_over_time",
                                             "stddev_over_time",
                                             "stdvar_over_time",
                                             "mad_over_time",
                                             "sum_over_time",
                                             "avg_over_time"};
    auto node = std::make_unique<Node>();
    node->kind = Node::kFunction;
    node->name = any(kNames);
    if (node->name == "predict_linear") node->params = {static_cast<double>(between(-600, 600))};
    if (node->name == "quantile_over_time") node->params = {any(kRanks)};
    if (node->name == "double_exponential_smoothing") node->params = {0.5, 0.25};
    node->range = any({1'000, 20'000, 60'000, 123'456, 300'000, 900'000});
    if (depth > 0 && one_in(3)) {
      node->step = any({7'000, 30'000, 61'000});
      node->left = expression(depth - 1);
      shift(*node);
    } else {
      node->left = selector();
    }
    return node;
  }

  std::mt19937_64 random_;
};

void fill(testing::MemoryMetrics& store, const naive::Data& data) {
  for (const auto& [labels, points] : data) {
    LabelBuilder builder;
    for (const auto& [name, value] : labels) builder.set(name, value);
    const LabelSet set = builder.build();
    for (const naive::Point& p : points) {
      store.add(set, from_millis(p.at), p.stale ? stale_nan() : p.value);
    }
  }
}

bool alike(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  // What is left of values of this size when they cancel out is not defined to the last bit.
  constexpr double kRelative = 1e-9, kNothing = 1e-7;
  return std::fabs(a - b) <= kRelative * std::max(std::fabs(a), std::fabs(b)) + kNothing;
}

std::string labels_text(const naive::Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) out += name + "=" + value + " ";
  return out;
}

// The first difference over all steps, or empty.
std::string difference(const Matrix& ours, const naive::Question& question, const Node& node,
                       std::int64_t step) {
  std::map<std::int64_t, naive::Vector> by_time;
  for (const MatrixSeries& series : ours) {
    naive::Labels labels;
    for (const Label& label : series.labels) labels[std::string(label.name)] = label.value;
    for (std::size_t i = 0; i < series.samples.size(); ++i) {
      by_time[series.samples.times[i]][labels] = series.samples.values[i];
    }
  }
  for (std::int64_t at = question.start; at <= question.end; at += step) {
    const naive::Vector wanted = evaluate(question, node, at);
    const naive::Vector& got = by_time[at];
    for (const auto& [labels, value] : wanted) {
      const auto found = got.find(labels);
      const std::string where = " at " + std::to_string(at) + " ms: " + labels_text(labels);
      if (found == got.end()) return where + "is missing, should be " + std::to_string(value);
      if (!alike(value, found->second)) {
        return where + "is " + std::to_string(found->second) + ", should be " +
               std::to_string(value);
      }
    }
    for (const auto& [labels, value] : got) {
      if (!wanted.contains(labels)) return " at " + std::to_string(at) + " ms: one too many";
    }
  }
  return {};
}

TEST_CASE("the engine answers as the naive evaluator does") {
  const char* chosen = std::getenv("NINES_NAIVE_SEED");  // NOLINT(concurrency-mt-unsafe)
  const std::uint64_t first = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 1;
  constexpr int kStores = 20, kExpressions = 120;
  int answered = 0, refused = 0;
  for (int s = 0; s < (chosen != nullptr ? 1 : kStores); ++s) {
    const std::uint64_t seed = first + static_cast<std::uint64_t>(s);
    Maker maker(seed);
    const naive::Data data = maker.data();
    testing::MemoryMetrics store;
    fill(store, data);
    const testing::SimClock clock{Timestamp{}};
    const Engine engine(store, clock, {});
    for (int e = 0; e < kExpressions; ++e) {
      const std::unique_ptr<Node> node = maker.expression(3);
      const std::string text = to_text(*node);
      const std::int64_t step = maker.between(1'000, 200'000);
      bool clash = false;
      naive::Question question{data, maker.between(0, kLength), 0, kLookback, clash};
      question.end = question.start + step * maker.between(0, 6);
      const std::string where = "seed " + std::to_string(seed) + ": " + text + " from " +
                                std::to_string(question.start) + " to " +
                                std::to_string(question.end) + " step " + std::to_string(step);
      const Result<Query> query = Query::parse(text);
      REQUIRE_MESSAGE(query, where << ": " << (query ? "" : query.error().what()));
      QueryRequest request;
      request.lookback_delta = Duration(kLookback);
      const auto result = engine.range(*query, from_millis(question.start),
                                       from_millis(question.end), Duration(step), request);
      // Names go, and two series may become one: the engine says so.
      if (!result && result.error().what().find("same labelset") != std::string::npos) continue;
      if (!result && result.error().what().find("match") != std::string::npos) {
        for (std::int64_t at = question.start; at <= question.end; at += step) {
          (void)evaluate(question, *node, at);
        }
        CHECK_MESSAGE(clash, where << ": " << result.error().what());
        ++refused;
        continue;
      }
      REQUIRE_MESSAGE(result, where << ": " << (result ? "" : result.error().what()));
      const std::string wrong = difference(std::get<Matrix>(result->value), question, *node, step);
      if (clash) continue;
      CHECK_MESSAGE(wrong.empty(), where << wrong);
      ++answered;
    }
  }
  MESSAGE("seeds from " << first << ", " << answered << " expressions answered, " << refused
                        << " refused");
}

}  // namespace
}  // namespace nines::promql
