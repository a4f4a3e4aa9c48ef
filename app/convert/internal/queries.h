#pragma once
// What a PromQL query of another tool counts, as far as it comes down to plain series selectors.

#include <string>
#include <string_view>
#include <vector>

#include "app/convert/internal/draft.h"
#include "base/core/result.h"

namespace nines::convert {

struct Shape {
  enum class Kind : std::uint8_t {
    kUnknown,     // `why`
    kIncrease,    // sum(rate(x)) or sum(increase(x)): of counters
    kPlain,       // x, sum(x)
    kSumOver,     // sum(sum_over_time(x))
    kCountOver,   // sum(count_over_time(x))
    kMeanOver,    // avg_over_time(x)
    kSamples,     // sum_over_time(count(x)[w:]): each sample an event
    kSamplesIf,   // sum_over_time(count(x < v)[w:])
    kDifference,  // parts[0] - parts[1]
    kQuotient,    // parts[0] / parts[1]
    kRest,        // 1 - parts[0]
  };
  Kind kind = Kind::kUnknown;
  std::string selector;  // as PromQL
  std::string same;      // the selector with its matchers sorted: equal when they select the same
  bool summed = false;   // inside sum() or avg()
  std::vector<std::string> by;  // labels that sum by (...) kept; sorted
  std::string op;               // kSamplesIf: lt lte gt gte eq ne
  double value = 0;
  std::vector<Shape> parts;
  std::string offset;  // "offset 1m": short, so that it only waits for late samples
  std::string why;
};

// The labels that are kept, of a ratio those of its total.
const std::vector<std::string>& labels_of(const Shape& shape);
// The first offset of a shape and its parts; empty: none.
std::string offset_of(const Shape& shape);

// `{{.window}}` may stand for a range. kInvalid: no PromQL, with its position.
Result<Shape> shape_of(const std::string& query);

// Says what of a query was left out: offsets, and a window that stands elsewhere than in a range.
void note_query(const std::string& query, const Shape& shape, const YAML::Mark& mark,
                Source& source);

// Whether a query is one series selector, whatever its modifiers.
bool is_selector(const std::string& query);

// The indicator of "so many of `part`, good or bad, of all `total`". Returns why it cannot be;
// empty when it can.
std::string set_events(const Shape& part, bool part_is_bad, const Shape& total, bool counter,
                       DraftIndicator& out);
// Of a ratio that is reckoned already.
std::string set_ratio(const Shape& ratio, bool is_bad, DraftIndicator& out);
// A series selector alone.
std::string set_selector(const Shape& shape, std::string& out);

}  // namespace nines::convert
