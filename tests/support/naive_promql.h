#pragma once
// A second evaluator of PromQL, as simple as the documentation reads: one step at a time, every
// window looked at sample by sample, sums in long double. It shares no code with the engine, so
// that both are wrong in the same way by accident only. Floats only; naive_histogram_test.cc has
// the native histograms.
// Source: prometheus.io/docs/prometheus/latest/querying, "basics", "operators", "functions".

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nines::naive {

using Labels = std::map<std::string, std::string>;
using Vector = std::map<Labels, double>;
struct Point {
  std::int64_t at = 0;  // ms
  double value = 0;
  bool stale = false;
};
using Points = std::vector<Point>;
using Data = std::map<Labels, Points>;

enum class At { kNone, kStart, kEnd, kFixed };

// One node; which members mean something depends on `kind`.
struct Node {
  enum Kind { kSelector, kFunction, kAggregate, kScalarOp, kVectorOp } kind = kSelector;
  std::string name;             // metric, function, aggregation or operator
  std::string label, value;     // a selector's matcher; empty: none
  std::int64_t offset = 0;      // ms, of selectors and subqueries
  At at = At::kNone;            // of the same
  std::int64_t at_ms = 0;       // with kFixed
  std::int64_t range = 0;       // ms, of functions
  std::int64_t step = 0;        // ms; > 0: the function reads a subquery over `left`
  std::vector<double> params;   // scalar arguments
  std::vector<std::string> by;  // of aggregations
  bool without = false, with_bool = false;
  // Of vector operators: `by` holds the labels of on(), or of ignoring() when `without`.
  enum Match { kAll, kListed, kGroupLeft, kGroupRight } match = kAll;
  std::vector<std::string> include;             // group_left(...), group_right(...)
  std::optional<double> fill_left, fill_right;  // one to one only
  std::unique_ptr<Node> left, right;
};

std::string to_text(const Node& node);

struct Question {
  const Data& data;
  std::int64_t start = 0, end = 0;  // of the whole query
  std::int64_t lookback = 0;
  // Set when two series met because their names went: what comes of them is not simple.
  bool& clash;
};

Vector evaluate(const Question& question, const Node& node, std::int64_t at);

}  // namespace nines::naive
